"""Re-wrapping: after the envelope key has rotated, every data key is wrapped anew, in the background.

1. data keys: whatever another envelope key wraps, found by the index over `kid`, is wrapped by the one in use
2. columns that earlier releases sealed under the envelope key itself are lifted to their owner's data key, once

Each batch is read, done outside any transaction, and written by conditional updates on the bytes that were read: who
wrote meanwhile has the last word, and a batch that dies or is done twice leaves nothing undone. The rows themselves say
what is left, so that a restart, a restored backup and two workers at once need no care. When nothing is left under a
key it may be destroyed (`need`), by two people.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import BigInteger, Connection, RowMapping, String, Text, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.database import Base, UTCDateTime
from core.sealed_column import DECLARED, SealedColumn
from keys.data_key import Owner, count_wrapped_by, load_wrapped_by, replace_wrapped
from keys.envelope import Envelope
from keys.errors import EnvelopeError
from keys.key_rows import KeyRecord
from keys.key_states import State
from keys.purposes import Purpose
from keys.sealed import DIRECT

BATCH = 200
BATCHES = 10  # in one run of the job
COUNTED = 1_000_000  # what is left is counted no further
SETTLED = timedelta(seconds=30)  # every worker knows the key in use by then, and none wraps with its predecessor
FIRST = Owner("", "")
EARLIER = ""  # `kid` of what an earlier release wrapped

log = structlog.get_logger()


class Lift(Base):
    """The one walk over a column that was once sealed under the envelope key itself. `reached` is the primary key of
    the last row looked at, as JSON, empty before the first; `finished_at` is empty until all were.
    """

    __tablename__ = "lift"

    place: Mapped[str] = mapped_column(String(80), primary_key=True)
    reached: Mapped[str] = mapped_column(Text)
    lifted: Mapped[int] = mapped_column(BigInteger)
    unreadable: Mapped[int] = mapped_column(BigInteger)
    finished_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Progress:
    """`left` is what another key than the one in use wraps, counted no further than a million."""

    kid: str
    wrapped: int
    left: int
    unreadable: int
    lifting: tuple[str, ...]

    @property
    def is_finished(self) -> bool:
        return not self.left and not self.lifting and not self.unreadable


class Rewrap:
    """One per process."""

    def __init__(self, envelope: Envelope) -> None:
        self.envelope = envelope
        self.ground = envelope.ground
        self._all_lifted = False
        self._unreadable: set[Owner] = set()  # said in the log once

    @property
    def columns(self) -> list[SealedColumn]:
        """What every room declares, of what was once sealed directly."""
        return [column for column in DECLARED.values() if column.once_direct]

    def run(self) -> int:
        """The job: a bounded piece of work. How many rows are as they should be that were not before."""
        done = 0
        for _ in range(BATCHES):
            found, changed = self.step()
            done += changed
            if not found:
                break
        return done

    def step(self) -> tuple[int, int]:
        """One batch: how many rows were looked at, and how many of them were changed."""
        current = self._current()
        if current is None:
            return 0, 0
        for kid in self._other_kids(current):
            after = FIRST
            while batch := self._load(kid, after):
                changed = self._wrap_anew(batch, current)
                if changed:
                    return len(batch), changed
                after = batch[-1][0]  # none of them opens, or another worker was faster: look behind them
        return self._lift()

    def progress(self) -> Progress:
        """What `prajak key rewrap` and the console show."""
        kid = self.envelope.keystore.secret(Purpose.ENVELOPE).kid
        others = self._other_kids(kid)
        with self.ground.database.read() as connection:
            wrapped = count_wrapped_by(connection, kid, most=COUNTED)
            left = sum(count_wrapped_by(connection, other, most=COUNTED) for other in others)
            unreadable = sum(connection.execute(select(Lift.unreadable)).scalars())
            lifting = tuple(column.name for column in self.columns if not is_lifted(connection, column))
        return Progress(kid, wrapped, left, unreadable, lifting)

    def need(self, record: KeyRecord) -> str:
        """Why this key must not be destroyed yet; "" where nothing needs it (`Keystore.needs`)."""
        if record.purpose is not Purpose.ENVELOPE or record.state is State.PRE_ACTIVATION:
            return ""
        with self.ground.database.read() as connection:
            left = count_wrapped_by(connection, record.kid, most=COUNTED)
            earlier = count_wrapped_by(connection, EARLIER, most=COUNTED)
            lifting = [column.name for column in self.columns if not is_lifted(connection, column)]
            unreadable = sum(connection.execute(select(Lift.unreadable)).scalars())
        if left or earlier:
            return f"{left + earlier} data keys are still to be wrapped anew (prajak key rewrap)"
        if lifting or unreadable:
            what = ", ".join(lifting) or f"{unreadable} rows that did not open"
            return f"it may still open what earlier releases sealed: {what} (prajak key rewrap)"
        return ""

    # ------------------------------------------------------------ 1. data keys

    def _current(self) -> str | None:
        """The envelope key in use, once every worker uses it."""
        kid = self.envelope.keystore.secret(Purpose.ENVELOPE).kid
        records = self.envelope.keystore.records([Purpose.ENVELOPE])
        record = next(each for each in records if each.kid == kid)
        since = record.activates_at or record.created_at
        first = len([each for each in records if each.state is not State.PRE_ACTIVATION]) == 1
        return kid if first or since + SETTLED <= self.ground.clock.now() else None

    def _other_kids(self, current: str) -> list[str]:
        records = self.envelope.keystore.records([Purpose.ENVELOPE])
        return [EARLIER, *(record.kid for record in records if record.kid != current)]

    def _load(self, kid: str, after: Owner) -> Sequence[tuple[Owner, bytes]]:
        with self.ground.database.read() as connection:
            return load_wrapped_by(connection, kid, after=after, limit=BATCH)

    def _wrap_anew(self, batch: Sequence[tuple[Owner, bytes]], current: str) -> int:
        made = [(owner, before, self._rewrapped(owner, before)) for owner, before in batch]
        opened = [(owner, before, after) for owner, before, after in made if after]
        with self.ground.database.write() as connection:
            return replace_wrapped(connection, opened, kid=current)

    def _rewrapped(self, owner: Owner, wrapped: bytes) -> bytes | None:
        if owner in self._unreadable:
            return None
        try:
            return self.envelope.rewrapped(owner, wrapped) or wrapped
        except EnvelopeError as error:
            log.warning("data_key_does_not_open", owner_kind=owner.kind, owner=owner.id, why=str(error))
            self._unreadable.add(owner)
            return None

    # ------------------------------------------------------------ 2. what was once sealed directly

    def _lift(self) -> tuple[int, int]:
        if self._all_lifted:
            return 0, 0
        for column in self.columns:
            with self.ground.database.read() as connection:
                walk = load_lift(connection, column)
            if walk is None or walk["finished_at"] is None:
                return self._lift_batch(column, walk)
        self._all_lifted = True
        return 0, 0

    def _lift_batch(self, column: SealedColumn, walk: RowMapping | None) -> tuple[int, int]:
        reached = walk["reached"] if walk else ""
        keys = list(column.table.primary_key.columns)
        wanted = {*keys, column.table.c[column.column]}
        wanted |= {column.table.c[column.owner_column]} if column.owner_column else set()
        query = select(*wanted).order_by(*keys).limit(BATCH)
        if reached:
            query = query.where(tuple_(*keys) > tuple_(*json.loads(reached)))
        with self.ground.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        made = [(row, self._lifted(column, row)) for row in rows if row[column.column]]
        last = json.dumps([rows[-1][key.name] for key in keys]) if rows else reached
        finished = None if len(rows) == BATCH else self.ground.clock.now()
        try:
            with self.ground.database.write() as connection:
                lifted = sum(replace(connection, column, row, after) for row, after in made if after)
                failed = sum(after == b"" for _row, after in made)
                step = {"reached": last, "finished_at": finished}
                keep_lift(connection, column, reached if walk else None, step, lifted=lifted, unreadable=failed)
                if finished:
                    detail = {"place": column.name}
                    audit.record(connection, self.ground.clock, event="envelope.lifted", actor="system", detail=detail)
        except TakenOver:
            return 1, 0
        return max(len(rows), 1), lifted

    def _lifted(self, column: SealedColumn, row: RowMapping) -> bytes | None:
        """None for what is as it should be, empty for what does not open."""
        sealed, aad = row[column.column], column.aad(**row)
        if sealed[:1] != DIRECT:
            return None
        try:
            plaintext = self.envelope.open(sealed, aad=aad)
        except EnvelopeError as error:
            log.warning("sealed_row_does_not_open", place=column.name, why=str(error))
            return b""
        owner_id = row[column.owner_column] if column.owner_column else ""
        if not owner_id:
            return self.envelope.seal(plaintext, aad=aad)
        return self.envelope.ensure_key(Owner(column.owner_kind, owner_id)).seal(plaintext, aad=aad)


class TakenOver(Exception):
    """Rolls the batch back."""


def load_lift(connection: Connection, column: SealedColumn) -> RowMapping | None:
    return connection.execute(select(Lift.__table__).where(Lift.place == column.name)).mappings().first()


def is_lifted(connection: Connection, column: SealedColumn) -> bool:
    walk = load_lift(connection, column)
    return walk is not None and walk["finished_at"] is not None


def keep_lift(
    connection: Connection,
    column: SealedColumn,
    reached: str | None,
    step: Mapping[str, object],
    *,
    lifted: int,
    unreadable: int,
) -> None:
    """Raises TakenOver where another worker went on from the same row; `reached` is None at the first batch."""
    first = {"place": column.name, "reached": "", "lifted": 0, "unreadable": 0}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    if reached is None:
        connection.execute(dialect.insert(Lift).values(**first).on_conflict_do_nothing())
    mine = (Lift.place == column.name, Lift.reached == (reached or ""), Lift.finished_at.is_(None))
    counts = {"lifted": Lift.lifted + lifted, "unreadable": Lift.unreadable + unreadable}
    if connection.execute(update(Lift).where(*mine).values(**step, **counts)).rowcount != 1:
        raise TakenOver


def replace(connection: Connection, column: SealedColumn, row: RowMapping, after: bytes) -> bool:
    """False where somebody wrote, or deleted, the row since it was read."""
    table = column.table
    mine = [key == row[key.name] for key in table.primary_key.columns]
    unchanged = table.c[column.column] == row[column.column]
    return connection.execute(update(table).where(*mine, unchanged).values({column.column: after})).rowcount == 1
