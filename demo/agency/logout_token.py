"""OpenID Connect Back-Channel Logout 1.0 section 2.6: the logout token, verified whole before anything ends."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
LONGEST_LIFETIME = 5 * 60  # seconds between iat and exp; section 2.4 recommends at most two minutes
LEEWAY = 30  # seconds that two clocks may differ


class LogoutTokenError(ValueError):
    """The token is refused; the text is safe to send back (section 2.8, `error_description`)."""


def verify_logout_token(
    unverified_token: str,
    keys: KeySet,
    *,
    expected_issuer: str,
    expected_audience: str,
    algorithms: Sequence[str],
    spend: Callable[[str], bool],
) -> dict[str, Any]:
    """Steps 2 to 8 of section 2.6. Step 1 is absent: this client registered no encryption, so a JWE fails step 2."""
    try:
        token = jwt.decode(unverified_token, keys, registry=JWSRegistry(algorithms=list(algorithms)))  # steps 2 and 3
    except (JoseError, ValueError) as error:
        raise LogoutTokenError("the signature does not verify") from error
    check_type(token.header)
    check_claims(token.claims, expected_issuer, expected_audience)  # step 4
    check_logout_claims(token.claims)  # steps 5 to 7
    if not spend(token.claims["jti"]):  # step 8
        raise LogoutTokenError("this logout token was used before")
    return dict(token.claims)


def check_type(header: dict[str, Any]) -> None:
    """Section 2.4: explicit typing keeps an ID token or access token from passing for a logout token."""
    if str(header.get("typ", "")).lower() not in ("logout+jwt", "application/logout+jwt"):
        raise LogoutTokenError("typ must be logout+jwt")


def check_claims(claims: dict[str, Any], issuer: str, audience: str) -> None:
    """Section 2.6 step 4, with the rules of OpenID Connect Core section 3.1.3.7."""
    if claims.get("iss") != issuer:
        raise LogoutTokenError("iss is not our provider")
    aud = claims.get("aud")
    if audience not in ([aud] if isinstance(aud, str) else aud if isinstance(aud, list) else []):
        raise LogoutTokenError("aud is not this client")
    iat, exp, now = check_time(claims, "iat"), check_time(claims, "exp"), time.time()
    if iat > now + LEEWAY or exp <= now - LEEWAY or exp - iat > LONGEST_LIFETIME:
        raise LogoutTokenError("the token is not current")


def check_logout_claims(claims: dict[str, Any]) -> None:
    """Section 2.6 steps 5 to 7, and the `jti` that step 8 needs."""
    named = [claims[name] for name in ("sub", "sid") if name in claims]
    if not named or not all(isinstance(value, str) and value for value in named):
        raise LogoutTokenError("sub or sid must name a session")
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise LogoutTokenError("events must hold the back-channel logout event")
    if "nonce" in claims:
        raise LogoutTokenError("nonce is forbidden")
    if not isinstance(claims.get("jti"), str) or not claims["jti"]:
        raise LogoutTokenError("jti is missing")


def check_time(claims: dict[str, Any], name: str) -> float:
    """RFC 7519 section 2: a NumericDate. Neither a text nor true is one."""
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise LogoutTokenError(f"{name} must be a time")
    return value
