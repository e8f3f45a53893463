"""One-time things: authorization codes, assertion and DPoP `jti`, challenges, links.

Spending is one insert whose row count is the answer, so that of two parallel requests exactly one wins, on any
number of workers and hosts. It joins the caller's transaction: the thing is spent if, and only if, the act commits.
"""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256
from typing import cast

from sqlalchemy import Connection, LargeBinary, String, Table, delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Spent(Base):
    """`kind` names the thing, `value_hash` is SHA-256 of its value; kept until it would have expired anyway."""

    __tablename__ = "spent"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    value_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


TABLE = cast("Table", Spent.__table__)  # statements of the hot path are built once, on the table
ONCE = {
    "sqlite": sqlite.insert(TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(TABLE).on_conflict_do_nothing(),
}


def spend(connection: Connection, kind: str, value: str, *, expires_at: datetime) -> bool:
    """True for the first caller, False for every later one."""
    row = {"kind": kind, "value_hash": sha256(value.encode()).digest(), "expires_at": expires_at}
    return connection.execute(ONCE[connection.dialect.name], row).rowcount == 1


def is_spent(connection: Connection, kind: str, value: str) -> bool:
    """For pages that only look; never a substitute for `spend`."""
    key = (kind, sha256(value.encode()).digest())
    return (
        connection.execute(Spent.__table__.select().where(Spent.kind == key[0], Spent.value_hash == key[1])).first()
        is not None
    )


def purge_spent(connection: Connection, now: datetime) -> int:
    return connection.execute(delete(Spent).where(Spent.expires_at < now)).rowcount
