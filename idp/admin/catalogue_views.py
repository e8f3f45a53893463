"""The claims catalogue in the console: which records an agency serves to others, as who approves for it decides."""

from __future__ import annotations

from collections.abc import Mapping

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import i18n
from core.errors import NotFound
from core.web import callers, page
from idp.admin.access import current_staff
from idp.admin.clients import load_clients
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.summary import client_name
from idp.interaction.claim_words import CLASSIFICATIONS, LEGAL_BASES
from idp.models.agency import load_agency_names
from idp.models.catalogue import Entry, load_entries
from idp.models.membership import Role
from idp.registration.catalogue import CatalogueRegistration
from idp.registration.problems import InvalidMetadata

CATALOGUE = "/console/catalogue"
TYPED = (
    "identifier",
    "client_id",
    "resource",
    "name_th",
    "name_en",
    "source",
    "classification",
    "legal_basis",
    "law",
    "retention",
)


class CataloguePages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services
        self.registration = CatalogueRegistration(services.ground)

    @callers(Role.AGENCY_APPROVER.value)
    def catalogue(self) -> ResponseReturnValue:
        agency_id = self.agency()
        with self.services.ground.database.read() as connection:
            entries = load_entries(connection, [agency_id])
        language = i18n.language()
        return page(
            "admin/catalogue.html",
            navigation=navigation(self.services, CATALOGUE),
            agency=self.agency_name(agency_id),
            entries=[(entry, entry.name(language), CLASSIFICATIONS[entry.classification]) for entry in entries],
            saved=request.args.get("saved") == "1",
        )

    @callers(Role.AGENCY_APPROVER.value)
    def entry(self, identifier: str) -> ResponseReturnValue:
        return self.entry_page(self.own(identifier).__dict__, {})

    @callers(Role.AGENCY_APPROVER.value)
    def new(self) -> ResponseReturnValue:
        return self.entry_page({}, {})

    @callers(Role.AGENCY_APPROVER.value)
    def offer(self) -> ResponseReturnValue:
        """A new entry."""
        return self.keep(read_entry(request.form, agency_id=self.agency(), identifier=""), new=True)

    @callers(Role.AGENCY_APPROVER.value)
    def change(self, identifier: str) -> ResponseReturnValue:
        """New values, or the end of it."""
        kept = self.own(identifier)
        if request.form.get("act") == "withdraw":
            self.registration.withdraw(identifier, agency_id=kept.agency_id, by=self.by())
            return redirect(f"{CATALOGUE}?saved=1", 303)
        return self.keep(read_entry(request.form, agency_id=kept.agency_id, identifier=identifier))

    def keep(self, entry: Entry, *, new: bool = False) -> ResponseReturnValue:
        try:
            self.registration.offer(entry, by=self.by(), new=new)
        except InvalidMetadata as error:
            told = {each.field: gettext(each.message, **each.values) for each in error.problems}
            return self.entry_page(entry.__dict__, told, 400)
        return redirect(f"{CATALOGUE}?saved=1", 303)

    def own(self, identifier: str) -> Entry:
        """Another agency's entry does not exist here."""
        with self.services.ground.database.read() as connection:
            mine = load_entries(connection, [self.agency()])
        found = next((entry for entry in mine if entry.identifier == identifier), None)
        if found is None:
            raise NotFound("There is no such record.")
        return found

    def agency(self) -> str:
        return current_staff(self.services).agencies(Role.AGENCY_APPROVER)[0]

    def by(self) -> str:
        return current_staff(self.services).account_id

    def agency_name(self, agency_id: str) -> str:
        with self.services.ground.database.read() as connection:
            names = load_agency_names(connection, [agency_id])
        return names[agency_id][0 if i18n.language() == "th" else 1]

    def entry_page(
        self, typed: Mapping[str, object], errors: Mapping[str, str], status: int = 200
    ) -> ResponseReturnValue:
        with self.services.ground.database.read() as connection:
            clients = load_clients(connection, [self.agency()])
        return page(
            "admin/catalogue_entry.html",
            status,
            navigation=navigation(self.services, CATALOGUE),
            back=CATALOGUE,
            typed=typed,
            is_new=request.path == f"{CATALOGUE}/new",
            clients=[("", gettext("Choose one")), *((each.client_id, client_name(each.metadata)) for each in clients)],
            classifications=[("", gettext("Choose one")), *CLASSIFICATIONS.items()],
            legal_bases=[("", gettext("Choose one")), *LEGAL_BASES.items()],
            errors=errors,
        )


def read_entry(form: Mapping[str, str], *, agency_id: str, identifier: str) -> Entry:
    """As typed; an entry that exists keeps its identifier."""
    typed = {name: form.get(name, "").strip() for name in TYPED}
    typed["identifier"] = identifier or typed["identifier"]
    return Entry(agency_id=agency_id, recipients=tuple(dict.fromkeys(form.get("recipients", "").split())), **typed)
