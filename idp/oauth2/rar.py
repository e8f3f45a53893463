"""Rich authorization requests, RFC 9396: `authorization_details` of registered types, each with a strict schema.

A type is a file in `authorization_details/` and a line here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from idp.errors import InvalidAuthorizationDetails
from idp.oauth2.authorization_details import credential, payment, record
from idp.oauth2.authorization_details.schema import check_members
from idp.oauth2.authorization_request import Asked
from idp.oauth2.parameters import NotStrictJson, read_json

MAX_DETAILS = 64 * 1024

TYPES = {each.name: each for each in (credential.TYPE, record.TYPE, payment.TYPE)}
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
    name = detail.get("type") if isinstance(detail, dict) else None
    if not isinstance(name, str) or name not in TYPES:
        raise InvalidAuthorizationDetails(f"type must be one of {', '.join(sorted(TYPES))}")
    if name not in asked.client.get("authorization_details_types", ()):
        raise InvalidAuthorizationDetails(f"this client is not registered for the type {name}")
    kind = TYPES[name]
    check_members(name, detail, kind.members, asked, optional=kind.optional)
    kind.check(detail, asked)


def is_signed(detail: Mapping[str, Any]) -> bool:
    """The person's passkey signs this very request."""
    return TYPES[detail["type"]].signed


def audience_of(details: Sequence[Mapping[str, Any]], issuer: str) -> str:
    """The resource server of what was authorized; the issuer's own userinfo otherwise."""
    return TYPES[details[0]["type"]].audience(details[0], issuer) if details else issuer


def enriched(details: Sequence[Mapping[str, Any]], assertion: Mapping[str, str] | None) -> list[dict[str, Any]]:
    """Section 7.1: the answer repeats what was granted, with the passkey's assertion over it."""
    extra = {"prajak_assertion": dict(assertion)} if assertion else {}
    return [dict(each) | extra for each in details]
