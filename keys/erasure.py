"""Crypto-erasure, and that it lasts: who was erased stays erased when an older backup is restored.

A person's data key is deleted with the rows that name them, in one transaction (`idp/erasure.py`). A backup of before
still has the key; so each erasure is also written to a list outside the database, which is applied again after a
restore. A line of it names an account's id and nothing of the person, and bears a keyed digest: only what this
installation has erased once, by two people's agreement, is ever erased again.
"""

from __future__ import annotations

import hmac
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, LargeBinary, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.ground import Ground
from keys.envelope import Envelope
from keys.errors import KeystoreError

LIST = "erasures.jsonl"  # below the data directory
KIND = "erasure"


class Erasure(Base):
    """`approval` is what two people agreed to; `proof` the keyed digest over the row."""

    __tablename__ = "erasure"

    account_id: Mapped[str] = mapped_column(String(22), primary_key=True)
    approval: Mapped[str] = mapped_column(String(22))
    erased_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    proof: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True)
class ErasedPerson:
    """A row of the table, or a line of the list."""

    account_id: str
    approval: str
    erased_at: datetime
    proof: bytes

    @property
    def line(self) -> str:
        told = {"account": self.account_id, "approval": self.approval, "erased_at": self.erased_at.isoformat()}
        return json.dumps(told | {"proof": self.proof.hex()})


class Erasures:
    """One per process."""

    def __init__(self, ground: Ground, envelope: Envelope) -> None:
        self.ground = ground
        self.envelope = envelope
        self.path = ground.settings.data_dir / LIST
        self._written = (-1, -1)  # how many it knew, and how long the list was then

    def proven(self, account_id: str, approval: str, at: datetime) -> ErasedPerson:
        """What `record` will write. Not within a transaction."""
        return ErasedPerson(account_id, approval, at, self._proof(account_id, approval, at))

    def record(self, connection: Connection, erased: ErasedPerson) -> None:
        """In the transaction that erases. Whoever was erased, came back with a backup and is erased again keeps the
        first row.
        """
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(Erasure).values(**erased.__dict__).on_conflict_do_nothing())

    def known(self) -> list[ErasedPerson]:
        """Of the database, oldest first."""
        with self.ground.database.read() as connection:
            rows = connection.execute(select(Erasure.__table__).order_by(Erasure.erased_at, Erasure.account_id))
            return [ErasedPerson(**row) for row in rows.mappings()]

    def listed(self, path: Path | None = None) -> list[ErasedPerson]:
        """Of the list outside the database; raises KeystoreError for a line that this installation did not write."""
        place = path or self.path
        if path is None and not place.exists():
            return []
        lines = place.read_text(encoding="utf-8").splitlines()
        return [self._read(line, number) for number, line in enumerate(lines, 1)]

    def keep_list(self) -> int:
        """A job of every host: the list holds what the database knows and what it held before, and never forgets:
        what somebody cut off it is there again. Written whole, synced and renamed. Returns how many it names.
        """
        known = self.known()
        if self.path.exists() and (len(known), self.path.stat().st_size) == self._written:
            return len(known)
        merged = {each.account_id: each for each in (*self.listed(), *known)}
        write_whole(self.path, (each.line for each in sorted(merged.values(), key=lambda each: each.erased_at)))
        self._written = (len(known), self.path.stat().st_size)
        return len(merged)

    def _read(self, line: str, number: int) -> ErasedPerson:
        try:
            told = json.loads(line)
            at = datetime.fromisoformat(told["erased_at"])
            read = ErasedPerson(str(told["account"]), str(told["approval"]), at, bytes.fromhex(told["proof"]))
            expected = self._proof(read.account_id, read.approval, at)
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise KeystoreError(f"line {number} is no line of a list of erasures") from error
        if not hmac.compare_digest(read.proof, expected):
            raise KeystoreError(f"line {number} was changed, or is of another installation: nothing was erased")
        return read

    def _proof(self, account_id: str, approval: str, at: datetime) -> bytes:
        return self.envelope.blind_index(KIND, json.dumps([account_id, approval, at.isoformat()]))


def write_whole(path: Path, lines: Iterable[str]) -> None:
    """A power cut leaves the old file or the new one."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.flush()
        os.fsync(file.fileno())
    beside.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
