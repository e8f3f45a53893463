"""Witnesses of the audit trail: somebody outside who keeps the checkpoints, so that nobody inside can rewrite the past.

`PRAJAK_AUDIT_WITNESS` names them, parted by spaces:

    file:PATH      one line a checkpoint is appended and synced: on a medium that is written once, or mounted from
                   another machine, where whoever can write the database cannot write
    https://…      the lines are posted (application/jsonl); any 2xx says that they are kept
    mailto:ADDRESS the newest line, at most once an hour: each checkpoint covers all before it

Each has its own place in the trail and is tried again with growing waits, in order, so that an absent witness misses
nothing. A line can arrive twice (where a worker dies after it was kept), never not at all. How far each is behind is
shown in the console and by `prajak doctor`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import Protocol

import structlog
from sqlalchemy import BigInteger, ColumnElement, Connection, Integer, RowMapping, String, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.errors import PrajakError
from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from keys.audit_checkpoint import AuditCheckpoint, checkpoint_line

BATCH = 100  # lines handed over at a time
FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(minutes=10)
MAIL_EVERY = timedelta(hours=1)
TAKEN = range(200, 300)
SUBJECT = "จุดตรวจสอบของบันทึกการตรวจสอบ / Checkpoint of the audit trail: {issuer}"
LETTER = """โปรดเก็บอีเมลฉบับนี้ไว้ บรรทัดด้านล่างระบุสภาพของบันทึกการตรวจสอบ ณ เวลานั้น
ผู้ที่เก็บไว้พิสูจน์ภายหลังได้ว่ารายการก่อนหน้านั้นไม่ถูกแก้ไขหรือลบออก

Please keep this message. The line below says how the audit trail stood at its time; whoever has it
can prove later that nothing before was changed or removed:

    prajak audit verify --checkpoint FILE

{line}
"""

log = structlog.get_logger()


class AuditWitness(Base):
    """How far one witness has come: `delivered_sequence` is 0, and `delivered_at` empty, before its first checkpoint.

    `failure` is why the last attempt failed, empty where it did not.
    """

    __tablename__ = "audit_witness"

    name: Mapped[str] = mapped_column(String(400), primary_key=True)
    delivered_sequence: Mapped[int] = mapped_column(BigInteger)
    delivered_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    next_attempt_at: Mapped[datetime] = mapped_column(UTCDateTime)
    attempts: Mapped[int] = mapped_column(Integer)
    failure: Mapped[str] = mapped_column(String(200))


@dataclass(frozen=True)
class WitnessState:
    """For people: `behind` counts the checkpoints that the witness does not have yet, no further than a batch."""

    name: str
    delivered_sequence: int
    delivered_at: datetime | None
    behind: int
    failure: str


class NotKept(PrajakError):
    """The witness did not take the lines; they are handed over again."""


class Enqueue(Protocol):
    """What a mail needs of the outbox: in the caller's transaction."""

    def __call__(self, connection: Connection, *, channel: str, recipient: str, subject: str, body: str) -> str: ...


