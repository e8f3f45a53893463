"""The interaction's pages as a site of their own, with the sandbox's people, for tests that need no whole provider.

`/authorize/<id>` is the loop of `idp/authorize.py` in a few lines: it asks the same policy and shows the answer
instead of sending a code to an agency.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from flask import Flask, redirect
from sqlalchemy import insert, update

from core import i18n, web
from core.ground import Ground
from core.web import ANYONE, callers
from enrollment.account import AccountStore, PersonAttributes
from enrollment.models import Account
from idp.interaction import guards, logout, signed_in
from idp.interaction.person import menu_person
from idp.interaction.services import InteractionServices
from idp.interaction.session import SessionStore
from idp.interaction.views import blueprint
from idp.interaction.visit import load_visit
from idp.models.agency import Agency
from idp.models.client import Client, RegisteredClient, load_client
from idp.oidc.authentication_request import AuthorizationRequest
from idp.oidc.rp_initiated_logout import LogoutRequest, validate_logout_request
from idp.sandbox.authenticator import SoftwareAuthenticators
from idp.sandbox.passkeys import Owner, PasskeyMaker
from keys.envelope import Envelope
from keys.keystore import Keystore
from keys.purposes import Purpose
from tests.browser_client import BrowserClient

ROOT = Path(__file__).parents[3]
ROOMS = [ROOT / room for room in ("core", "enrollment", "idp/interaction", "idp/portal", "idp/sandbox")]
SOMCHAI = PersonAttributes(
    title_th="นาย", given_name_th="สมชาย", family_name_th="สมมติวงศ์", title="Mr.", given_name="Somchai",
    family_name="Sommutwong", birthdate="1990-04-13", email="somchai@example.test", citizen_number="1990000000019",
)  # fmt: skip
MALEE = PersonAttributes(
    title_th="นาง", given_name_th="มาลี", family_name_th="จำลองสกุล", title="Mrs.", given_name="Malee",
    family_name="Chamlongsakun", birthdate="1985", email="malee@example.test",
)  # fmt: skip
ANAN = PersonAttributes(
    title_th="นาย", given_name_th="อนันต์", family_name_th="สาธิตพงศ์", given_name="Anan", family_name="Sathitphong"
)
REDIRECT_URI = "http://agency-a.localhost:8081/callback"
CLAIMS = [
    {"claim": "name", "purpose": "To address you", "purpose#th": "เพื่อใช้เรียกชื่อท่านในคำขอ", "legal_basis": "public_task", "essential": True},
    {"claim": "birthdate", "purpose": "To check your age", "purpose#th": "เพื่อตรวจสอบอายุตามเงื่อนไขสวัสดิการ", "legal_basis": "legal_obligation"},
    {"claim": "email", "purpose": "To write to you", "purpose#th": "เพื่อแจ้งผลการพิจารณา", "legal_basis": "consent"},
]  # fmt: skip


@dataclass
class Site:
    ground: Ground
    keystore: Keystore
    told: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for purpose in (Purpose.ENVELOPE, Purpose.BLIND_INDEX):
            self.keystore.ensure(purpose)
        self.accounts = AccountStore(self.ground, Envelope(self.keystore))
        self.authenticators = SoftwareAuthenticators(self.ground, self.keystore)
        self.sessions = SessionStore(self.ground, tell_clients=self.tell)
        self.services = InteractionServices(self.ground, self.sessions, self.accounts, self.authenticators)
        self.ids = self.people()
        self.client_id = self.client()
        self.app = self.make_app()

    def tell(self, connection: Any, *, sid: str, account_id: str) -> None:
        self.told.append((sid, account_id))

    def people(self) -> dict[str, str]:
        maker = PasskeyMaker(self.ground, self.authenticators, self.keystore)
        found = {}
        everybody = (("somchai", SOMCHAI, False), ("malee", MALEE, False), ("officer-anan", ANAN, True))
        for position, (name, attributes, attested) in enumerate(everybody):
            account_id = found[name] = self.accounts.create(attributes, name=name)
            maker.give(Owner(account_id, name, attributes.name_th, attributes.name_en, position, attested))
        return found

    def client(self) -> str:
        metadata = {
            "client_name": "Elderly allowance", "client_name#th": "เบี้ยยังชีพผู้สูงอายุ", "prajak_profile": "oidc-basic",
            "redirect_uris": [REDIRECT_URI], "scope": "openid profile email", "prajak_claims": CLAIMS,
            "token_endpoint_auth_method": "private_key_jwt", "client_uri": "http://agency-a.localhost:8081/",
            "post_logout_redirect_uris": ["http://agency-a.localhost:8081/signed-out"],
        }  # fmt: skip
        now = self.ground.clock.now()
        agency = {
            "id": "agency-a",
            "name_th": "สำนักงานสวัสดิการตัวอย่าง",
            "name_en": "Example Welfare Office",
            "sector": "welfare",
        }
        row = {"client_id": "demo-a", "agency_id": "agency-a", "status": "sandbox", "jwks": "", "logo_type": ""}
        row |= {"metadata_json": json.dumps(metadata), "sector_identifier": "agency-a.localhost", "updated_at": now}
        with self.ground.database.write() as connection:
            connection.execute(insert(Agency), agency | {"created_at": now})
            connection.execute(insert(Client), row | {"created_at": now})
        return "demo-a"

    def make_app(self) -> Flask:
        app = Flask("site", static_folder=None)
        app.jinja_loader = None
        app.register_blueprint(core_templates())
        i18n.install(app, ROOMS)
        web.install(app, web.Web(self.ground, guards.guards(self.services), menu_person(self.services)))
        app.register_blueprint(blueprint(self.services))
        app.register_blueprint(logout.blueprint(self.services, self.validate_logout))
        app.add_url_rule("/authorize/<interaction_id>", "authorize", self.authorize)
        app.add_url_rule("/", "front", callers(ANYONE)(lambda: "front"))
        self.add_me(app)
        app.test_client_class = BrowserClient
        web.check_callers(app)
        return app

    def add_me(self, app: Flask) -> None:
        """Pages that want a session, a fresh one, an office."""
        app.add_url_rule("/me", "me", callers("signed in")(lambda: "me"))
        app.add_url_rule(
            "/me/careful", "careful", callers("freshly signed in")(lambda: "careful"), methods=["GET", "POST"]
        )
        app.add_url_rule("/desk", "desk", callers("proofing-officer")(lambda: "desk"))

    def validate_logout(self, parameters: Any) -> LogoutRequest:
        def load(client_id: str) -> RegisteredClient | None:
            with self.ground.database.read() as connection:
                return load_client(connection, client_id)

        return validate_logout_request(parameters, issuer="http://localhost:8080", keys=[], load_client=load)

    @property
    def authorize(self) -> Any:
        @callers(ANYONE)
        def authorize(interaction_id: str) -> Any:
            visit = load_visit(self.services, interaction_id)
            if not visit.progress.refused and visit.asked is not None:
                return redirect(f"/interaction/{interaction_id}", 303)
            with self.ground.database.write() as connection:
                self.services.interactions.answer(connection, interaction_id)
            return {"refused": visit.progress.refused, "assertion": visit.progress.assertion}

        return authorize

    def ask(self, **parameters: Any) -> str:
        """An agency's request; the path of its interaction."""
        scope = tuple(parameters.pop("scope", "openid profile").split())
        now = int(self.ground.clock.now().timestamp())
        request = AuthorizationRequest(
            client_id=self.client_id, redirect_uri=REDIRECT_URI, scope=scope, received_at=now, **parameters
        )
        with self.ground.database.write() as connection:
            begun = self.services.interactions.begin(connection, request=request.to_dict(), client_id=self.client_id)
        return f"/interaction/{begun}"

    def browser(self) -> BrowserClient:
        return self.app.test_client()  # type: ignore[return-value]

    def sign_in(self, browser: BrowserClient, name: str, path: str | None = None) -> Any:
        path = path or self.begin(browser)
        return browser.submit(path, {"step": "sandbox", "user": name})

    def begin(self, browser: BrowserClient, return_to: str = "/me") -> str:
        return str(browser.get(f"/sign-in?return_to={return_to}").location)

    def suspend(self, name: str) -> None:
        with self.ground.database.write() as connection:
            connection.execute(update(Account).where(Account.id == self.ids[name]).values(status="suspended"))

    def current(self, browser: BrowserClient) -> Any:
        """The session in the browser's cookie."""
        with self.app.test_request_context(headers={"Cookie": f"prajak-session={self.cookie(browser)}"}):
            return signed_in.current(self.services)

    def cookie(self, browser: BrowserClient) -> str:
        cookie = browser.get_cookie("prajak-session", domain="localhost")
        return cookie.value if cookie else ""


def core_templates() -> Any:
    from flask import Blueprint

    return Blueprint("core", "core", template_folder=str(ROOT / "core" / "templates"))
