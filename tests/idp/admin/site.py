"""The console on the composed provider, with people of every office in two agencies, signed in by the sandbox's form."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any

import httpx
from flask import Flask
from jinja2 import FileSystemLoader
from joserfc.jwk import ECKey
from sqlalchemy import delete, insert, select, update

from core import i18n, web
from core.audit import AuditEntry
from core.identifiers import new_id
from core.web import ANYONE, callers
from enrollment.account import PersonAttributes
from idp import authorize, protocol_views
from idp.admin import access, views
from idp.admin.approval import Approval
from idp.admin.services import ConsoleServices
from idp.app import person_erasure
from idp.authorize import Authorization
from idp.composition import Provider
from idp.interaction import guards, person
from idp.interaction import views as interaction_views
from idp.models.agency import Agency
from idp.models.client import Client
from idp.models.membership import Membership, Role
from idp.sandbox.passkeys import Owner, PasskeyMaker
from tests.browser_client import BrowserClient

ROOT = Path(__file__).parents[3]
ROOMS = (
    "core",
    "enrollment",
    "idp",
    "idp/interaction",
    "idp/registration",
    "idp/portal",
    "idp/admin",
    "idp/sandbox",
    "keys",
)
PEOPLE = (
    ("dev-dao", "ดาว", "Dao", "agency-a", Role.DEVELOPER),
    ("dev-boon", "บุญ", "Boon", "agency-b", Role.DEVELOPER),
    ("approver-kaew", "แก้ว", "Kaew", "agency-a", Role.AGENCY_APPROVER),
    ("approver-bua", "บัว", "Bua", "agency-b", Role.AGENCY_APPROVER),
    ("admin-anong", "อนงค์", "Anong", "agency-b", Role.ADMINISTRATOR),
    ("auditor-arun", "อรุณ", "Arun", "agency-b", Role.AUDITOR),
    ("somchai", "สมชาย", "Somchai", "", None),
)
KEY = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
FORM = {
    "name_th": "ตรวจสิทธิ",
    "name_en": "Entitlements",
    "profile": "oidc-basic",
    "redirect_uris": "http://localhost:9000/callback",
    "post_logout_redirect_uris": "http://localhost:9000/signed-out",
    "key_source": "jwks",
    "jwks": json.dumps(KEY.as_dict(private=False)),
    "claim-given_name": "1",
    "purpose_th-given_name": "เพื่อระบุชื่อผู้มีสิทธิ",
    "purpose-given_name": "To name the person entitled",
    "legal_basis-given_name": "public_task",
    "claim-verified_claims": "1",
    "purpose_th-verified_claims": "เพื่อยืนยันตัวผู้มีสิทธิ",
    "purpose-verified_claims": "To be sure who is entitled",
    "legal_basis-verified_claims": "public_task",
}


@dataclass
class ConsoleSite:
    provider: Provider
    ids: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.app = Flask("console", static_folder=None)
        self.app.jinja_loader = FileSystemLoader(ROOT / "core" / "templates")
        self.services = ConsoleServices(
            ground=self.provider.ground,
            interaction=self.provider.interaction,
            accounts=self.provider.accounts,
            clients=self.provider.server.clients,
            envelope=self.provider.trust.envelope,
            keystore=self.provider.trust.keystore,
            trust=self.provider.trust,
            outbox=self.provider.outbox,
            provider=httpx.WSGITransport(self.app),
            erase=person_erasure(self.provider).erase,
        )
        i18n.install(self.app, [ROOT / room for room in ROOMS])
        words = {**guards.guards(self.provider.interaction), **access.guards(self.services)}
        web.install(self.app, web.Web(self.provider.ground, words, person.menu_person(self.provider.interaction)))
        self.app.register_blueprint(views.blueprint(self.services))
        self.app.register_blueprint(interaction_views.blueprint(self.provider.interaction))
        self.app.register_blueprint(protocol_views.blueprint(self.provider.server))
        authorization = Authorization(self.provider.server, self.provider.trust.keystore, self.provider.interaction)
        self.app.register_blueprint(authorize.blueprint(authorization))
        for path in ("/", "/me", "/officer", "/sign"):
            self.app.add_url_rule(path, path, callers(ANYONE)(lambda: "here"))
        web.check_callers(self.app)
        self.app.test_client_class = BrowserClient
        self.seed()

    def seed(self) -> None:
        now, ground = self.provider.ground.clock.now(), self.provider.ground
        assert self.provider.interaction.sandbox is not None
        maker = PasskeyMaker(ground, self.provider.interaction.sandbox, self.provider.trust.keystore)  # type: ignore[arg-type]
        agencies = [
            {
                "id": f"agency-{letter}",
                "name_th": f"กรมตัวอย่าง {letter}",
                "name_en": f"Example {letter}",
                "sector": letter,
            }
            for letter in "ab"
        ]
        with ground.database.write() as connection:
            connection.execute(insert(Agency), [agency | {"created_at": now} for agency in agencies])
        for position, (name, thai, english, agency_id, role) in enumerate(PEOPLE):
            attributes = PersonAttributes(
                given_name_th=thai, family_name_th="ตัวอย่าง", given_name=english, family_name="Tuayang"
            )
            self.ids[name] = self.provider.accounts.create(attributes, name=name)
            maker.give(Owner(self.ids[name], name, attributes.name_th, attributes.name_en, position))
            if role is not None:
                self.grant(name, role, agency_id)

    def browser(self, name: str | None = None, *, language: str = "en") -> BrowserClient:
        """A browser of its own, signed in as somebody."""
        browser: BrowserClient = self.app.test_client()  # type: ignore[assignment]
        browser.set_cookie("prajak-lang", language, domain="localhost")
        if name is not None:
            path = browser.get("/sign-in").location
            assert browser.submit(path, {"step": "sandbox", "user": name}).status_code == 303
        return browser

    def register(self, browser: BrowserClient, **changed: str) -> str:
        """Registers a client by the form; returns its client_id."""
        answer = browser.submit("/console/clients/new", FORM | changed)
        assert answer.status_code == 303, errors(answer)
        return str(answer.location.rpartition("/")[2])

    def ask_for_go_live(self, browser: BrowserClient, client_id: str) -> str:
        """Returns the approval's path."""
        answer = browser.submit(f"/console/clients/{client_id}", {"act": "go-live", "note": "It works in the sandbox."})
        assert answer.status_code == 303, errors(answer)
        return self.open_approval(client_id)

    def open_approval(self, client_id: str) -> str:
        """Its path."""
        mine = (Approval.client_id == client_id, Approval.decided_at.is_(None))
        with self.provider.ground.database.read() as connection:
            return f"/console/approvals/{connection.execute(select(Approval.id).where(*mine)).scalar_one()}"

    def grant(self, name: str, role: str, agency_id: str = "agency-a", *, granted_by: str = "demo") -> None:
        row = {"id": new_id(), "account_id": self.ids[name], "agency_id": agency_id, "office": "", "role": role}
        row |= {"granted_by": granted_by, "granted_at": self.provider.ground.clock.now()}
        with self.provider.ground.database.write() as connection:
            connection.execute(insert(Membership), row)

    def end_role(self, name: str, role: str) -> None:
        mine = (Membership.account_id == self.ids[name], Membership.role == role, Membership.ended_at.is_(None))
        with self.provider.ground.database.write() as connection:
            connection.execute(update(Membership).where(*mine).values(ended_at=self.provider.ground.clock.now()))

    def forget_role(self, name: str, role: str) -> None:
        mine = (Membership.account_id == self.ids[name], Membership.role == role)
        with self.provider.ground.database.write() as connection:
            connection.execute(delete(Membership).where(*mine))

    def memberships(self, name: str | None, role: str) -> list[str]:
        """Ids of those in force, admin-anong's last."""
        where = [Membership.role == role, Membership.ended_at.is_(None)]
        where += [Membership.account_id == self.ids[name]] if name else []
        order = Membership.account_id == self.ids["admin-anong"]
        with self.provider.ground.database.read() as connection:
            return list(connection.execute(select(Membership.id).where(*where).order_by(order)).scalars())

    def client(self, client_id: str) -> Any:
        with self.provider.ground.database.read() as connection:
            return connection.execute(select(Client.__table__).where(Client.client_id == client_id)).mappings().one()

    def events(self) -> list[tuple[str, str]]:
        """(event, actor's name) of the audit trail, oldest first."""
        names = {account_id: name for name, account_id in self.ids.items()}
        query = select(AuditEntry.event, AuditEntry.actor).order_by(AuditEntry.number)
        with self.provider.ground.database.read() as connection:
            return [(row.event, names.get(row.actor, row.actor)) for row in connection.execute(query)]


def errors(answer: Any) -> dict[str, str]:
    """Field → sentence, as the error summary says it; "" for one of no field."""
    found = re.search(r"error-summary__list.*?</ul>", answer.text, re.DOTALL)
    items = re.findall(r"<li>(?:<a href=\"#([^\"]*)\">)?([^<]*)", found[0]) if found else []
    return {name: unescape(text) for name, text in items}
