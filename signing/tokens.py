"""The provider's tokens, verified: ID Token (OpenID Connect Core section 3.1.3.7), access token (RFC 9068 section 4),
logout token (Back-Channel Logout 1.0 section 2.6).

For each: 1 the signature, by an algorithm of our list and a key of the provider; 2 `typ`, so that no token passes for
one of another kind (RFC 8725 section 3.11); 3 `iss`; 4 `aud`; 5 `exp` and `iat`; 6 what the kind itself demands.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hmac import compare_digest
from typing import Any, NewType, TypeGuard

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from core.clock import Clock, timestamp
from signing.refusals import TokenRefused

ALGORITHMS = ["ES256", "ES384", "PS256", "EdDSA", "Ed25519"]
LOGOUT_EVENT = "http://schemas.openid.net/event/backchannel-logout"
ID_TOKEN_TYPES = frozenset({"", "jwt"})  # Core names none; what other kinds must name is refused
ACCESS_TOKEN_TYPES = frozenset({"at+jwt", "application/at+jwt"})
LOGOUT_TOKEN_TYPES = frozenset({"logout+jwt", "application/logout+jwt"})
MAX_TOKEN = 64 * 1024

SignedClaims = NewType("SignedClaims", Mapping[str, Any])


@dataclass(frozen=True)
class Issuer:
    """Whose tokens are believed: `keys` gives the issuer's public keys for a `kid`."""

    issuer: str
    keys: Callable[[str], KeySet]
    clock: Clock
    skew: timedelta


def verify_id_token(token: object, issuer: Issuer, *, client_id: str, nonce: str) -> SignedClaims:
    """Core section 3.1.3.7; the nonce ties it to the request of this browser (section 15.5.2)."""
    claims = verify(token, issuer, types=ID_TOKEN_TYPES, audience=client_id)
    if isinstance(claims["aud"], list) and len(claims["aud"]) > 1:
        raise TokenRefused("the ID Token is for others too")  # steps 3 to 5: no other audience is trusted
    if not compare_digest(text(claims, "nonce").encode(), nonce.encode()):
        raise TokenRefused("nonce")
    text(claims, "sub")
    return claims


def verify_access_token(token: object, issuer: Issuer, *, audience: str) -> SignedClaims:
    """RFC 9068 section 4; whose it is and what it authorizes is compared by the caller."""
    claims = verify(token, issuer, types=ACCESS_TOKEN_TYPES, audience=audience)
    text(claims, "sub")
    text(claims, "client_id")
    return claims


def verify_logout_token(token: object, issuer: Issuer, *, client_id: str) -> SignedClaims:
    """Back-Channel Logout section 2.6; the caller spends `jti`."""
    claims = verify(token, issuer, types=LOGOUT_TOKEN_TYPES, audience=client_id)
    events = claims.get("events")
    if not isinstance(events, dict) or not isinstance(events.get(LOGOUT_EVENT), dict):
        raise TokenRefused("events")
    if "nonce" in claims:  # step 7: an ID Token must not pass for a logout token
        raise TokenRefused("nonce")
    if not any(isinstance(claims.get(name), str) and claims[name] for name in ("sub", "sid")):
        raise TokenRefused("neither sub nor sid")
    text(claims, "jti")
    return claims


def verify(token: object, issuer: Issuer, *, types: frozenset[str], audience: str) -> SignedClaims:
    """Steps 1 to 5 of the plan above."""
    if not isinstance(token, str) or len(token) > MAX_TOKEN:
        raise TokenRefused("there is no token")
    try:
        verified = jwt.decode(token, issuer.keys(unverified_kid(token)), algorithms=ALGORITHMS)  # 1
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise TokenRefused("signature") from error
    if str(verified.header.get("typ", "")).lower() not in types:  # 2
        raise TokenRefused("typ")
    claims = verified.claims
    if claims.get("iss") != issuer.issuer:  # 3
        raise TokenRefused("iss")
    audiences = claims.get("aud")
    if audience != audiences and not (isinstance(audiences, list) and audience in audiences):  # 4
        raise TokenRefused("aud")
    check_times(claims, issuer)  # 5
    return SignedClaims(claims)


def check_times(claims: Mapping[str, Any], issuer: Issuer) -> None:
    now, skew = timestamp(issuer.clock.now()), issuer.skew.total_seconds()
    expires, issued = claims.get("exp"), claims.get("iat")
    if not is_number(expires) or expires <= now - skew:
        raise TokenRefused("exp")
    if not is_number(issued) or issued > now + skew:
        raise TokenRefused("iat")
    not_before = claims.get("nbf", 0)
    if not is_number(not_before) or not_before > now + skew:
        raise TokenRefused("nbf")


def text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value:
        raise TokenRefused(name)
    return value


def is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def unverified_kid(token: str) -> str:
    """The key that the token names, to look it up; nothing else of an unverified token is read."""
    try:
        encoded = token.split(".", 1)[0]
        header = json.loads(urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
        return str(header["kid"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise TokenRefused("the token names no key") from error
