"""client_secret_basic and client_secret_post, RFC 6749 section 2.3.1: for `oidc-basic` clients only.

The secret is made here with 256 random bits and kept as SHA-256: there is nothing to guess, so nothing to slow down.
"""

from __future__ import annotations

from hmac import compare_digest

from core.identifiers import hashed
from idp.errors import InvalidClient
from idp.oauth2.client_authentication import (
    AuthenticatedClient,
    Method,
    Presented,
    Registry,
    load_registered,
    read_basic,
)


def is_basic(presented: Presented) -> bool:
    return presented.authorization[:6].lower() == "basic "


def authenticate_basic(presented: Presented, registry: Registry) -> AuthenticatedClient:
    client_id, secret = read_basic(presented.authorization)
    if presented.parameters.get("client_id", client_id) != client_id:
        raise InvalidClient("client_id is not the one in the Authorization header")
    return check_secret(registry, client_id, secret, "client_secret_basic")


def is_post(presented: Presented) -> bool:
    return "client_secret" in presented.parameters


def authenticate_post(presented: Presented, registry: Registry) -> AuthenticatedClient:
    parameters = presented.parameters
    return check_secret(registry, parameters.get("client_id", ""), parameters["client_secret"], "client_secret_post")


def check_secret(registry: Registry, client_id: str, secret: str, method: str) -> AuthenticatedClient:
    client = load_registered(registry, client_id, method)
    if client.secret_hash is None or not compare_digest(client.secret_hash, hashed(secret)):
        raise InvalidClient("the client_secret is not right")
    return AuthenticatedClient(client)


BASIC = Method("client_secret_basic", is_basic, authenticate_basic)
POST = Method("client_secret_post", is_post, authenticate_post)
