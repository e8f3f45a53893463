"""A developer's pages: the agency's services, one service, its form and its code."""

from __future__ import annotations

from pathlib import Path

from flask import Response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import i18n
from core.errors import NotFound, PersonError
from core.web import callers, page
from idp.admin import approval
from idp.admin.access import AGENCY_STAFF, Staff, current_staff, load_own_client
from idp.admin.client_form import OFFERED_CLAIMS, ClientForm, form_of, read_form
from idp.admin.clients import Refused, Registrar, load_clients
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.snippets import offered, snippet_text, snippets
from idp.admin.summary import claim_rows, client_name, summary_rows
from idp.admin.words import CLAIMS, PROFILES, STATUSES
from idp.interaction.claim_words import LEGAL_BASES
from idp.models.agency import load_agency_names
from idp.models.client import ClientStatus, RegisteredClient
from idp.models.membership import Role
from idp.models.profile import ProfileName

KEY_SNIPPETS = Path(__file__).parent / "templates" / "admin" / "snippets"


class ClientPages:
    def __init__(self, services: ConsoleServices, registrar: Registrar) -> None:
        self.services = services
        self.registrar = registrar

    @callers(AGENCY_STAFF)
    def overview(self) -> ResponseReturnValue:
        """The agencies this person develops for, each with its services."""
        agency_ids = current_staff(self.services).agencies(Role.DEVELOPER)
        with self.services.ground.database.read() as connection:
            names = load_agency_names(connection, agency_ids)
            clients = load_clients(connection, agency_ids)
        thai = i18n.language() == "th"
        agencies = [
            {
                "id": agency_id,
                "name": names[agency_id][0 if thai else 1],
                "clients": [
                    (c, client_name(c.metadata), STATUSES[c.status]) for c in clients if c.agency_id == agency_id
                ],
            }
            for agency_id in agency_ids
        ]
        return page(
            "admin/overview.html",
            navigation=navigation(self.services, "/console"),
            agencies=agencies,
            removed=request.args.get("removed") == "1",
        )

    @callers(Role.DEVELOPER.value)
    def new(self) -> ResponseReturnValue:
        self.chosen_agency()
        profile = "oidc-basic" if self.services.ground.settings.sandbox else "fapi2-security"
        return self.form_page(ClientForm(profile=profile), {})

    @callers(Role.DEVELOPER.value)
    def create(self) -> ResponseReturnValue:
        agency_id, staff, form = self.chosen_agency(), current_staff(self.services), read_form(request.form)
        try:
            client_id = self.registrar.register(form, agency_id=agency_id, by=staff.account_id)
        except PersonError as error:
            return self.form_page(form, told(error), 400)
        return redirect(f"/console/clients/{client_id}", 303)

    @callers(Role.DEVELOPER.value)
    def client(self, client_id: str) -> ResponseReturnValue:
        return self.client_page(client_id, {})

    @callers(Role.DEVELOPER.value)
    def act(self, client_id: str) -> ResponseReturnValue:
        """Go-live, taking that back, removal: one address with the page they stand on."""
        staff, client = self.own(client_id)
        registrar, note = self.registrar, request.form.get("note", "").strip()
        acts = {
            "go-live": lambda: registrar.ask_for_go_live(client, by=staff.account_id, note=note),
            "take-back": lambda: registrar.take_back(client, by=staff.account_id),
            "remove": lambda: registrar.remove(client, by=staff.account_id),
        }
        act = request.form.get("act", "")
        try:
            if act in acts:
                acts[act]()
        except PersonError as error:
            return self.client_page(client_id, told(error), error.status)
        return redirect("/console?removed=1" if act == "remove" else f"/console/clients/{client_id}", 303)

    @callers(Role.DEVELOPER.value)
    def edit(self, client_id: str) -> ResponseReturnValue:
        _staff, client = self.own(client_id)
        return self.form_page(form_of(client.metadata), {}, client=client)

    @callers(Role.DEVELOPER.value)
    def change(self, client_id: str) -> ResponseReturnValue:
        """At once while it is in the sandbox only; by approval once it is live."""
        staff, client = self.own(client_id)
        form, note = read_form(request.form), request.form.get("note", "").strip()
        try:
            self.registrar.change(client, form, by=staff.account_id, note=note)
        except PersonError as error:
            return self.form_page(form, told(error), 400, client=client)
        return redirect(f"/console/clients/{client_id}?saved=1", 303)

    @callers(Role.DEVELOPER.value)
    def code(self, client_id: str, file_name: str) -> ResponseReturnValue:
        """A snippet as a file."""
        _staff, client = self.own(client_id)
        if file_name not in offered(client):
            raise NotFound("There is no such file.")
        text = snippet_text(file_name, client, issuer=self.services.ground.settings.issuer)
        return Response(text, mimetype="text/plain")

    def own(self, client_id: str) -> tuple[Staff, RegisteredClient]:
        staff = current_staff(self.services)
        with self.services.ground.database.read() as connection:
            return staff, load_own_client(connection, staff, client_id)

    def chosen_agency(self) -> str:
        """Of several agencies the one that the link named; never one that is not theirs."""
        mine = current_staff(self.services).agencies(Role.DEVELOPER)
        agency_id = request.args.get("agency") or mine[0]
        if agency_id not in mine:
            raise NotFound("There is no such agency.")
        return agency_id

    def client_page(self, client_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        _staff, client = self.own(client_id)
        issuer = self.services.ground.settings.issuer
        with self.services.ground.database.read() as connection:
            latest = approval.load_latest(connection, client_id)
        return page(
            "admin/client.html",
            status,
            navigation=navigation(self.services, "/console"),
            client=client,
            name=client_name(client.metadata),
            path=f"/console/clients/{client_id}",
            shown_status=STATUSES[client.status],
            approval=latest,
            rows=summary_rows(client.metadata),
            claim_rows=claim_rows(client.metadata),
            snippets=snippets(client, issuer=issuer),
            has_logo=client.has_logo,
            note=request.form.get("note", ""),
            saved=request.args.get("saved") == "1",
            errors=errors,
        )

    def form_page(
        self, form: ClientForm, errors: dict[str, str], status: int = 200, *, client: RegisteredClient | None = None
    ) -> ResponseReturnValue:
        return page(
            "admin/client_form.html",
            status,
            navigation=navigation(self.services, "/console"),
            form=form,
            client_id=client.client_id if client else "",
            name=client_name(client.metadata) if client else "",
            is_live=client is not None and client.status is ClientStatus.LIVE,
            claims=[(claim, CLAIMS[claim]) for claim in OFFERED_CLAIMS],
            legal_bases=[("", gettext("Choose one")), *LEGAL_BASES.items()],
            profiles=[(name, PROFILES[name]) for name in ProfileName],
            key_python=(KEY_SNIPPETS / "make_key.py.txt").read_text("utf-8"),
            key_node=(KEY_SNIPPETS / "make_key.mjs.txt").read_text("utf-8"),
            note=request.form.get("note", ""),
            errors=errors,
        )


def told(error: PersonError) -> dict[str, str]:
    """Field → sentence."""
    if isinstance(error, Refused):
        return dict(error.fields)
    return {error.field or "": gettext(error.message, **error.values)}
