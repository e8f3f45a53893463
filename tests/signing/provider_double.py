"""A small provider of the tests' own: discovery, PAR, PKCE, `private_key_jwt`, tokens, RFC 9396 enrichment. It really
checks what a provider checks, and it can be told to lie.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any
from urllib.parse import urlencode

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.wrappers import Request, Response

from core.clock import Clock, timestamp
from core.signing_challenge import signing_challenge
from tests.authenticator import SoftwareAuthenticator, encode

ISSUER = "http://localhost:8080"
JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
Lie = Callable[[dict[str, Any]], dict[str, Any]]


def honest(value: dict[str, Any]) -> dict[str, Any]:
    return value


@dataclass
class Lies:
    """Each changes what is about to be answered, after all was computed honestly."""

    access_token: Lie = honest  # the claims
    access_token_header: Lie = honest
    id_token: Lie = honest
    details: Lie = honest  # the enriched authorization detail of the token response
    answer: Lie = honest  # the whole token response
    redirect: Lie = honest  # the parameters of the authorization response


@dataclass
class ProviderDouble:
    """`sub`, `names` and `authenticator` are the officer's who says yes to whatever is asked."""

    clock: Clock
    client_keys: Callable[[], Sequence[Mapping[str, Any]]] = list
    sub: str = "officer-anan"
    names: dict[str, str] = field(default_factory=lambda: {"name": "Anan Test", "name#th": "อนันต์ ทดสอบ"})
    authenticator: SoftwareAuthenticator = field(default_factory=SoftwareAuthenticator)
    lies: Lies = field(default_factory=Lies)
    acr: str = "urn:prajak:sandbox:ial2.1:aal3"
    key: ECKey = field(
        default_factory=lambda: ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    )
    pushed: dict[str, dict[str, str]] = field(default_factory=dict)
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    sid: str = "sid-1"
    refuses: str = ""

    def __call__(self, environ: Any, start_response: Any) -> Any:
        """The WSGI application."""
        request = Request(environ)
        endpoints = {
            "/.well-known/openid-configuration": self.discovery,
            "/jwks": lambda _: {"keys": [self.key.as_dict(private=False)]},
            "/par": self.par,
            "/token": self.token,
            "/userinfo": self.userinfo,
        }
        try:
            body, status = endpoints[request.path](request), 200
        except Refused as refusal:
            body, status = {"error": str(refusal)}, 400
        response = Response(json.dumps(body), status, content_type="application/json")
        return response(environ, start_response)

    def discovery(self, _: Request) -> dict[str, str]:
        names = {"pushed_authorization_request_endpoint": "/par", "token_endpoint": "/token", "jwks_uri": "/jwks"}
        names |= {
            "userinfo_endpoint": "/userinfo",
            "authorization_endpoint": "/authorize",
            "end_session_endpoint": "/end",
        }
        return {"issuer": ISSUER} | {name: ISSUER + path for name, path in names.items()}

    def par(self, request: Request) -> dict[str, Any]:
        form = request.form.to_dict()
        self.check_client(form)
        if form.get("code_challenge_method") != "S256" or not form.get("state") or not form.get("nonce"):
            raise Refused("invalid_request")
        request_uri = "urn:ietf:params:oauth:request_uri:" + token_urlsafe(16)
        self.pushed[request_uri] = form
        return {"request_uri": request_uri, "expires_in": 90}

    def authorize(self, request_uri: str) -> str:
        """What the browser is sent back with, when the officer says yes (or `refuses`)."""
        form = self.pushed.pop(request_uri)
        parameters = {"state": form["state"], "iss": ISSUER}
        if self.refuses:
            parameters["error"] = self.refuses
        else:
            code = token_urlsafe(16)
            self.codes[code] = form
            parameters["code"] = code
        return form["redirect_uri"] + "?" + urlencode(self.lies.redirect(parameters))

    def token(self, request: Request) -> dict[str, Any]:
        form = request.form.to_dict()
        self.check_client(form)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            raise Refused("invalid_grant")
        challenge = urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if challenge != asked["code_challenge"]:
            raise Refused("invalid_grant")
        return self.lies.answer(self.answer_to(asked))

    def answer_to(self, asked: Mapping[str, str]) -> dict[str, Any]:
        details = json.loads(asked.get("authorization_details", "[]"))
        claims = self.claims(
            aud=f"{ISSUER}/csc", client_id="prajak-signing", scope=asked["scope"], jti=token_urlsafe(8)
        )
        if details:
            claims["authorization_details"] = details
        header = self.lies.access_token_header({"alg": "ES256", "kid": self.key.kid, "typ": "at+jwt"})
        id_token = self.claims(aud="prajak-signing", nonce=asked["nonce"], acr=self.acr, sid=self.sid)
        answer = {
            "token_type": "Bearer",
            "access_token": jwt.encode(header, self.lies.access_token(claims), self.key),
            "id_token": self.signed(self.lies.id_token(id_token), "JWT"),
        }
        if details:
            enriched = details[0] | {"prajak_assertion": self.assertion(details[0])}
            answer["authorization_details"] = [self.lies.details(enriched)]
        return answer

    def claims(self, **more: Any) -> dict[str, Any]:
        now = timestamp(self.clock.now())
        return {"iss": ISSUER, "sub": self.sub, "iat": now, "exp": now + 300, **more}

    def signed(self, claims: dict[str, Any], typ: str) -> str:
        return jwt.encode({"alg": "ES256", "kid": self.key.kid, "typ": typ}, claims, self.key)

    def assertion(self, detail: Mapping[str, Any]) -> dict[str, str]:
        """The officer's passkey over the challenge of this detail."""
        return assertion_over(detail, self.authenticator)

    def logout_token(self, **changes: Any) -> str:
        events = {"http://schemas.openid.net/event/backchannel-logout": {}}
        claims = self.claims(aud="prajak-signing", jti=token_urlsafe(8), events=events, sid=self.sid)
        typ = changes.pop("typ", "logout+jwt")
        return self.signed({name: value for name, value in (claims | changes).items() if value is not None}, typ)

    def userinfo(self, request: Request) -> dict[str, Any]:
        if not request.headers.get("Authorization", "").startswith("Bearer ey"):
            raise Refused("invalid_token")
        return {"sub": self.sub, **self.names}

    def check_client(self, form: Mapping[str, str]) -> None:
        """RFC 7523 section 3."""
        if form.get("client_assertion_type") != JWT_BEARER or form.get("client_id") != "prajak-signing":
            raise Refused("invalid_client")
        keys = KeySet.import_key_set({"keys": [dict(each) for each in self.client_keys()]})
        claims = jwt.decode(form["client_assertion"], keys, algorithms=["ES256"]).claims
        now = timestamp(self.clock.now())
        if claims["iss"] != "prajak-signing" or claims["sub"] != "prajak-signing" or claims["aud"] != ISSUER:
            raise Refused("invalid_client")
        if not now - 5 <= claims["iat"] <= now or not now < claims["exp"] <= now + 300 or not claims["jti"]:
            raise Refused("invalid_client")


class Refused(Exception):
    """An OAuth error code."""


def assertion_over(detail: Mapping[str, Any], authenticator: SoftwareAuthenticator) -> dict[str, str]:
    challenge = signing_challenge(
        credential_id=detail["credentialID"],
        digests=[b64decode(each["hash"]) for each in detail["documentDigests"]],
        expires_at=datetime.fromtimestamp(detail["prajak_expires_at"], UTC),
        nonce=detail["prajak_nonce"],
    )
    return assertion_of(challenge, authenticator)


def assertion_of(challenge: bytes, authenticator: SoftwareAuthenticator) -> dict[str, str]:
    made = json.loads(authenticator.get(json.dumps({"challenge": encode(challenge), "rpId": "localhost"})))
    response = made["response"]
    return {"id": made["id"]} | {name: response[name] for name in ("clientDataJSON", "authenticatorData", "signature")}
