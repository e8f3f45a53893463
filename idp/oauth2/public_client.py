"""Public clients, RFC 6749 section 2.1 and RFC 8252 section 8.4: they name themselves, and PKCE guards their codes."""

from __future__ import annotations

from idp.errors import InvalidClient
from idp.oauth2.client_authentication import AuthenticatedClient, Method, Presented, Registry, load_registered


def is_named(presented: Presented) -> bool:
    return "client_id" in presented.parameters


def identify(presented: Presented, registry: Registry) -> AuthenticatedClient:
    client = load_registered(registry, presented.parameters["client_id"], "none")
    if not client.is_public:
        raise InvalidClient("this client must authenticate")
    return AuthenticatedClient(client)


NONE = Method("none", is_named, identify, by_name=True)
