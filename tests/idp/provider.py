"""The whole protocol engine with the real pages of sign-in and consent, and agencies that speak to it over HTTP."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from flask import Flask
from joserfc import jws
from joserfc.jwk import ECKey, KeySet
from werkzeug.test import TestResponse

from core import i18n, web
from core.clock import timestamp
from core.identifiers import new_id
from core.outbox import Outbox
from enrollment.models import Account
from idp import authorize, protocol_views
from idp.interaction import guards
from idp.interaction.person import menu_person
from idp.interaction.services import InteractionServices
from idp.interaction.session import SessionStore
from idp.interaction.views import blueprint as interaction_blueprint
from idp.oidc.backchannel_logout import CHANNEL, BackchannelLogout
from idp.registration.client_registration import Registration
from idp.registration.views import blueprint as registration_blueprint
from idp.server import Server
from keys.envelope import Envelope
from keys.purposes import Purpose
from tests.browser_client import ISSUER, BrowserClient
from tests.idp.interaction.site import Site, core_templates

__all__ = ["ISSUER", "Account", "Agency", "Provider", "b64", "claims_of", "header_of", "query_of"]

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
CLAIMS = [
    {"claim": name, "purpose": f"For {name}", "purpose#th": "เพื่อทดสอบ", "legal_basis": "public_task"}
    for name in ("name", "given_name", "family_name", "birthdate", "email", "phone_number", "verified_claims")
]


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def query_of(response: TestResponse) -> dict[str, str]:
    """The parameters of an answer by redirect."""
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(str(response.location)).query))


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    from base64 import urlsafe_b64decode

    claims: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


def header_of(token: str) -> dict[str, Any]:
    from base64 import urlsafe_b64decode

    part = token.split(".", maxsplit=1)[0]
    header: dict[str, Any] = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return header


def sign_jws(claims: Any, key: Any, **header: Any) -> str:
    """A JWS with any header at all: the library would refuse to make the bad ones."""
    header = {"alg": "ES256", **header}
    algorithm = jws.JWSRegistry.algorithms[header["alg"]]
    parts = [b64(part if isinstance(part, bytes) else json.dumps(part).encode()) for part in (header, claims)]
    return ".".join([*parts, b64(algorithm.sign(".".join(parts).encode(), key))])


class Provider(Site):
    def __post_init__(self) -> None:
        for purpose in (Purpose.ID_TOKEN, Purpose.ACCESS_TOKEN, Purpose.LOGOUT, Purpose.CODE, Purpose.DPOP_NONCE):
            self.keystore.ensure(purpose)
        super().__post_init__()

    def client(self) -> str:
        self.server = Server(self.ground, self.keystore, self.accounts)
        self.registration = Registration(self.ground, self.server.clients)
        self.outbox = Outbox(self.ground, Envelope(self.keystore), {})
        self.backchannel = BackchannelLogout(self.ground, self.keystore, self.outbox.enqueue)
        self.outbox.channels = {CHANNEL: self.backchannel.deliver}  # type: ignore[misc]
        self.sessions = SessionStore(self.ground, tell_clients=self.backchannel.tell_clients)
        self.services = InteractionServices(self.ground, self.sessions, self.accounts, self.authenticators)
        return ""

    def make_app(self) -> Flask:
        app = Flask("provider", static_folder=None)
        app.jinja_loader = None
        app.register_blueprint(core_templates())
        i18n.install(app, [])
        web.install(app, web.Web(self.ground, guards.guards(self.services), menu_person(self.services)))
        app.register_blueprint(interaction_blueprint(self.services))
        authorization = authorize.Authorization(self.server, self.keystore, self.services)
        app.register_blueprint(authorize.blueprint(authorization))
        app.register_blueprint(protocol_views.blueprint(self.server))
        app.register_blueprint(registration_blueprint(self.ground, self.server.clients))
        app.test_client_class = BrowserClient
        web.check_callers(app)
        return app

    def agency(self, host: str = "agency-a", **metadata: Any) -> Agency:
        """A newly registered client with a key of its own."""
        key = ECKey.generate_key("P-256", {"kid": f"{host}-1"}, private=True)
        given: dict[str, Any] = {
            "client_name": f"Service of {host}",
            "redirect_uris": [f"https://{host}.example/callback"],
            "token_endpoint_auth_method": "private_key_jwt",
            "id_token_signed_response_alg": "ES256",
            "prajak_claims": CLAIMS,
        }
        if (
            metadata.get("token_endpoint_auth_method", "private_key_jwt") == "private_key_jwt"
            and "jwks_uri" not in metadata
        ):
            given["jwks"] = {"keys": [key.as_dict(private=False)]}
        registered = self.registration.register(given | metadata, by="test")
        return Agency(self, registered["client_id"], key, registered)


@dataclass
class Agency:
    """A relying party without any library: what it sends can be bent in every way."""

    provider: Provider
    client_id: str
    key: ECKey
    registered: dict[str, Any]
    dpop_key: ECKey = field(default_factory=partial(ECKey.generate_key, "P-256", None, private=True))

    @property
    def redirect_uri(self) -> str:
        return str(self.registered["redirect_uris"][0])

    @property
    def now(self) -> int:
        return timestamp(self.provider.ground.clock.now())

    def sign(self, claims: dict[str, Any], key: ECKey | None = None, **header: Any) -> str:
        return sign_jws(claims, key or self.key, **header)

    def assertion(self, **claims: Any) -> str:
        usual = {"iss": self.client_id, "sub": self.client_id, "aud": ISSUER, "jti": new_id()}
        usual |= {"iat": self.now, "exp": self.now + 60}  # type: ignore[dict-item]
        return self.sign(
            {name: value for name, value in (usual | claims).items() if value is not None}, kid=self.key.kid
        )

    def authentication(self, **claims: Any) -> dict[str, str]:
        method = self.registered["token_endpoint_auth_method"]
        if method in {"none", "tls_client_auth", "self_signed_tls_client_auth"}:
            return {"client_id": self.client_id}
        if method == "client_secret_post":
            return {"client_id": self.client_id, "client_secret": self.registered["client_secret"]}
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(**claims)}

    def proof(self, method: str, path: str, *, access_token: str = "", key: ECKey | None = None, **claims: Any) -> str:
        key = key or self.dpop_key
        usual = {"jti": new_id(), "htm": method, "htu": f"{ISSUER}{path}", "iat": self.now}
        if access_token:
            usual["ath"] = b64(sha256(access_token.encode()).digest())
        return self.sign(usual | claims, key, typ="dpop+jwt", jwk=key.as_dict(private=False))

    def request(self, **parameters: Any) -> dict[str, str]:
        """The parameters of an authorization request; None takes one away."""
        usual = {
            "client_id": self.client_id,
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "scope": "openid profile",
            "state": "st",
            "nonce": "n-0S6_WzA2Mj",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        } | parameters
        return {name: str(value) for name, value in usual.items() if value is not None}

    def authorize(self, browser: BrowserClient, **parameters: Any) -> TestResponse:
        return browser.get(f"/authorize?{urlencode(self.request(**parameters))}")

    def push(self, headers: dict[str, str] | None = None, **parameters: Any) -> TestResponse:
        form = self.request(**parameters) | self.authentication()
        return self.provider.browser().post("/par", data=form, headers=headers)

    def pushed_url(self, **parameters: Any) -> str:
        answer = self.push(**parameters)
        assert answer.status_code == 201, answer.text
        return "/authorize?" + urlencode({"client_id": self.client_id, "request_uri": answer.json["request_uri"]})

    def walk(self, browser: BrowserClient, response: TestResponse, name: str = "somchai") -> TestResponse:
        """Does what is asked until the provider sends the browser away, as a person would."""
        for _ in range(10):
            location = str(response.location)
            if response.status_code != 303 or not location.startswith(("/", ISSUER)):
                return response
            response = self.step(browser, location, name) if "/interaction/" in location else browser.get(location)
        raise AssertionError("the loop does not end")

    def step(self, browser: BrowserClient, location: str, name: str) -> TestResponse:
        text = browser.get(location).text
        for marker, form in (
            ("sandbox-sign-in", {"step": "sandbox", "user": name}),
            ("consent-allow", {"step": "consent", "decision": "allow"}),
        ):
            if marker in text:
                return browser.submit(location, form)
        return browser.get(location)

    def code(self, browser: BrowserClient, name: str = "somchai", **parameters: Any) -> str:
        answer = query_of(self.walk(browser, self.authorize(browser, **parameters), name))
        assert "code" in answer, answer
        return answer["code"]

    def redeem(
        self, code: str, *, dpop: str | None = None, browser: BrowserClient | None = None, **form: Any
    ) -> TestResponse:
        usual = {"grant_type": "authorization_code", "code": code, "redirect_uri": self.redirect_uri}
        usual |= {"code_verifier": VERIFIER} | ({} if "client_assertion" in form else self.authentication())
        data = {name: value for name, value in (usual | form).items() if value is not None}
        headers = {"DPoP": dpop} if dpop else {}
        if self.registered["token_endpoint_auth_method"] == "client_secret_basic":
            from base64 import b64encode

            data = {k: v for k, v in data.items() if not k.startswith("client_assertion")}
            secret = f"{self.client_id}:{self.registered['client_secret']}"
            headers["Authorization"] = f"Basic {b64encode(secret.encode()).decode()}"
        return (browser or self.provider.browser()).post("/token", data=data, headers=headers)

    def sign_in(self, browser: BrowserClient, name: str = "somchai", **parameters: Any) -> dict[str, Any]:
        """The whole flow; the token response."""
        answer = self.redeem(self.code(browser, name, **parameters))
        assert answer.status_code == 200, answer.text
        tokens: dict[str, Any] = answer.json
        return tokens

    def userinfo(self, access_token: str, *, dpop: str | None = None, scheme: str = "") -> TestResponse:
        headers = {"Authorization": f"{scheme or ('DPoP' if dpop else 'Bearer')} {access_token}"}
        return self.provider.browser().get("/userinfo", headers=headers | ({"DPoP": dpop} if dpop else {}))

    def verified(self, token: str) -> dict[str, Any]:
        """The claims of one of the provider's tokens, its signature checked against the published keys."""
        keys = KeySet.import_key_set(self.provider.browser().get("/jwks").json)
        jws.deserialize_compact(token, keys, algorithms=["ES256"])
        return claims_of(token)


Change = Callable[[timedelta], None]
