"""The authentication request of CIBA Core section 7.1, signed (section 7.1.1) or not, before a person is looked up.

A signed one carries every parameter inside and none beside it. FAPI-CIBA section 5.2.2: some clients must sign, and
what they sign is of use for an hour at the longest.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from idp.errors import InvalidBindingMessage, InvalidRequest
from idp.models.client import RegisteredClient
from idp.models.jose import VERIFYING_ALGORITHMS
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.client_authentication import RefreshKeys
from idp.oauth2.client_signature import verify_by_client
from idp.oauth2.compact_jws import BadToken, numeric_date, parse_unverified, short_text
from idp.oauth2.jar import parameters_of
from idp.oauth2.one_time import OneTime

HINTS = ("login_hint", "id_token_hint", "login_hint_token")
AUTHENTICATION = frozenset({"client_id", "client_secret", "client_assertion", "client_assertion_type", "request"})
TYPES = ("", "jwt", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt")  # media types know no case
LONGEST_LIFE = timedelta(minutes=60)  # FAPI-CIBA section 5.2.2: of a signed request
SHORTEST, USUAL, LONGEST = 10, 300, 600  # seconds that a request waits for its person
SECONDS = re.compile(r"[1-9][0-9]{0,8}")
BINDING_MESSAGE = 120  # characters: a telephone shows it whole
LINK = re.compile(r"://|www\.|[a-z0-9-]\.[a-z]{2,}", re.IGNORECASE)  # what a telephone makes into something to touch
BEARER = re.compile(r"[A-Za-z0-9._~+/-]{1,1024}=*")  # section 7.1 and RFC 6750 section 2.1


@dataclass(frozen=True)
class Given:
    """The parameters that count, and what of them may be used only once."""

    parameters: Mapping[str, str]
    one_time: tuple[OneTime, ...] = ()


@dataclass(frozen=True)
class Reader:
    """What reading takes: our name, the time, and the way to a client's newer keys."""

    issuer: str
    now: datetime
    skew: timedelta
    refresh_keys: RefreshKeys

    def read(self, call: AuthenticatedCall) -> Given:
        """Section 7.1. Raises InvalidRequest."""
        if "request" not in call.parameters:
            if must_sign(call.client):
                raise InvalidRequest("this client must sign its authentication requests: request is missing")
            return Given(call.parameters)
        beside = call.parameters.keys() - AUTHENTICATION
        if beside:
            raise InvalidRequest(f"{min(beside)[:40]} must be inside the request, not beside it")
        try:
            return self._signed(call.parameters["request"], call.client)
        except BadToken as error:
            raise InvalidRequest(f"request: {error}") from error

    def _signed(self, request: str, client: RegisteredClient) -> Given:
        """Section 7.1.1: signed by the client, for us, now, and once."""
        token = parse_unverified(request)
        if str(token.header.get("typ") or "").lower() not in TYPES:
            raise BadToken("typ must be oauth-authz-req+jwt or JWT")
        algorithms = signing_algorithms(client)
        claims = verify_by_client(token, client, algorithms=algorithms, refresh_keys=self.refresh_keys)
        expires_at = self._check(claims, client)
        jti = f"{client.client_id} {short_text(claims, 'jti')}"
        refusal = InvalidRequest("request: its jti was used before")
        spent = OneTime("authentication request", jti, expires_at + self.skew, refusal)
        return Given(parameters_of(claims), (spent,))

    def _check(self, claims: Mapping[str, Any], client: RegisteredClient) -> datetime:
        if claims.get("iss") != client.client_id:
            raise BadToken("iss must be the client_id")
        if claims.get("client_id", client.client_id) != client.client_id:
            raise BadToken("client_id is another client's")
        audience = claims.get("aud")
        if self.issuer not in (audience if isinstance(audience, list) else [audience]):
            raise BadToken(f"aud must be {self.issuer}")
        expires_at, begins, made = (date_of(claims, name) for name in ("exp", "nbf", "iat"))
        if expires_at <= self.now - self.skew:
            raise BadToken("exp is past")
        if max(begins, made) > self.now + self.skew:
            raise BadToken("nbf and iat must not be in the future")
        if expires_at - begins > LONGEST_LIFE or begins < self.now - LONGEST_LIFE:
            raise BadToken("exp must be at most an hour after nbf, and nbf at most an hour ago")
        return expires_at


def must_sign(client: RegisteredClient) -> bool:
    """Section 4: an algorithm that is registered asks for a signature; so does the profile."""
    registered = client.get("backchannel_authentication_request_signing_alg")
    return bool(registered) or client.profile.signed_backchannel_request_required


def signing_algorithms(client: RegisteredClient) -> tuple[str, ...]:
    registered = client.get("backchannel_authentication_request_signing_alg")
    if registered:
        return (str(registered),)
    return tuple(each for each in client.profile.assertion_algorithms if each in VERIFYING_ALGORITHMS)


def date_of(claims: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromtimestamp(numeric_date(claims, name), UTC)


def the_hint(parameters: Mapping[str, str]) -> tuple[str, str]:
    """Section 7.1: exactly one of the three. (name, value)."""
    given = [name for name in HINTS if name in parameters]
    if len(given) != 1:
        raise InvalidRequest(f"exactly one of {', '.join(HINTS)} must be there")
    if given[0] == "login_hint_token":
        raise InvalidRequest("login_hint_token is not served: use login_hint or id_token_hint")
    return given[0], parameters[given[0]]


def binding_message(parameters: Mapping[str, str]) -> str:
    """Section 7.1: shown on both devices, so it must be short, and must look the same on both. It travels in our
    letter: an address in it would lead to wherever its writer wants.
    """
    message = parameters.get("binding_message", "").strip()
    if len(message) > BINDING_MESSAGE or not message.isprintable():
        raise InvalidBindingMessage(f"binding_message must be one line of at most {BINDING_MESSAGE} characters")
    if LINK.search(message):
        raise InvalidBindingMessage("binding_message must have no address of the web or of mail in it")
    return message


def lifetime(parameters: Mapping[str, str]) -> int:
    """Section 7.1: requested_expiry, a positive number of seconds, within our bounds."""
    wanted = parameters.get("requested_expiry")
    if wanted is None:
        return USUAL
    if not SECONDS.fullmatch(wanted):
        raise InvalidRequest("requested_expiry must be a positive number of seconds")
    return min(max(int(wanted), SHORTEST), LONGEST)


def notification_token(parameters: Mapping[str, str], client: RegisteredClient) -> str:
    """Section 7.1: required where the client is pinged, at most 1024 characters; "" for one that polls."""
    if client.get("backchannel_token_delivery_mode") != "ping":
        return ""
    token = parameters.get("client_notification_token", "")
    if len(token) > 1024 or not BEARER.fullmatch(token):  # noqa: PLR2004 - section 7.1
        raise InvalidRequest("client_notification_token must be a bearer token of at most 1024 characters")
    return token
