"""The data keys: one row for each owner, wrapped by the envelope key (SP 800-38D, SP 800-57 part 1 section 6.2.1).

A person's data key stands here and nowhere else. Who deletes the row has erased the person: whatever was sealed under
the key, wherever it lies, is noise from then on.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from sqlalchemy import (
    Connection,
    Index,
    LargeBinary,
    String,
    Table,
    bindparam,
    delete,
    func,
    literal,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime

ACCOUNT = "account"  # a person, as the provider knows them
DESK = "desk"  # a person, as the signing desk knows them: by its own `sub`
INSTALLATION = "installation"  # what belongs to no person


class Owner(NamedTuple):
    """Whose data key; as text it is part of what the wrapped key is bound to."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


class WrappedKey(Base):
    """`wrapped` is bound to `owner_kind` and `owner_id`: moved to another row it does not open. `kid` is the envelope
    key that wraps it, so that what is left under an old one is found at once; empty where an earlier release wrapped.
    """

    __tablename__ = "data_key"
    __table_args__ = (Index("ix_data_key_kid", "kid", "owner_kind", "owner_id"),)

    owner_kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    owner_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    kid: Mapped[str] = mapped_column(String(43))
    wrapped: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


ROW = cast("Table", WrappedKey.__table__)
WRAP_ANEW = (
    update(ROW)
    .where(ROW.c.owner_kind == bindparam("kind"), ROW.c.owner_id == bindparam("id"))
    .where(ROW.c.wrapped == bindparam("before"))
    .values(wrapped=bindparam("after"), kid=bindparam("new_kid"))
)  # once, for batches


def insert_data_key(connection: Connection, owner: Owner, wrapped: bytes, *, kid: str, now: datetime) -> bool:
    """False where the owner has one: of two at once one inserts."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"owner_kind": owner.kind, "owner_id": owner.id, "kid": kid, "wrapped": wrapped, "created_at": now}
    return connection.execute(dialect.insert(WrappedKey).values(**row).on_conflict_do_nothing()).rowcount == 1


def load_data_key(connection: Connection, owner: Owner) -> bytes | None:
    """As wrapped; None for somebody who was erased, or never had one."""
    theirs = (WrappedKey.owner_kind == owner.kind, WrappedKey.owner_id == owner.id)
    return connection.execute(select(WrappedKey.wrapped).where(*theirs)).scalar_one_or_none()


def load_data_keys(connection: Connection, kind: str) -> Sequence[tuple[str, bytes]]:
    """Of a kind of which there are few: (id, wrapped)."""
    query = select(WrappedKey.owner_id, WrappedKey.wrapped).where(WrappedKey.owner_kind == kind)
    return [(row[0], row[1]) for row in connection.execute(query.order_by(WrappedKey.created_at))]


def load_wrapped_by(connection: Connection, kid: str, *, after: Owner, limit: int) -> Sequence[tuple[Owner, bytes]]:
    """What this envelope key still wraps, in the order of the owners."""
    later = tuple_(WrappedKey.owner_kind, WrappedKey.owner_id) > tuple_(literal(after.kind), literal(after.id))
    query = select(WrappedKey.owner_kind, WrappedKey.owner_id, WrappedKey.wrapped).where(WrappedKey.kid == kid, later)
    rows = connection.execute(query.order_by(WrappedKey.owner_kind, WrappedKey.owner_id).limit(limit))
    return [(Owner(row[0], row[1]), row[2]) for row in rows]


def count_wrapped_by(connection: Connection, kid: str, *, most: int) -> int:
    """How many this envelope key wraps, counted no further than `most`."""
    some = select(WrappedKey.owner_id).where(WrappedKey.kid == kid).limit(most).subquery()
    return int(connection.execute(select(func.count()).select_from(some)).scalar_one())


def replace_wrapped(connection: Connection, made: Sequence[tuple[Owner, bytes, bytes]], *, kid: str) -> int:
    """The same keys, wrapped anew: (owner, before, after). How many; not those that were wrapped anew, or erased, since
    they were read.
    """
    rows = [
        {"kind": owner.kind, "id": owner.id, "before": before, "after": after, "new_kid": kid}
        for owner, before, after in made
    ]
    return connection.execute(WRAP_ANEW, rows).rowcount if rows else 0


def delete_data_key(connection: Connection, owner: Owner) -> bool:
    """What was sealed under it can be opened no more."""
    theirs = (WrappedKey.owner_kind == owner.kind, WrappedKey.owner_id == owner.id)
    return connection.execute(delete(WrappedKey).where(*theirs)).rowcount == 1
