"""Offering a record to other agencies: the entry checked field by field, then kept with its audit entry.

What one agency offers it offers by itself: the API and the client that serves it are its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, or_, select

from core import audit
from core.ground import Ground
from idp.models.catalogue import CLASSIFICATIONS, CatalogueEntry, Entry, load_entry_ever, save_entry, withdraw_entry
from idp.models.client import Client
from idp.models.legal_basis import LEGAL_BASES
from idp.models.protected_resource import ProtectedResource
from idp.registration.problems import InvalidMetadata, Problem, Wrong
from idp.registration.uris import check_web_address

IDENTIFIER = re.compile(r"[a-z0-9][a-z0-9-]{0,78}[a-z0-9]")
LONGEST = {"name_th": 200, "name_en": 200, "source": 300, "law": 300, "retention": 300}
MAX_RECIPIENTS = 100

TAKEN = "Another record has this identifier, or had it once. Choose another one."
NOT_OWN = "This must be a service of your agency: the one that your API is known by."
OTHERS_API = "This address is another service's API already."


class CatalogueRegistration:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def offer(self, entry: Entry, *, by: str, new: bool = False) -> None:
        """An entry, or new values of one's own; `new` takes the place of none. Raises InvalidMetadata with every
        problem at once.
        """
        problems = self._problems(entry)
        with self.ground.database.write() as connection:
            problems += problems_of_owner(connection, entry)
            taken = new and load_entry_ever(connection, entry.identifier) is not None
            if not problems and (taken or not save_entry(connection, entry, now=self.ground.clock.now())):
                problems = [Problem("identifier", TAKEN)]
            if problems:
                raise InvalidMetadata(problems)
            self._record(connection, "catalogue.offered", entry.identifier, entry.client_id, by)

    def withdraw(self, identifier: str, *, agency_id: str, by: str) -> bool:
        """False where the agency has no such entry."""
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            withdrawn = withdraw_entry(connection, identifier, agency_id=agency_id, now=now)
            if withdrawn:
                self._record(connection, "catalogue.withdrawn", identifier, "", by)
        return withdrawn

    def _record(self, connection: Connection, event: str, identifier: str, client_id: str, by: str) -> None:
        detail = {"identifier": identifier}
        audit.record(connection, self.ground.clock, event=event, actor=by, client_id=client_id, detail=detail)

    def _problems(self, entry: Entry) -> list[Problem]:
        sandbox = self.ground.settings.sandbox
        checks: Mapping[str, Callable[[Entry], None]] = {
            "identifier": lambda e: check(IDENTIFIER.fullmatch(e.identifier), "Use small letters, digits and hyphens."),
            **{name: check_text_of(name, longest) for name, longest in LONGEST.items()},
            "classification": lambda e: check(e.classification in CLASSIFICATIONS, "Choose one."),
            "legal_basis": lambda e: check(e.legal_basis in LEGAL_BASES, "Choose one."),
            "resource": lambda e: check_resource(e.resource, sandbox=sandbox),
            "recipients": lambda e: check(0 < len(e.recipients) <= MAX_RECIPIENTS, "Name at least one service."),
        }
        found = []
        for name, fits in checks.items():
            try:
                fits(entry)
            except Wrong as wrong:
                found.append(Problem(name, wrong.message, wrong.values))
        return found


def check(fits: object, message: str) -> None:
    if not fits:
        raise Wrong(message)


def check_text_of(name: str, longest: int) -> Callable[[Entry], None]:
    """One line of text, whatever its language."""

    def check_text(entry: Entry) -> None:
        text = getattr(entry, name)
        check(text, "Fill this in.")
        check(len(text) <= longest and text.isprintable(), "This must be one line, and shorter.")

    return check_text


def check_resource(resource: str, *, sandbox: bool) -> None:
    check_web_address(resource, sandbox=sandbox)
    check(len(resource) <= 400 and "?" not in resource, "This must be a shorter address without a query.")  # noqa: PLR2004 - the column


def problems_of_owner(connection: Connection, entry: Entry) -> list[Problem]:
    """The client is the agency's, its API nobody else's, and those who may ask are registered."""
    found = []
    registered = select(Client.client_id).where(Client.removed_at.is_(None))
    own = registered.where(Client.client_id == entry.client_id, Client.agency_id == entry.agency_id)
    if connection.execute(own).first() is None:
        found.append(Problem("client_id", NOT_OWN))
    others = (
        select(CatalogueEntry.client_id).where(
            CatalogueEntry.resource == entry.resource,
            CatalogueEntry.identifier != entry.identifier,
            CatalogueEntry.withdrawn_at.is_(None),
            or_(CatalogueEntry.client_id != entry.client_id, CatalogueEntry.agency_id != entry.agency_id),
        ),
        select(ProtectedResource.client_id).where(
            ProtectedResource.resource == entry.resource, ProtectedResource.client_id != entry.client_id
        ),
    )
    if any(connection.execute(query).first() is not None for query in others):
        found.append(Problem("resource", OTHERS_API))
    known = set(connection.execute(registered.where(Client.client_id.in_(entry.recipients))).scalars())
    unknown = [each for each in entry.recipients if each not in known]
    if unknown:
        found.append(
            Problem("recipients", "Nobody is registered as %(client_ids)s.", {"client_ids": " ".join(unknown)})
        )
    return found
