"""Authorization server metadata, RFC 8414: put together from what is really registered.

Each extension says what it adds; this file only joins. Two that disagree stop the start.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from core.clock import timestamp
from keys.jwt import sign_jwt
from keys.signer import Signer


def joined(parts: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Every member once; raises ValueError where two say different things of one."""
    metadata: dict[str, Any] = {}
    for part in parts:
        for name, value in part.items():
            if metadata.setdefault(name, value) != value:
                raise ValueError(f"metadata: {name} is said twice")
    return metadata


def signed(metadata: Mapping[str, Any], signer: Signer, *, issued_at: datetime) -> str:
    """`signed_metadata` (section 2.1): the same members as claims, and `iss` for who attests to them."""
    claims = {**metadata, "iss": metadata["issuer"], "iat": timestamp(issued_at)}
    return sign_jwt(signer, claims, typ="JWT")
