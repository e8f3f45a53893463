"""JWT access tokens, RFC 9068. Whoever bound the token set `cnf`; it is copied here without knowing how."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from core.clock import timestamp
from core.identifiers import new_id
from keys.jwt import sign_jwt
from keys.signer import Signer


def issue_access_token(
    signer: Signer,
    *,
    issuer: str,
    audience: str,
    sub: str,
    client_id: str,
    scope: Sequence[str],
    issued_at: datetime,
    expires_at: datetime,
    authentication: Mapping[str, Any],
    cnf: Mapping[str, str],
    authorization_details: Sequence[Mapping[str, Any]],
    act: Mapping[str, Any] | None = None,
) -> tuple[str, str]:
    """Section 2.2: the token and its jti. `authentication` has auth_time, acr and amr (section 2.2.1)."""
    claims: dict[str, Any] = {
        "iss": issuer,
        "aud": audience,
        "sub": sub,
        "client_id": client_id,
        "iat": timestamp(issued_at),
        "exp": timestamp(expires_at),
        "jti": new_id(),
        **authentication,
    }
    if scope:
        claims["scope"] = " ".join(scope)
    if cnf:
        claims["cnf"] = dict(cnf)  # RFC 7800
    if authorization_details:
        claims["authorization_details"] = list(authorization_details)  # RFC 9396 section 9.1
    if act is not None:
        claims["act"] = dict(act)  # RFC 8693 section 4.1
    return sign_jwt(signer, claims, typ="at+jwt"), claims["jti"]


def read_own_claims(token: str) -> dict[str, Any]:
    """Of a token whose hash is that of one we issued: not a bit of it was changed, so its signature says no more."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims
