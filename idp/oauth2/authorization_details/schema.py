"""What a type of authorization details is made of, RFC 9396 section 2: every member known, every value checked."""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from idp.errors import InvalidAuthorizationDetails
from idp.oauth2.authorization_request import Asked

SHA_256_BYTES = 32
NONCE = re.compile(r"[A-Za-z0-9_-]{16,128}")
LONGEST_AHEAD = 3600  # seconds; what is signed is answered while its person waits

Member = Callable[[Any, Asked], bool]
Detail = Mapping[str, Any]


def no_more(_detail: Detail, _asked: Asked) -> None:
    """The members are all there is to check."""


@dataclass(frozen=True)
class DetailType:
    """`members` are required and `optional` may be left out; `check` looks at them together, and raises. `audience`
    is whose API the token is for. `signed`: the person's passkey signs this very request; else it is consented to.
    """

    name: str
    members: Mapping[str, Member]
    audience: Callable[[Detail, str], str]
    optional: Mapping[str, Member] = field(default_factory=dict)
    check: Callable[[Detail, Asked], None] = no_more
    signed: bool = False


def check_members(
    what: str, value: Any, schema: Mapping[str, Member], asked: Asked, *, optional: Mapping[str, Member] | None = None
) -> None:
    """Every member, and no other; raises InvalidAuthorizationDetails (section 5)."""
    if not isinstance(value, dict):
        raise InvalidAuthorizationDetails(f"{what} must hold JSON objects")
    known = {**schema, **(optional or {})}
    for name in schema.keys() - value.keys():
        raise InvalidAuthorizationDetails(f"{what}: {name} is missing")
    for name in value.keys() - known.keys():
        raise InvalidAuthorizationDetails(f"{what}: {name[:60]} is not known")
    for name, fits in known.items():
        if name in value and not fits(value[name], asked):
            raise InvalidAuthorizationDetails(f"{what}: {name} is not what it must be")


def is_text(longest: int) -> Member:
    return lambda value, _: isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def is_just(expected: Any) -> Member:
    return lambda value, _: type(value) is type(expected) and value == expected


def is_sha256(value: Any, _: Asked) -> bool:
    """Base64 with padding, as CSC API v2 has it."""
    try:
        return isinstance(value, str) and len(b64decode(value, validate=True)) == SHA_256_BYTES
    except (NotBase64, ValueError):
        return False


def is_soon(value: Any, asked: Asked) -> bool:
    return type(value) is int and 0 < value - int(asked.now.timestamp()) <= LONGEST_AHEAD


def is_nonce(value: Any, _: Asked) -> bool:
    return isinstance(value, str) and NONCE.fullmatch(value) is not None
