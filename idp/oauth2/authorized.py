"""What a grant comes to, whichever it was (RFC 6749 section 4): what the tokens will say, and the tokens.

The grants know only this file; who makes the tokens is `idp/oidc/issuing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from idp.models.client import RegisteredClient
from idp.oauth2.call import AuthenticatedCall


@dataclass(frozen=True, kw_only=True)
class Authorized:
    """`sub` is what this client calls the person, or its own client_id where it acts for itself (then `account_id`,
    `grant_id` and `session_id` are ""). `family_id` names everything that came of one code or one request.
    `asked` is the `claims` parameter with its digest in `requested_claims`; `granted` are the claims allowed;
    `resource` are RFC 8707 indicators; `act` is who acts for the subject (RFC 8693 section 4.1); `beside` are the
    tokens that may come with the access token, which ends at `not_after` at the latest.
    """

    client: RegisteredClient
    sub: str
    scope: tuple[str, ...]
    account_id: str = ""
    grant_id: str = ""
    session_id: str = ""
    family_id: str = ""
    auth_time: int = 0
    acr: str = ""
    amr: tuple[str, ...] = ()
    nonce: str = ""
    s_hash: str = ""
    requested_claims: str = ""
    asked: Mapping[str, Any] = field(default_factory=dict)
    granted: frozenset[str] = frozenset()
    details: Sequence[Mapping[str, Any]] = ()
    assertion: Mapping[str, str] | None = None
    resource: tuple[str, ...] = ()
    act: Mapping[str, Any] | None = None
    beside: frozenset[str] = frozenset({"id_token", "refresh_token"})
    not_after: datetime | None = None


@dataclass(frozen=True)
class Issued:
    """The token response (RFC 6749 section 5.1), the token's row and that of a new refresh token, not yet kept."""

    authorized: Authorized
    answer: Mapping[str, Any]
    row: Mapping[str, Any]
    refresh_token: Mapping[str, Any] | None = None


class TokenIssuer(Protocol):
    def prepare(self, authorized: Authorized, call: AuthenticatedCall) -> Issued:
        """Signs; writes nothing. Raises InvalidDpopProof where a client's tokens must be bound and are not."""

    def record(self, connection: Connection, issued: Issued) -> None:
        """In the grant's transaction. Raises InvalidGrant where consent or session ended meanwhile."""
