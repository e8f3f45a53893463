"""What a request may use only once (RFC 7523 section 3, RFC 9449 section 11.1): spent in the transaction of its act.

A request that is refused spends them too, in a transaction of its own: a proof that was seen is worth nothing more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from core.one_time import spend
from idp.errors import OAuthError


@dataclass(frozen=True)
class OneTime:
    """`refusal` is what the second user of it is told. It need not be kept after `expires_at`."""

    kind: str
    value: str
    expires_at: datetime
    refusal: OAuthError


def spend_all(connection: Connection, things: Iterable[OneTime]) -> None:
    """Raises the first refusal."""
    for each in things:
        if not spend(connection, each.kind, each.value, expires_at=each.expires_at):
            raise each.refusal


def spend_what_is_left(connection: Connection, things: Iterable[OneTime]) -> None:
    """For a request that was refused for another reason."""
    for each in things:
        spend(connection, each.kind, each.value, expires_at=each.expires_at)
