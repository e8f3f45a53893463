"""An API of an agency, registered as a protected resource, and the calls of the endpoints that speak of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from werkzeug.test import TestResponse

from idp.models.protected_resource import record_protected_resource
from tests.idp.provider import Agency, Provider

CONTACTS = "https://api.example/contacts"
CALENDAR = "https://api.example/calendar"
MEDIA_TYPE = "application/token-introspection+jwt"


@dataclass
class Api:
    """`agency` is the client by which its server asks."""

    resource: str
    agency: Agency


def register_api(
    provider: Provider, resource: str = CONTACTS, *, clients: tuple[str, ...] = (), **metadata: Any
) -> Api:
    server = provider.agency("api", **metadata)
    with provider.ground.database.write() as connection:
        now = provider.ground.clock.now()
        record_protected_resource(connection, resource, client_id=server.client_id, clients=clients, now=now)
    provider.server.resources.cached = None
    return Api(resource, server)


def introspect(caller: Agency, token: str, *, accept: str = "", **form: Any) -> TestResponse:
    data = {"token": token} | caller.authentication() | form
    headers = {"Accept": accept} if accept else {}
    return caller.provider.browser().post("/introspect", data=data, headers=headers)


def revoke(caller: Agency, token: str, **form: Any) -> TestResponse:
    return caller.provider.browser().post("/revoke", data={"token": token} | caller.authentication() | form)


def ask_token(caller: Agency, *, dpop: bool = False, **form: Any) -> TestResponse:
    """The token endpoint, with the proof of the caller's key where it is wanted."""
    headers = {"DPoP": caller.proof("POST", "/token")} if dpop else {}
    return caller.provider.browser().post("/token", data=caller.authentication() | form, headers=headers)
