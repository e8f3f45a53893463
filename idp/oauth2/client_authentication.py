"""Client authentication, RFC 6749 section 2.3: what a method gets, and what it answers.

The methods are strangers to each other; which there are is a table in `idp/server.py`.
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import unquote_plus

from cryptography.x509 import Certificate

from idp.errors import InvalidClient
from idp.models.client import RegisteredClient
from idp.oauth2.one_time import OneTime


@dataclass(frozen=True)
class Presented:
    """What came with the request, and who we are to it. `certificate` is DER; `authorities` certify clients."""

    parameters: Mapping[str, str]
    authorization: str
    issuer: str
    token_endpoint: str
    now: datetime
    skew: timedelta
    longest_assertion: timedelta
    certificate: bytes = b""
    authorities: tuple[Certificate, ...] = ()


@dataclass(frozen=True)
class AuthenticatedClient:
    client: RegisteredClient
    one_time: tuple[OneTime, ...] = ()


LoadClient = Callable[[str], RegisteredClient | None]
RefreshKeys = Callable[[RegisteredClient], RegisteredClient]


@dataclass(frozen=True)
class Registry:
    """`refresh_keys` fetches `jwks_uri` again, at most once in a while: a key that is not known may be a new one."""

    load_client: LoadClient
    refresh_keys: RefreshKeys


@dataclass(frozen=True)
class Method:
    """`is_presented` looks, `authenticate` checks and raises InvalidClient. `by_name`: of what it needs the form has
    `client_id` alone, so that the client's registration says which of these it is.
    """

    name: str
    is_presented: Callable[[Presented], bool]
    authenticate: Callable[[Presented, Registry], AuthenticatedClient]
    by_name: bool = False


def load_registered(registry: Registry, client_id: str, method: str) -> RegisteredClient:
    """The client that registered just this method. RFC 6749 section 2.3: one method for each client, and a weaker
    one does not do (RFC 9700 section 2.5).
    """
    client = registry.load_client(client_id)
    if client is None:
        raise InvalidClient("the client is not registered here")
    if client.token_endpoint_auth_method != method:
        raise InvalidClient(f"this client is not registered for {method}")
    return client


def read_basic(authorization: str) -> tuple[str, str]:
    """RFC 6749 section 2.3.1: both parts form-encoded, then joined and base64."""
    try:
        text = b64decode(authorization[len("Basic ") :].strip(), validate=True).decode()
        client_id, colon, secret = text.partition(":")
        if not colon:
            raise InvalidClient("the Authorization header has no colon")
        read = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except ValueError as error:  # neither base64 nor UTF-8, or not even ASCII
        raise InvalidClient("the Authorization header is not Basic authentication") from error
    if "\0" in read[0] + read[1]:
        raise InvalidClient("the Authorization header has a NUL character")
    return read
