"""Demonstrating Proof of Possession, RFC 9449: an access token bound to a key that the client proves it holds.

What is verified, in the order of section 4.3 (the numbers stand at the steps again):

1. there is one DPoP header field   2. it is one JWT              3. required claims are there
4. typ is dpop+jwt                  5. alg is asymmetric, allowed 6. the key in jwk verifies it
7. jwk has no private key           8. htm is this method         9. htu is this URI
10. its nonce is one of ours         11. iat is recent             12. ath and key match the access token
And section 11.1: its jti is spent, across all workers, by whoever uses the proof.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any
from urllib.parse import unquote, urlsplit

from idp.errors import InvalidDpopProof, InvalidRequest
from idp.oauth2.authorization_request import Asked
from idp.oauth2.compact_jws import (
    BadToken,
    UnverifiedToken,
    check_algorithm,
    import_public_key,
    numeric_date,
    parse_unverified,
    short_text,
    verify,
)
from idp.oauth2.one_time import OneTime

ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")
THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # RFC 7638 with SHA-256
METADATA = {"dpop_signing_alg_values_supported": list(ALGORITHMS)}
AGE = timedelta(seconds=60)
CheckNonce = Callable[[Mapping[str, Any]], None]
DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Proof:
    """A verified proof: the thumbprint of its key (RFC 7638), and its one-time use."""

    jkt: str
    one_time: OneTime


def verify_proof(
    headers: Sequence[str],
    *,
    method: str,
    uri: str,
    now: datetime,
    skew: timedelta,
    check_nonce: CheckNonce,
    access_token: str | None = None,
) -> Proof:
    """Section 4.3. Raises InvalidDpopProof; `check_nonce` raises UseDpopNonce."""
    if len(headers) != 1:
        raise InvalidDpopProof("there must be one DPoP header field")  # 1
    try:
        token = parse_unverified(headers[0])  # 2
        check_type(token)  # 4
        check_algorithm(token, ALGORITHMS)  # 5
        key = import_public_key(token.header.get("jwk"))  # 7
        claims = verify(token, key, algorithms=ALGORITHMS)  # 6
        jti = short_text(claims, "jti")  # 3
        check_target(claims, method, uri)  # 8, 9
        check_nonce(claims)  # 10
        issued_at = check_age(claims, now, skew)  # 11
        check_access_token_hash(claims, access_token)  # 12
    except BadToken as error:
        raise InvalidDpopProof(f"DPoP proof: {error}") from error
    jkt = key.thumbprint()
    refusal = InvalidDpopProof("DPoP proof: its jti was used before")
    return Proof(jkt, OneTime("dpop", f"{jkt} {jti}", issued_at + AGE + 2 * skew, refusal))


def check_type(token: UnverifiedToken) -> None:
    if token.header.get("typ") != "dpop+jwt":
        raise BadToken("typ must be dpop+jwt")


def check_target(claims: Mapping[str, Any], method: str, uri: str) -> None:
    """Query and fragment do not count; what is left is compared after RFC 3986 sections 6.2.2 and 6.2.3."""
    if claims.get("htm") != method:
        raise BadToken(f"htm must be {method}")  # 8
    htu = short_text(claims, "htu", longest=2000)
    if normalized(htu) != normalized(uri):
        raise BadToken(f"htu must be {uri}")  # 9


def normalized(uri: str) -> tuple[str, str, int | None, str]:
    try:
        parts = urlsplit(uri)
        port = parts.port or DEFAULT_PORTS.get(parts.scheme)
    except ValueError as error:
        raise BadToken("htu is no URI") from error
    return parts.scheme, (parts.hostname or "").rstrip("."), port, unquote(parts.path) or "/"


def check_age(claims: Mapping[str, Any], now: datetime, skew: timedelta) -> datetime:
    issued_at = datetime.fromtimestamp(numeric_date(claims, "iat"), UTC)
    if not now - AGE - skew <= issued_at <= now + skew:
        raise BadToken("iat is not within the last minute")
    return issued_at


def check_access_token_hash(claims: Mapping[str, Any], access_token: str | None) -> None:
    """Section 7: at a resource the proof names the token it comes with."""
    if access_token is None:
        return
    if not compare_digest(short_text(claims, "ath").encode(), access_token_hash(access_token).encode()):
        raise BadToken("ath does not match the access token")


def access_token_hash(access_token: str) -> str:
    return urlsafe_b64encode(sha256(access_token.encode()).digest()).rstrip(b"=").decode()


def assign_dpop_jkt(asked: Asked) -> Mapping[str, Any]:
    """Section 10: the code is bound to a key. Section 10.1: a proof at PAR says the same and must agree."""
    wanted = asked.parameters.get("dpop_jkt", "")
    if wanted and not THUMBPRINT.fullmatch(wanted):
        raise InvalidRequest("dpop_jkt must be an RFC 7638 thumbprint: 43 base64url characters")
    if wanted and asked.jkt and wanted != asked.jkt:
        raise InvalidRequest("dpop_jkt is not the thumbprint of the DPoP proof's key")
    return {"dpop_jkt": wanted or asked.jkt}
