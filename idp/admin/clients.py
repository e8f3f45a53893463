"""What a developer does with a client: registers it, changes it, asks for go-live, removes it.

While a client is in the sandbox only, a change holds at once. Of a live client nothing changes without approval.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flask_babel import gettext
from sqlalchemy import Connection, select, update

from core import audit
from core.errors import NotFound, PersonError
from idp.admin import approval
from idp.admin.approval import Asked
from idp.admin.client_form import ClientForm, FormProblems, field_of, metadata_of
from idp.admin.logo import LOGO_TYPE, fetch_logo, reencode_logo
from idp.admin.services import ConsoleServices
from idp.admin.trial import TWIN
from idp.models.client import Client, ClientStatus, RegisteredClient, load_client
from idp.registration.client_registration import Prepared, Registration
from idp.registration.problems import InvalidMetadata

LONGEST_NOTE = 1000


class Refused(PersonError):
    """Everything that is wrong with what was typed: field of the form → sentence, translated."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__("There is a problem")
        self.fields = fields


class Registrar:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services
        self.ground = services.ground
        fetch = partial(fetch_logo, services.ground.outbound)
        self.registration = Registration(services.ground, services.clients, fetch)

    def register(self, form: ClientForm, *, agency_id: str, by: str) -> str:
        """Returns the client_id. In the sandbox it answers at once, elsewhere once it was approved."""
        prepared = self.prepare(form, None)
        status = ClientStatus.SANDBOX if self.ground.settings.sandbox else ClientStatus.DRAFT
        with self.ground.database.write() as connection:
            registered = self.registration.add(connection, prepared, by=by, agency_id=agency_id, status=status)
        return str(registered["client_id"])

    def change(self, client: RegisteredClient, form: ClientForm, *, by: str, note: str) -> None:
        self.put(client, self.prepare(form, client), by=by, note=note)

    def change_keys(self, client: RegisteredClient, jwks: Mapping[str, Any], *, by: str) -> None:
        try:
            prepared = self.prepare_metadata({**client.metadata, "jwks": jwks}, client)
        except InvalidMetadata as error:
            raise Refused({"jwks": sentence(error)}) from error
        note = gettext("The service's keys change.")
        self.put(client, prepared, by=by, note=note)

    def put(self, client: RegisteredClient, prepared: Prepared, *, by: str, note: str) -> None:
        """At once, or by approval when the client is live."""
        if client.status is ClientStatus.LIVE:
            self.ask(client, prepared.metadata, by=by, note=note)
            return
        with self.ground.database.write() as connection:
            approval.withdraw(connection, self.ground.clock, client.client_id, by=by)
            self.apply(connection, client.client_id, prepared, by=by)

    def ask_for_go_live(self, client: RegisteredClient, *, by: str, note: str) -> None:
        if client.status is ClientStatus.LIVE:
            raise PersonError("This service is live already.")
        self.ask(client, client.metadata, by=by, note=note)

    def ask(self, client: RegisteredClient, proposed: Mapping[str, Any], *, by: str, note: str) -> None:
        if not 0 < len(note) <= LONGEST_NOTE:
            limit = LONGEST_NOTE
            raise PersonError("Fill this in, with at most %(limit)s characters.", field="note", limit=limit)
        with self.ground.database.write() as connection:
            mine = select(Client.updated_at).where(Client.client_id == client.client_id)
            approval.ask(
                connection,
                self.ground.clock,
                client_id=client.client_id,
                client_updated_at=connection.execute(mine).scalar_one(),
                proposed=proposed,
                asked_by=by,
                note=note,
            )

    def take_back(self, client: RegisteredClient, *, by: str) -> None:
        with self.ground.database.write() as connection:
            approval.withdraw(connection, self.ground.clock, client.client_id, by=by)

    def approve(self, asked: Asked, *, by: str) -> None:
        """Whatever must be fetched is fetched anew, before the transaction."""
        try:
            prepared = self.registration.prepare(asked.proposed)
        except InvalidMetadata as error:
            raise PersonError("What is proposed cannot be used now: %(why)s", why=sentence(error)) from error
        with self.ground.database.write() as connection:
            approval.approve(connection, self.ground.clock, asked, decided_by=by)
            self.apply(connection, asked.client_id, prepared, by=by)

    def remove(self, client: RegisteredClient, *, by: str) -> None:
        self.take_back(client, by=by)
        self.registration.remove(client.client_id, by=by)
        self.registration.remove(TWIN + client.client_id, by=by)

    def upload_logo(self, client: RegisteredClient, image: bytes, *, by: str) -> None:
        """A live client's logo is what people trust it by: it changes by its address, which an approver can open."""
        if client.status is ClientStatus.LIVE:
            raise PersonError(
                "This service is live: write the logo's address, so that it can be approved.", field="logo_uri"
            )
        picture = reencode_logo(image, field="upload")
        with self.ground.database.write() as connection:
            mine = update(Client).where(Client.client_id == client.client_id, Client.removed_at.is_(None))
            connection.execute(mine.values(logo=picture, logo_type=LOGO_TYPE))
            audit.record(connection, self.ground.clock, event="client.logo", actor=by, client_id=client.client_id)

    def change_logo(self, client: RegisteredClient, logo_uri: str, *, by: str) -> None:
        try:
            prepared = self.registration.prepare({**client.metadata, "logo_uri": logo_uri})
        except InvalidMetadata as error:
            first = error.problems[0]
            raise PersonError(first.message, field="logo_uri", **first.values) from error
        self.put(client, prepared, by=by, note=gettext("The service's logo changes."))

    def apply(self, connection: Connection, client_id: str, prepared: Prepared, *, by: str) -> None:
        """The logo stays where none was fetched: it may have been uploaded."""
        logo = (
            prepared.logo or connection.execute(select(Client.logo).where(Client.client_id == client_id)).scalar_one()
        )
        if not self.registration.change(connection, client_id, replace(prepared, logo=logo), by=by):
            raise NotFound("There is no such client.")

    def prepare(self, form: ClientForm, client: RegisteredClient | None) -> Prepared:
        """Raises Refused with every problem at once, the form's own and the metadata's."""
        problems: dict[str, str] = {}
        try:
            metadata = metadata_of(form, client.metadata if client else None)
        except FormProblems as error:
            problems, metadata = error.fields, dict(error.typed)
        try:
            prepared = self.prepare_metadata(metadata, client)
        except InvalidMetadata as error:
            raise Refused(beside(problems, error)) from error
        if problems:
            raise Refused(problems)
        return prepared

    def prepare_metadata(self, metadata: dict[str, Any], client: RegisteredClient | None) -> Prepared:
        """A logo that is here already is not fetched again."""
        logo_uri = metadata.get("logo_uri")
        if client is None or logo_uri is None or logo_uri != client.get("logo_uri"):
            return self.registration.prepare(metadata)
        prepared = self.registration.prepare({name: value for name, value in metadata.items() if name != "logo_uri"})
        return replace(prepared, metadata={**prepared.metadata, "logo_uri": logo_uri})


def load_clients(connection: Connection, agency_ids: list[str]) -> list[RegisteredClient]:
    """Newest first, without the twins of trials."""
    mine = (Client.agency_id.in_(agency_ids), Client.removed_at.is_(None), Client.client_id.not_like(f"{TWIN}%"))
    with_ids = select(Client.client_id).where(*mine).order_by(Client.created_at.desc(), Client.client_id)
    found = [load_client(connection, client_id) for client_id in connection.execute(with_ids).scalars().all()]
    return [client for client in found if client is not None]


def beside(problems: Mapping[str, str], error: InvalidMetadata) -> dict[str, str]:
    """The metadata's problems and the form's own. What the form says of a claim's fields is the more exact."""
    found = {field_of(each): gettext(each.message, **each.values) for each in error.problems}
    if any("-" in field for field in problems):
        found = {field: text for field, text in found.items() if field != "claims" and not field.startswith("claim-")}
    return found | dict(problems)


def sentence(error: InvalidMetadata) -> str:
    return " ".join(f"{each.field}: {gettext(each.message, **each.values)}" for each in error.problems)
