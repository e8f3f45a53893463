"""A client with a person who is signed in: what a login over a session, a refresh and a token of its own cost.

The requests go through the whole application, as a worker serves them; the client's own assertion is made here too.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from dataclasses import dataclass
from hashlib import sha256
from time import time
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey

from core.assurance import AAL
from core.identifiers import new_id, new_secret
from enrollment.account import PersonAttributes
from idp.app import build
from idp.composition import Provider
from idp.models.grant import record_grant
from idp.registration.client_registration import Registration

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
REDIRECT_URI = "https://client.example/callback"
SCOPE = ("openid", "profile", "offline_access")


@dataclass(frozen=True)
class Passkey:
    """`idp.interaction.session_row.Authentication`."""

    account_id: str
    credential_id: str = "bench"
    aal: AAL = AAL.AAL2
    amr: tuple[str, ...] = ("swk", "user")


class RelyingParty:
    def __init__(self, provider: Provider) -> None:
        self.provider = provider
        self.issuer = provider.ground.settings.issuer
        self.key = ECKey.generate_key("P-256", auto_kid=True)
        self.client_id = self._register()
        self.browser: FlaskClient = build(provider).test_client()
        self._sign_in()
        self.verifier = new_secret()
        self.refresh_token = self.log_in()["refresh_token"]

    def log_in(self) -> dict[str, Any]:
        """Somebody who is signed in and has agreed comes from the service and goes back to it with tokens."""
        challenge = urlsafe_b64encode(sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {"client_id": self.client_id, "redirect_uri": REDIRECT_URI, "response_type": "code"}
        asked |= {"scope": " ".join(SCOPE), "state": "s", "nonce": "n"}
        asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        answer = self.browser.get(f"/authorize?{urlencode(asked)}", base_url=self.issuer)
        code = parse_qs(urlsplit(answer.headers["Location"]).query)["code"][0]
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT_URI}
        return self._token(**form, code_verifier=self.verifier)

    def refresh(self) -> None:
        self.refresh_token = self._token(grant_type="refresh_token", refresh_token=self.refresh_token)["refresh_token"]

    def ask_for_itself(self) -> None:
        self._token(grant_type="client_credentials")

    def _token(self, **form: str) -> dict[str, Any]:
        answer = self.browser.post("/token", data=form | self._authentication(), base_url=self.issuer)
        if answer.status_code != 200:  # noqa: PLR2004
            raise RuntimeError(answer.text)
        tokens: dict[str, Any] = answer.json or {}
        return tokens

    def _authentication(self) -> dict[str, str]:
        now = int(time())
        claims = {"iss": self.client_id, "sub": self.client_id, "aud": self.issuer}
        timed = {"jti": new_id(), "iat": now, "exp": now + 60}
        signed = jwt.encode({"alg": "ES256", "kid": self.key.kid}, claims | timed, self.key, algorithms=["ES256"])
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": signed}

    def _register(self) -> str:
        metadata = {
            "redirect_uris": [REDIRECT_URI],
            "grant_types": ["authorization_code", "refresh_token", "client_credentials"],
            "token_endpoint_auth_method": "private_key_jwt",
            "id_token_signed_response_alg": "ES256",
            "scope": " ".join(SCOPE),
            "jwks": {"keys": [self.key.as_dict(private=False)]},
        }
        registration = Registration(self.provider.ground, self.provider.server.clients)
        return str(registration.register(metadata, by="bench")["client_id"])

    def _sign_in(self) -> None:
        """A citizen with a session and a standing consent, without the pages that lead there."""
        person = PersonAttributes(given_name_th="สมชาย", family_name_th="สมมติวงศ์", birthdate="1990-04-13")
        account_id = self.provider.accounts.create(person)
        sessions, now = self.provider.sessions, self.provider.ground.clock.now()
        with self.provider.ground.database.write() as connection:
            token = sessions.start(connection, Passkey(account_id))
            claims = ("name", "name#th", "given_name", "given_name#th", "family_name", "family_name#th", "birthdate")
            record_grant(
                connection, account_id=account_id, client_id=self.client_id, scope=SCOPE, claims=claims, now=now
            )
        self.browser.set_cookie(sessions.cookie_name, token, domain=urlsplit(self.issuer).hostname or "")
