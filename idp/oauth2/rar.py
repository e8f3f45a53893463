"""Rich authorization requests, RFC 9396: `authorization_details` of registered types, each with a strict schema.

`credential` is the signing module's: the members of CSC API v2 section 8.4, and ours beginning with `prajak_`.
"""

from __future__ import annotations

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from idp.errors import InvalidAuthorizationDetails
from idp.oauth2.authorization_request import Asked
from idp.oauth2.parameters import NotStrictJson, read_json

MAX_DETAILS = 64 * 1024
MAX_DIGESTS = 20
SHA_256_OID = "2.16.840.1.101.3.4.2.1"
SHA_256_BYTES = 32
NONCE = re.compile(r"[A-Za-z0-9_-]{16,128}")
LONGEST_AHEAD = 3600  # seconds; a signing request is answered while its officer waits

Member = Callable[[Any, Asked], bool]


def is_text(longest: int) -> Member:
    return lambda value, _: isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def is_sha256(value: Any, _: Asked) -> bool:
    """Base64 with padding, as CSC API v2 has it."""
    try:
        return isinstance(value, str) and len(b64decode(value, validate=True)) == SHA_256_BYTES
    except (NotBase64, ValueError):
        return False


def is_soon(value: Any, asked: Asked) -> bool:
    return type(value) is int and 0 < value - int(asked.now.timestamp()) <= LONGEST_AHEAD


def is_digests(value: Any, asked: Asked) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_DIGESTS:
        return False
    for each in value:
        check_members("documentDigests", each, DIGEST, asked)
    return len({each["hash"] for each in value}) == len(value)


DIGEST: Mapping[str, Member] = {
    "hash": is_sha256,
    "label": is_text(300),
    "prajak_document_hash": is_sha256,
    "prajak_document_name": is_text(300),
}
CREDENTIAL: Mapping[str, Member] = {
    "type": lambda value, _: value == "credential",
    "credentialID": is_text(200),
    "documentDigests": is_digests,
    "hashAlgorithmOID": lambda value, _: value == SHA_256_OID,
    "prajak_expires_at": is_soon,
    "prajak_nonce": lambda value, _: isinstance(value, str) and NONCE.fullmatch(value) is not None,
}
TYPES: Mapping[str, Mapping[str, Member]] = {"credential": CREDENTIAL}
AUDIENCES = {"credential": "/csc"}  # whose API the token is for, below the issuer
METADATA = {"authorization_details_types_supported": sorted(TYPES)}


def assign_authorization_details(asked: Asked) -> Mapping[str, Any]:
    """Sections 2 and 5: an unknown type, an unknown or missing member, or a wrong value refuses the whole."""
    text = asked.parameters.get("authorization_details")
    if text is None:
        return {}
    details = read_details(text)
    for each in details:
        check_detail(each, asked)
    if len(details) != 1:
        raise InvalidAuthorizationDetails("authorization_details must hold one detail: one consent, one act")
    return {"authorization_details": tuple(details)}


def read_details(text: str) -> list[Any]:
    try:
        details = read_json(text, longest=MAX_DETAILS)
    except NotStrictJson as error:
        raise InvalidAuthorizationDetails(f"authorization_details: {error}") from error
    if not isinstance(details, list) or not details:
        raise InvalidAuthorizationDetails("authorization_details must be a JSON array with something in it")
    return details


def check_detail(detail: Any, asked: Asked) -> None:
    kind = detail.get("type") if isinstance(detail, dict) else None
    if not isinstance(kind, str) or kind not in TYPES:
        raise InvalidAuthorizationDetails(f"type must be one of {', '.join(sorted(TYPES))}")
    if kind not in asked.client.get("authorization_details_types", ()):
        raise InvalidAuthorizationDetails(f"this client is not registered for the type {kind}")
    check_members(kind, detail, TYPES[kind], asked)


def check_members(what: str, value: Any, schema: Mapping[str, Member], asked: Asked) -> None:
    """Every member, and no other."""
    if not isinstance(value, dict):
        raise InvalidAuthorizationDetails(f"{what} must hold JSON objects")
    for name in schema.keys() - value.keys():
        raise InvalidAuthorizationDetails(f"{what}: {name} is missing")
    for name in value.keys() - schema.keys():
        raise InvalidAuthorizationDetails(f"{what}: {name[:60]} is not known")
    for name, fits in schema.items():
        if not fits(value[name], asked):
            raise InvalidAuthorizationDetails(f"{what}: {name} is not what it must be")


def audience_of(details: Sequence[Mapping[str, Any]], issuer: str) -> str:
    """The resource server of what was authorized; the issuer's own userinfo otherwise."""
    return issuer + AUDIENCES[details[0]["type"]] if details else issuer


def enriched(details: Sequence[Mapping[str, Any]], assertion: Mapping[str, str] | None) -> list[dict[str, Any]]:
    """Section 7.1: the answer repeats what was granted, with the passkey's assertion over it."""
    extra = {"prajak_assertion": dict(assertion)} if assertion else {}
    return [dict(each) | extra for each in details]
