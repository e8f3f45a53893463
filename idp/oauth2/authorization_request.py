"""The authorization request, RFC 6749 sections 3.1.1, 3.1.2 and 4.1.1, for the code flow and no other.

A step is `Asked -> fields`: `check_` and `reject_` give none, `assign_` fills some in. Which steps there are, and in
which order, is the table in `idp/server.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import urlsplit

from idp.errors import InvalidRequest, InvalidScope, UnauthorizedClient, UnsupportedResponseType
from idp.models.client import RegisteredClient
from idp.oauth2.parameters import check_line, required

SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+")  # section 3.3
LOOPBACK_LITERALS = ("127.0.0.1", "[::1]", "localhost")
MAX_SCOPE = 1000
MAX_STATE = 2000


class Hints(Protocol):
    """Whom a request names, by what this client was told of them before."""

    def account_of_id_token(self, client: RegisteredClient, id_token: str) -> str | None:
        """Raises InvalidRequest for what is not our ID token for this client."""

    def account_of_sub(self, client: RegisteredClient, sub: str) -> str | None: ...


class Record(Protocol):
    """One record that an agency serves to others."""

    @property
    def resource(self) -> str: ...

    @property
    def recipients(self) -> tuple[str, ...]: ...


class Records(Protocol):
    """The claims catalogue."""

    def find(self, identifier: str) -> Record | None: ...


class Resources(Protocol):
    """The protected resources (RFC 8707)."""

    def may_ask(self, client: RegisteredClient, resource: str) -> bool:
        """Whether it is registered here, and for this client to ask for."""


@dataclass(frozen=True)
class Asked:
    """One request of one known client. `jkt` is the key of the DPoP proof that came with a pushed request; `signed`
    says that the parameters are those of a request object.
    """

    client: RegisteredClient
    parameters: Mapping[str, str]
    now: datetime
    hints: Hints
    sandbox: bool = False
    pushed: bool = False
    jkt: str = ""
    signed: bool = False
    records: Records | None = None
    resources: Resources | None = None


Step = Callable[[Asked], Mapping[str, Any]]


def check_redirect_uri(client: RegisteredClient, redirect_uri: str) -> str:
    """RFC 9700 section 2.1: character by character. RFC 8252 section 7.3: a native app's loopback takes any port."""
    registered = client.redirect_uris
    if redirect_uri in registered:
        return redirect_uri
    if client.get("application_type") == "native":
        wanted = without_port(redirect_uri)
        if wanted and wanted in {without_port(each) for each in registered}:
            return redirect_uri
    raise InvalidRequest("redirect_uri is not one of those registered for this client")


def without_port(redirect_uri: str) -> str:
    """A loopback redirect URI with its port taken away; "" for any other. The rest must not change: RFC 8252
    section 7.3 frees the port and nothing else.
    """
    try:
        parts = urlsplit(redirect_uri)
        port = parts.port
    except ValueError:
        return ""
    host = parts.netloc.removesuffix(f":{port}") if port is not None else parts.netloc
    if (
        parts.scheme != "http"
        or host not in LOOPBACK_LITERALS
        or not redirect_uri.isascii()
        or not redirect_uri.isprintable()
    ):
        return ""
    if parts.fragment or redirect_uri.endswith("#"):
        return ""
    return redirect_uri.replace(parts.netloc, host, 1)


def check_pushed(asked: Asked) -> Mapping[str, Any]:
    """RFC 9126 section 6: a client that must push its requests may not do otherwise."""
    if asked.client.requires_par and not asked.pushed:
        raise InvalidRequest("this client must push its authorization requests (RFC 9126)")
    return {}


def check_response_type(asked: Asked) -> Mapping[str, Any]:
    """Section 3.1.1: `code` alone; no implicit, no hybrid."""
    if required(asked.parameters, "response_type") != "code":
        raise UnsupportedResponseType("response_type must be code")
    if "code" not in asked.client.get("response_types", ["code"]):
        raise UnauthorizedClient("this client is not registered for response_type code")
    return {"response_type": "code"}


def assign_state(asked: Asked) -> Mapping[str, Any]:
    return {"state": check_line("state", asked.parameters.get("state", ""), longest=MAX_STATE)}


def assign_scope(asked: Asked) -> Mapping[str, Any]:
    """Section 3.3. A scope that is not this client's, or is unknown, is refused and not dropped: a client that asked
    for too much should hear so.
    """
    wanted = read_scope(asked.parameters.get("scope", ""))
    if not wanted and "authorization_details" not in asked.parameters:
        raise InvalidScope("scope is missing")
    for each in wanted:
        if each not in asked.client.scope:
            raise InvalidScope(f"scope {each[:60]} is not registered for this client")
    return {"scope": wanted}


def read_scope(scope: str) -> tuple[str, ...]:
    """Tokens in their order, each once."""
    if len(scope) > MAX_SCOPE:
        raise InvalidScope(f"scope is longer than {MAX_SCOPE} characters")
    tokens = tuple(dict.fromkeys(scope.split(" "))) if scope else ()
    if not all(SCOPE_TOKEN.fullmatch(token) for token in tokens):
        raise InvalidScope("scope must be tokens parted by single spaces")
    return tokens
