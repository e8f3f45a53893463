"""How entries hang together: `entry_hash = SHA-256(previous_hash || canonical form)`, from GENESIS on.

The canonical form, second edition, is a JSON array in UTF-8, without spaces, non-ASCII characters as themselves (RFC
8259), of the text `prajak-audit-2` and then every column of the row but the two hashes, in the order of `COLUMNS`. `at`
is UTC as `2026-11-22T03:00:00.000000+00:00`. So no column of a row can change without its hash.

The first edition (a sorted object without `number`) stands in older trails: it is read, never written, and not believed
after an entry of the second. What is hashed is read as it is stored, byte for byte, not as a library understands it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, String, func, select, type_coerce, update
from sqlalchemy import bindparam as parameter

from core.audit import AuditEntry
from core.errors import PrajakError

GENESIS = sha256(b"prajak-audit-v1").digest()
EDITION = "prajak-audit-2"
BATCH = 500  # entries chained in one transaction
PAGE = 2000  # entries read at a time
BEFORE_ALL = -(2**63)
COLUMNS = ("sequence", "number", "at", "id", "event", "actor", "subject", "client_id", "reason", "source", "detail")
FIRST_EDITION = ("sequence", "at", "id", "event", "actor", "subject", "client_id", "reason", "source", "detail")
STORED_TIME = 26  # characters of a time in SQLite: `2026-11-22 03:00:00.000000`

compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
sorted_object = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class Entry(NamedTuple):
    """One row as it is stored, `at` as the canonical form has it. The types are what an honest row has."""

    sequence: int
    number: int
    at: str
    id: str
    event: str
    actor: str
    subject: str
    client_id: str
    reason: str
    source: str
    detail: str
    previous_hash: bytes
    entry_hash: bytes


class TwoSequencers(PrajakError):
    """Somebody else gave these entries their place meanwhile: nothing was written, and nothing is lost."""


@dataclass(frozen=True)
class Waiting:
    """Entries that have no place yet; `oldest_at` is empty where there is none."""

    count: int
    oldest_at: datetime | None


def chain(connection: Connection) -> int:
    """Gives unchained entries their place; the caller is the elected sequencer and holds a writing transaction.

    Of two that believe to be elected one gets its rows, by the condition, and its numbers, by uniqueness: raises
    TwoSequencers or the database's error to the other.
    """
    sequence, previous = head(connection)
    waiting = stored(connection).where(AuditEntry.sequence.is_(None)).order_by(AuditEntry.number).limit(BATCH)
    values: list[dict[str, object]] = []
    for row in connection.execute(waiting):
        sequence += 1
        entry = as_entry(row)._replace(sequence=sequence)
        digest = entry_hash(previous, entry)
        values.append({"row": entry.number, "place": sequence, "before": previous, "digest": digest})
        previous = digest
    if values and connection.execute(PLACE, values).rowcount != len(values):
        raise TwoSequencers("another sequencer was there")
    return len(values)


PLACE = (
    update(AuditEntry.__table__)  # type: ignore[arg-type]
    .where(AuditEntry.number == parameter("row"), AuditEntry.sequence.is_(None))
    .values(sequence=parameter("place"), previous_hash=parameter("before"), entry_hash=parameter("digest"))
)


def head(connection: Connection) -> tuple[int, bytes]:
    """The last chained entry's sequence and hash; (0, GENESIS) for an empty trail."""
    columns = select(AuditEntry.sequence, AuditEntry.entry_hash).where(AuditEntry.sequence.is_not(None))
    last = connection.execute(columns.order_by(AuditEntry.sequence.desc()).limit(1)).first()
    return (last[0] or 0, last[1] or b"") if last else (0, GENESIS)


def has_unchained(connection: Connection) -> bool:
    """Cheap, so that an idle sequencer writes nothing."""
    waiting = select(AuditEntry.number).where(AuditEntry.sequence.is_(None)).limit(1)
    return connection.execute(waiting).first() is not None


def waiting(connection: Connection, *, most: int = 10_000) -> Waiting:
    """How far the sequencer is behind; never counts further than `most`."""
    rows = select(AuditEntry.at).where(AuditEntry.sequence.is_(None)).order_by(AuditEntry.number).limit(most)
    found = connection.execute(rows).scalars().all()
    return Waiting(len(found), min(found, default=None))


def entries(
    connection: Connection, *, after: int = BEFORE_ALL, until: int | None = None, page: int = PAGE
) -> Iterator[Entry]:
    """The chained trail in its order, read in bounded pages: also what has no business there, such as a place 0."""
    while True:
        chained = stored(connection).where(AuditEntry.sequence > after).order_by(AuditEntry.sequence).limit(page)
        rows = connection.execute(chained if until is None else chained.where(AuditEntry.sequence <= until)).all()
        yield from map(as_entry, rows)
        if len(rows) < page:
            return
        after = rows[-1][0]


def stored(connection: Connection) -> Select[Any]:
    """The columns of an Entry as they are stored: a time that only reads the same must not pass for the same."""
    table = AuditEntry.__table__
    if connection.dialect.name == "sqlite":
        at: Any = type_coerce(AuditEntry.at, String)
    else:
        at = func.to_char(func.timezone("UTC", AuditEntry.at), "YYYY-MM-DD HH24:MI:SS.US")
    names = [at if name == "at" else table.c[name] for name in COLUMNS]
    return select(*names, AuditEntry.previous_hash, AuditEntry.entry_hash)


def as_entry(row: Sequence[Any]) -> Entry:
    stored_at = row[2]
    fits = isinstance(stored_at, str) and len(stored_at) == STORED_TIME and stored_at[10] == " "
    at = f"{stored_at[:10]}T{stored_at[11:]}+00:00" if fits else f"not as it was stored: {stored_at!r}"
    return Entry(row[0], row[1], at, *row[3:])


def entry_hash(previous: bytes, entry: Entry) -> bytes:
    """The hash in the second edition. Raises TypeError or ValueError for a row that holds what no honest one does."""
    return sha256(previous + compact((EDITION, *entry[:11])).encode()).digest()


def is_own_hash(entry: Entry, previous: bytes, *, first_edition: bool = True) -> bool:
    """Whether the entry is what was chained; False too for a row that holds what no honest one does."""
    try:
        if entry.entry_hash == entry_hash(previous, entry):
            return True
        return first_edition and entry.entry_hash == first_edition_hash(previous, entry)
    except (TypeError, ValueError):  # bytes where text belongs, or text that is none
        return False


def first_edition_hash(previous: bytes, entry: Entry) -> bytes:
    named = {name: getattr(entry, name) for name in FIRST_EDITION}
    return sha256(previous + sorted_object(named).encode()).digest()
