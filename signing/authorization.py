"""The signing module as the provider's first client: it reaches the provider by protocol and in no other way.

Discovery (OpenID Connect Discovery 1.0 section 4), pushed requests (RFC 9126), `private_key_jwt` (RFC 7523), PKCE with
S256 (RFC 7636), `iss` in the answer (RFC 9207). The requests go through plain httpx: Authlib's own httpx client knows
no PAR and signs only with keys that it holds itself, while ours stay in `keys`. What comes back is believed after
`signing/tokens.py` has verified it, and a signature is made after `signing/csc/authorization.py` has agreed.
"""

from __future__ import annotations

import threading
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any
from urllib.parse import urlencode

import httpx
import structlog
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.clock import Clock, timestamp
from core.identifiers import new_id
from core.settings import Settings
from keys.jwt import sign_jwt
from keys.keystore import Keystore
from keys.purposes import Purpose
from signing.refusals import ProviderRefused, ProviderUnavailable

CLIENT_ID = "prajak-signing"
SIGN_IN_SCOPE = "openid profile"
SIGNING_SCOPE = "openid"
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"  # RFC 7523 section 2.2
ASSERTION_LIFETIME = timedelta(minutes=1)
METADATA_KEPT = timedelta(hours=1)
KEYS_REFETCHED = timedelta(seconds=30)  # at most so often for a `kid` nobody has heard of

log = structlog.get_logger()


