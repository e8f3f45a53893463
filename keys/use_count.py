"""How often each key was used, and when last: SP 800-57 part 1 section 8.2.3 wants it known, an auditor compares it.

A use is counted in memory when it has succeeded, and a worker writes what it counted every few seconds (`FLUSHED`) and
when it ends: a count costs a signature nothing. A worker that is killed loses the counts of at most that time, never a
signature. So the numbers are at least true: there were not fewer uses than they say.

`applied` is what made something (signed, sealed, a MAC), `processed` what opened something that was made before
(section 7.2): of a key that is out of use the first must stand still.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from sqlalchemy import BigInteger, Connection, String, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import Clock
from core.database import Base, Database, UTCDateTime

FLUSHED = timedelta(seconds=5)


class KeyUse(Base):
    """No row: never used."""

    __tablename__ = "key_use"

    kid: Mapped[str] = mapped_column(String(43), primary_key=True)
    applied: Mapped[int] = mapped_column(BigInteger)
    processed: Mapped[int] = mapped_column(BigInteger)
    last_used_at: Mapped[datetime] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Uses:
    """As stored; `last_used_at` is None for a key that was never used."""

    applied: int = 0
    processed: int = 0
    last_used_at: datetime | None = None


class UseCounter:
    """One per process, for all its threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._applied: dict[str, int] = {}
        self._processed: dict[str, int] = {}

    def count_applied(self, kid: str) -> None:
        with self._lock:
            self._applied[kid] = self._applied.get(kid, 0) + 1

    def count_processed(self, kid: str) -> None:
        with self._lock:
            self._processed[kid] = self._processed.get(kid, 0) + 1

    def flush(self, database: Database, clock: Clock) -> None:
        """Writes what was counted since the last time; what cannot be written is kept for the next."""
        with self._lock:
            applied, processed = self._applied, self._processed
            self._applied, self._processed = {}, {}
        if not applied and not processed:
            return
        try:
            with database.write() as connection:
                add_uses(connection, applied, processed, clock.now())
        except Exception:
            self._put_back(applied, processed)
            raise

    def _put_back(self, applied: Mapping[str, int], processed: Mapping[str, int]) -> None:
        with self._lock:
            for counts, kept in ((self._applied, applied), (self._processed, processed)):
                for kid, number in kept.items():
                    counts[kid] = counts.get(kid, 0) + number


def add_uses(connection: Connection, applied: Mapping[str, int], processed: Mapping[str, int], now: datetime) -> None:
    """Adds to what other workers added; in the order of kids, so that two workers never wait for each other."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    for kid in sorted({*applied, *processed}):
        new = {"applied": applied.get(kid, 0), "processed": processed.get(kid, 0), "last_used_at": now}
        insert = dialect.insert(KeyUse).values(kid=kid, **new)
        added = {name: getattr(KeyUse, name) + insert.excluded[name] for name in ("applied", "processed")}
        connection.execute(insert.on_conflict_do_update(index_elements=["kid"], set_=added | {"last_used_at": now}))


def load_uses(connection: Connection) -> dict[str, Uses]:
    """By kid."""
    rows = connection.execute(select(KeyUse.__table__)).mappings()
    return {row["kid"]: Uses(row["applied"], row["processed"], row["last_used_at"]) for row in rows}
