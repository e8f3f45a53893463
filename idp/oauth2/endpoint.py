"""An endpoint that an authenticated client calls (RFC 6749 section 3.2 and its extensions), and what it is given.

Which there are is a table in `idp/server.py`; client authentication, DPoP and one-time things are done for all alike.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Connection

from core.ground import Ground
from enrollment.account import AccountStore
from idp.models.client import Clients, RegisteredClient
from idp.models.protected_resource import ProtectedResources
from idp.oauth2.authorization_request import Hints
from idp.oauth2.authorized import TokenIssuer
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.jar import RequestObjects
from keys.keystore import Keystore


class ValidRequest(Protocol):
    def to_dict(self) -> dict[str, Any]: ...


class Validate(Protocol):
    def __call__(
        self, client: RegisteredClient, parameters: Mapping[str, str], *, pushed: bool, jkt: str, signed: bool
    ) -> ValidRequest:
        """The whole table of checks of an authorization request; raises the first refusal."""


class ValidateDecoupled(Protocol):
    def __call__(self, client: RegisteredClient, parameters: Mapping[str, str]) -> ValidRequest:
        """The checks of a request that no browser brings (RFC 8628, CIBA Core); raises the first refusal."""


@dataclass(frozen=True)
class EndpointServices:
    ground: Ground
    keystore: Keystore
    accounts: AccountStore
    clients: Clients
    tokens: TokenIssuer
    is_session_in_force: Callable[[Connection, str], bool]
    validate: Validate
    request_objects: RequestObjects
    validate_decoupled: ValidateDecoupled
    hints: Hints
    resources: ProtectedResources


class Answer(Protocol):
    def answer(self, call: AuthenticatedCall) -> Reply: ...


@dataclass(frozen=True)
class Endpoint:
    """`name` is its word in the metadata (RFC 8414 section 2)."""

    name: str
    path: str
    answer: Callable[[EndpointServices], Answer]


class Grant(Protocol):
    def redeem(self, call: AuthenticatedCall) -> Mapping[str, Any]:
        """The token response (RFC 6749 section 5.1)."""


class MakeGrant(Protocol):
    """The class of one grant; `name` is its grant_type."""

    name: str

    def __call__(self, services: EndpointServices, /) -> Grant: ...
