"""Resource indicators, RFC 8707: which protected resource an access token is for.

A request may name several; each access token is for one of them and no other (section 3: a token that two resources
take is one that each can use at the other). Which there are is the table of protected resources.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from idp.errors import InvalidTarget
from idp.models.client import RegisteredClient
from idp.oauth2.authorization_request import Asked, Resources

MAX_RESOURCE = 400
MAX_RESOURCES = 5


def assign_resource(asked: Asked) -> Mapping[str, Any]:
    """Section 2.1. Raises InvalidTarget for what is no absolute URI, unknown, or not this client's to ask for; and
    beside authorization details, which say themselves whose API they are for (RFC 9396 section 2.2).
    """
    if "resource" in asked.parameters and "authorization_details" in asked.parameters:
        raise InvalidTarget("resource must not stand beside authorization_details")
    return {"resource": check_resources(asked.parameters, asked.client, asked.resources)}


def check_resources(
    parameters: Mapping[str, str], client: RegisteredClient, resources: Resources | None
) -> tuple[str, ...]:
    """What a request names; () where it names none."""
    named = read_resources(parameters)
    for each in named:
        if resources is None or not resources.may_ask(client, each):
            raise InvalidTarget(f"resource {each[:100]} is not one that this client may ask for")
    return named


def read_resources(parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Section 2: absolute URIs without a fragment; the parameter may be repeated (`parameters.REPEATABLE`)."""
    named = tuple(dict.fromkeys(parameters.get("resource", "").split(" "))) if parameters.get("resource") else ()
    if len(named) > MAX_RESOURCES:
        raise InvalidTarget(f"resource is there more than {MAX_RESOURCES} times")
    for each in named:
        check_resource(each)
    return named


def check_resource(resource: str) -> None:
    """Section 2 and RFC 3986 section 4.3."""
    try:
        parts = urlsplit(resource)
    except ValueError as error:
        raise InvalidTarget("resource must be an absolute URI") from error
    readable = resource.isascii() and resource.isprintable() and len(resource) <= MAX_RESOURCE
    if not readable or not parts.scheme or not (parts.netloc or parts.path) or "#" in resource:
        raise InvalidTarget("resource must be an absolute URI without a fragment")


def target_of(authorized: tuple[str, ...], parameters: Mapping[str, str], *, default: str) -> str:
    """Section 2.2: the one resource this token is for, within what was authorized."""
    named = read_resources(parameters)
    if any(each not in authorized for each in named):
        raise InvalidTarget("resource was not part of what was authorized")
    candidates = named or authorized
    if len(candidates) > 1:
        raise InvalidTarget("a token is for one resource: name one of those that were authorized")
    return candidates[0] if candidates else default
