"""The audit trail: append-only, written in the act's transaction, chained afterwards by one elected sequencer.

A chain head locked until each commit would serialise every write; so an entry commits unchained with its act, and
the sequencer gives entries their place within a second: `entry_hash = SHA-256(previous_hash || canonical entry)`.
Entries hold identifiers, never personal data.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import cast

from sqlalchemy import BigInteger, Connection, Integer, LargeBinary, RowMapping, String, Table, Text, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import Clock
from core.database import Base, UTCDateTime
from core.identifiers import new_id

GENESIS = sha256(b"prajak-audit-v1").digest()
BATCH = 500  # entries chained in one transaction
ROWID = BigInteger().with_variant(Integer, "sqlite")


class AuditEntry(Base):
    """`sequence`, `previous_hash` and `entry_hash` are empty until the sequencer has been."""

    __tablename__ = "audit_entry"

    number: Mapped[int] = mapped_column(ROWID, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(22), unique=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    event: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(80), index=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    client_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(400))
    source: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    entry_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))


INSERT = cast("Table", AuditEntry.__table__).insert()  # on the table: the ORM's way costs three times as much


@dataclass(frozen=True)
class BrokenChain:
    """The first entry that does not fit, and why."""

    sequence: int
    entry_id: str
    why: str


def record(
    connection: Connection,
    clock: Clock,
    *,
    event: str,
    actor: str,
    subject: str = "",
    client_id: str = "",
    reason: str = "",
    source: str = "",
    detail: Mapping[str, str | int | bool] | None = None,
) -> None:
    """Adds one entry to the caller's transaction: the act and its entry commit together or not at all."""
    text = json.dumps(dict(detail or {}), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    row = {"id": new_id(), "at": clock.now(), "event": event, "actor": actor, "subject": subject}
    row |= {"client_id": client_id, "reason": reason[:400], "source": source[:80], "detail": text}
    connection.execute(INSERT, row)


def chain(connection: Connection) -> int:
    """Gives unchained entries their place; the caller is the elected sequencer and holds a writing transaction."""
    sequence, previous = head(connection)
    unchained = select(AuditEntry.__table__).where(AuditEntry.sequence.is_(None)).order_by(AuditEntry.number)
    rows = connection.execute(unchained.limit(BATCH)).mappings().all()
    for row in rows:
        sequence += 1
        digest = entry_hash(previous, sequence, row)
        values = {"sequence": sequence, "previous_hash": previous, "entry_hash": digest}
        connection.execute(update(AuditEntry).where(AuditEntry.number == row["number"]).values(**values))
        previous = digest
    return len(rows)


def has_unchained(connection: Connection) -> bool:
    """Cheap, so that an idle sequencer writes nothing."""
    waiting = select(AuditEntry.number).where(AuditEntry.sequence.is_(None)).limit(1)
    return connection.execute(waiting).first() is not None


def head(connection: Connection) -> tuple[int, bytes]:
    """The last chained entry's sequence and hash; (0, GENESIS) for an empty trail."""
    columns = select(AuditEntry.sequence, AuditEntry.entry_hash).where(AuditEntry.sequence.is_not(None))
    last = connection.execute(columns.order_by(AuditEntry.sequence.desc()).limit(1)).first()
    return (last[0] or 0, last[1] or b"") if last else (0, GENESIS)


def verify_chain(connection: Connection) -> BrokenChain | None:
    """Walks the whole trail; None when every entry fits, else the first that does not."""
    expected, previous = 1, GENESIS
    for row in entries(connection):
        if row["sequence"] != expected:
            return BrokenChain(expected, row["id"], f"entry {expected} is missing")
        if row["previous_hash"] != previous:
            return BrokenChain(expected, row["id"], "previous_hash is not the hash of the entry before")
        if row["entry_hash"] != entry_hash(previous, expected, row):
            return BrokenChain(expected, row["id"], "the entry was changed after it was written")
        expected, previous = expected + 1, row["entry_hash"]
    return None


def entries(connection: Connection) -> Iterator[RowMapping]:
    """The chained trail in its order, read in bounded pages."""
    last = 0
    while True:
        query = select(AuditEntry.__table__).where(AuditEntry.sequence > last).order_by(AuditEntry.sequence)
        rows = connection.execute(query.limit(BATCH)).mappings().all()
        yield from rows
        if len(rows) < BATCH:
            return
        last = rows[-1]["sequence"]


def entry_hash(previous: bytes, sequence: int, row: RowMapping) -> bytes:
    """SHA-256 over the previous hash and the entry as canonical JSON (sorted keys, no spaces, UTF-8)."""
    names = ("id", "event", "actor", "subject", "client_id", "reason", "source", "detail")
    entry = {"sequence": sequence, "at": row["at"].isoformat(timespec="microseconds")} | {
        name: row[name] for name in names
    }
    text = json.dumps(entry, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(previous + text.encode()).digest()