def client_metadata(settings: Settings, jwks: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """RFC 7591 metadata by which the provider registers this client; `jwks` are the public keys of client-assertion."""
    return {
        "client_id": CLIENT_ID,
        "client_name": "Prajak signing desk",
        "client_name#th": "โต๊ะลงลายมือชื่ออิเล็กทรอนิกส์ประจักษ์",
        "application_type": "web",
        "redirect_uris": [sign_in_redirect_uri(settings), signing_redirect_uri(settings)],
        "post_logout_redirect_uris": [f"{settings.issuer}/sign"],
        "backchannel_logout_uri": f"{settings.issuer}/sign/backchannel-logout",
        "backchannel_logout_session_required": True,
        "grant_types": ["authorization_code"],
        "response_types": ["code"],
        "scope": SIGN_IN_SCOPE,
        "subject_type": "pairwise",
        "token_endpoint_auth_method": "private_key_jwt",
        "id_token_signed_response_alg": "ES256",
        "require_pushed_authorization_requests": True,
        "authorization_details_types": ["credential"],
        "prajak_profile": "oidc-basic",  # its tokens travel within the process, so no key binds them
        "prajak_claims": [
            {
                "claim": "name",
                "purpose": "To write your name into the signature",
                "purpose#th": "เพื่อระบุชื่อของท่านในลายมือชื่ออิเล็กทรอนิกส์",
                "legal_basis": "public_task",
            }
        ],
        "jwks": {"keys": [dict(each) for each in jwks]},
    }


def sign_in_redirect_uri(settings: Settings) -> str:
    return f"{settings.issuer}/sign/callback"


def signing_redirect_uri(settings: Settings) -> str:
    return f"{settings.issuer}/sign/authorized"


@dataclass(frozen=True)
class Metadata:
    """The members of the discovery document that are used here."""

    issuer: str
    authorization_endpoint: str
    pushed_authorization_request_endpoint: str
    token_endpoint: str
    userinfo_endpoint: str
    jwks_uri: str
    end_session_endpoint: str


def new_code_verifier() -> str:
    """RFC 7636 section 4.1: 44 unreserved characters of 256 random bits."""
    return new_id() + new_id()


def s256(code_verifier: str) -> str:
    """RFC 7636 section 4.2."""
    return urlsafe_b64encode(sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()


class NoCookies(CookieJar):
    """The client serves all officers: a cookie kept from one's call must not travel with another's."""

    def __init__(self) -> None:
        super().__init__(policy=DefaultCookiePolicy(allowed_domains=[]))


class Provider:
    """One provider, as this client sees it. `transport` is given: within one process the provider is called directly,
    so that a request that asks its own server never waits for a second thread.
    """

    def __init__(
        self, settings: Settings, clock: Clock, keystore: Keystore, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.settings = settings
        self.clock = clock
        self.keystore = keystore
        timeout = settings.outbound_timeout.total_seconds()
        self.client = httpx.Client(
            transport=transport, timeout=timeout, follow_redirects=False, trust_env=False, cookies=NoCookies()
        )
        self.lock = threading.Lock()
        self._metadata: tuple[datetime, Metadata] | None = None
        self._keys: tuple[datetime, KeySet] | None = None

    def close(self) -> None:
        self.client.close()

    def metadata(self) -> Metadata:
        """OpenID Connect Discovery section 4.3: the issuer in the document is the one that was asked."""
        kept, now = self._metadata, self.clock.now()
        if kept is not None and timedelta() <= now - kept[0] < METADATA_KEPT:  # or the clock was set back
            return kept[1]
        document = self._json("GET", f"{self.settings.issuer}/.well-known/openid-configuration")
        try:
            metadata = Metadata(**{name: str(document[name]) for name in Metadata.__dataclass_fields__})
        except KeyError as error:
            raise ProviderUnavailable from error
        if metadata.issuer != self.settings.issuer:
            raise ProviderUnavailable
        self._metadata = (now, metadata)
        return metadata

    def keys(self, kid: str) -> KeySet:
        """The provider's public keys; fetched anew for an unknown `kid`, as after a rotation, but not at every call."""
        with self.lock:
            kept, now = self._keys, self.clock.now()
            if kept is not None:
                known, age = any(each.kid == kid for each in kept[1].keys), now - kept[0]
                if timedelta() <= age < (METADATA_KEPT if known else KEYS_REFETCHED):
                    return kept[1]
            document = self._json("GET", self.metadata().jwks_uri)
            try:
                keys = KeySet.import_key_set(document)  # type: ignore[arg-type]  # it checks what it is given
            except (JoseError, ValueError, KeyError, TypeError) as error:
                raise ProviderUnavailable from error
            self._keys = (now, keys)
            return keys

    def push(self, parameters: Mapping[str, str], *, state: str, nonce: str, code_verifier: str) -> str:
        """RFC 9126 section 2: pushes the request; the answer is the URL to which the browser is sent."""
        request = {
            "response_type": "code",
            "client_id": CLIENT_ID,
            "state": state,
            "nonce": nonce,
            "code_challenge": s256(code_verifier),
            "code_challenge_method": "S256",
            **parameters,
        }
        answer = self._authenticated(self.metadata().pushed_authorization_request_endpoint, request)
        query = urlencode({"client_id": CLIENT_ID, "request_uri": str(answer.get("request_uri", ""))})
        return f"{self.metadata().authorization_endpoint}?{query}"

    def redeem(self, code: str, *, code_verifier: str, redirect_uri: str) -> dict[str, Any]:
        """RFC 6749 section 4.1.3. What is answered is not verified yet."""
        request = {"grant_type": "authorization_code", "code": code, "code_verifier": code_verifier}
        return self._authenticated(self.metadata().token_endpoint, {**request, "redirect_uri": redirect_uri})

    def userinfo(self, access_token: str) -> dict[str, Any]:
        """OpenID Connect Core section 5.3; the caller compares `sub` (section 5.3.2)."""
        headers = {"Authorization": f"Bearer {access_token}", "Accept": "application/json"}
        return self._json("GET", self.metadata().userinfo_endpoint, headers=headers)

    def end_session_url(self) -> str:
        """RP-Initiated Logout 1.0 section 2: where the browser goes to be asked whether to leave everything."""
        query = {"client_id": CLIENT_ID, "post_logout_redirect_uri": f"{self.settings.issuer}/sign"}
        return f"{self.metadata().end_session_endpoint}?{urlencode(query)}"

    def _authenticated(self, url: str, form: Mapping[str, str]) -> dict[str, Any]:
        """RFC 7523 section 2.2, `private_key_jwt`; the audience is the issuer, so that no endpoint is confused."""
        now = self.clock.now()
        claims = {
            "iss": CLIENT_ID,
            "sub": CLIENT_ID,
            "aud": self.settings.issuer,
            "jti": new_id(),
            "iat": timestamp(now),
            "exp": timestamp(now + ASSERTION_LIFETIME),
        }
        assertion = sign_jwt(self.keystore.active(Purpose.CLIENT_ASSERTION), claims, typ="JWT")
        credentials = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}
        return self._json("POST", url, data={**form, "client_id": CLIENT_ID, **credentials})

    def _json(self, method: str, url: str, **request: Any) -> dict[str, Any]:
        try:
            response = self.client.request(method, url, **request)
            document = response.json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderUnavailable from error
        if not isinstance(document, dict) or response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise ProviderUnavailable
        if not response.is_success:
            log.warning("provider_refused", status=response.status_code, error=document.get("error"))
            raise ProviderRefused(str(document.get("error", "")))
        return document