class AuditWitnesses:
    """One per process; `deliver` is a job."""

    def __init__(self, ground: Ground, enqueue: Enqueue) -> None:
        self.ground = ground
        self.enqueue = enqueue
        self.names = ground.settings.audit_witness

    def deliver(self) -> int:
        """Hands every witness what it has not got, as far as its wait is over. Returns how many lines were taken."""
        return sum(self._deliver(name) for name in self.names)

    def states(self) -> list[WitnessState]:
        """How far each is, in the order of the setting."""
        with self.ground.database.read() as connection:
            return [self._state(connection, name) for name in self.names]

    def _deliver(self, name: str) -> int:
        now = self.ground.clock.now()
        with self.ground.database.read() as connection:
            row = load(connection, name)
            lines = waiting_lines(connection, after=row["delivered_sequence"] if row else 0)
        if not lines or (row and row["next_attempt_at"] > now):
            return 0
        if row is None:
            row = self._begin(name)
        if name.startswith("mailto:"):
            return self._mail(name, row, lines[-1:] if len(lines) < BATCH else self._newest())
        try:
            KEEP[name.partition(":")[0]](self.ground, name, [line for _, line in lines])
        except NotKept as error:
            self._failed(name, row, str(error))
            return 0
        with self.ground.database.write() as connection:
            arrived(connection, row, sequence=lines[-1][0], now=now, again_at=now)
        return len(lines)

    def _mail(self, name: str, row: RowMapping, newest: Sequence[tuple[int, str]]) -> int:
        """Written with the witness's place in one transaction; the outbox delivers it."""
        now, (sequence, line) = self.ground.clock.now(), newest[0]
        with self.ground.database.write() as connection:
            if not arrived(connection, row, sequence=sequence, now=now, again_at=now + MAIL_EVERY):
                return 0
            self.enqueue(
                connection,
                channel="email",
                recipient=name.removeprefix("mailto:"),
                subject=SUBJECT.format(issuer=self.ground.settings.issuer),
                body=LETTER.format(line=line),
            )
        return 1

    def _newest(self) -> list[tuple[int, str]]:
        with self.ground.database.read() as connection:
            return waiting_lines(connection, after=0, newest=True)

    def _begin(self, name: str) -> RowMapping:
        values = {"name": name, "delivered_sequence": 0, "next_attempt_at": self.ground.clock.now()}
        with self.ground.database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            first = dialect.insert(AuditWitness).values(**values, attempts=0, failure="").on_conflict_do_nothing()
            connection.execute(first)
            return connection.execute(OF_NAME.where(AuditWitness.name == name)).mappings().one()

    def _failed(self, name: str, row: RowMapping, why: str) -> None:
        log.warning("audit_witness_absent", witness=name, why=why)
        wait = min(FIRST_WAIT * 2 ** min(row["attempts"], 20), LONGEST_WAIT)
        values = {"attempts": row["attempts"] + 1, "failure": why[:200]}
        with self.ground.database.write() as connection:
            mine = update(AuditWitness).where(*same(row))
            connection.execute(mine.values(**values, next_attempt_at=self.ground.clock.now() + wait))

    def _state(self, connection: Connection, name: str) -> WitnessState:
        row = load(connection, name)
        place = row["delivered_sequence"] if row else 0
        behind = len(waiting_lines(connection, after=place))
        return WitnessState(name, place, row["delivered_at"] if row else None, behind, row["failure"] if row else "")


OF_NAME = select(AuditWitness.__table__)


def load(connection: Connection, name: str) -> RowMapping | None:
    return connection.execute(OF_NAME.where(AuditWitness.name == name)).mappings().first()


def same(row: RowMapping) -> tuple[ColumnElement[bool], ...]:
    """Nobody else has handed anything over since the row was read."""
    return (AuditWitness.name == row["name"], AuditWitness.delivered_sequence == row["delivered_sequence"])


def arrived(connection: Connection, row: RowMapping, *, sequence: int, now: datetime, again_at: datetime) -> bool:
    """One conditional write; False where another worker was first."""
    values = {"delivered_sequence": sequence, "delivered_at": now, "next_attempt_at": again_at}
    mine = update(AuditWitness).where(*same(row)).values(**values, attempts=0, failure="")
    return connection.execute(mine).rowcount == 1


def waiting_lines(connection: Connection, *, after: int, newest: bool = False) -> list[tuple[int, str]]:
    """Place and line, oldest first and no more than a batch; or the newest alone."""
    rows = select(AuditCheckpoint.__table__).where(AuditCheckpoint.sequence > after)
    order = AuditCheckpoint.sequence.desc() if newest else AuditCheckpoint.sequence
    found = connection.execute(rows.order_by(order).limit(1 if newest else BATCH)).mappings()
    return [(row["sequence"], checkpoint_line(row["jws"], row["time_stamp"])) for row in found]


def keep_in_file(_ground: Ground, name: str, lines: Sequence[str]) -> None:
    """Appended whole and on the disk before it counts; the folder too, where the file is new."""
    path = Path(name.removeprefix("file:"))
    data = "".join(f"{line}\n" for line in lines).encode()
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            flock(descriptor, LOCK_EX)
            written = os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync_folder(path.parent)
    except OSError as error:
        raise NotKept(f"the file cannot be written: {error.strerror}") from error
    if written != len(data):
        raise NotKept("the file's disk is full")


def sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def keep_at_endpoint(ground: Ground, name: str, lines: Sequence[str]) -> None:
    """The same lines as a file has, posted."""
    body = "".join(f"{line}\n" for line in lines).encode()
    try:
        answer = ground.outbound.post(name, body, headers={"Content-Type": "application/jsonl"})
    except (OutboundFailed, OutboundRefused) as error:
        raise NotKept(str(error)) from error
    if answer.status not in TAKEN:
        raise NotKept(f"the witness answered {answer.status}")


KEEP: Mapping[str, Callable[[Ground, str, Sequence[str]], None]] = {
    "file": keep_in_file,
    "https": keep_at_endpoint,
    "http": keep_at_endpoint,  # the sandbox's loopback alone: core.settings
}
