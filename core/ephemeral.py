"""Short-lived values and counters: Redis where there is one (`core/ephemeral_redis.py`), the database otherwise.

What must never be lost (a spent code, a revocation) is not kept here but in `core/one_time.py` and the rooms' rows.
A store that does not answer raises Unavailable: limits fail closed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import BigInteger, ColumnElement, Integer, LargeBinary, String, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import Clock
from core.database import Base, Database, UTCDateTime
from core.one_time import spend
from core.settings import Settings


class Ephemeral(Protocol):
    def put(self, kind: str, key: str, value: bytes, lifetime: timedelta) -> None: ...

    def get(self, kind: str, key: str) -> bytes | None: ...

    def take(self, kind: str, key: str) -> bytes | None:
        """The value, once: of two parallel callers one gets it and the other None."""

    def spend(self, kind: str, value: str, lifetime: timedelta) -> bool:
        """True for the first caller within the lifetime."""

    def count(self, kind: str, key: str, window: timedelta) -> int:
        """Adds one and returns how many there were in this window, this one included."""

    def counted(self, kind: str, key: str, window: timedelta) -> int:
        """How many there were in this window, without adding."""

    def forget(self, kind: str, key: str) -> None:
        """Clears a counter of any window: a success clears the failures before it."""

    def check(self) -> None: ...


class EphemeralValue(Base):
    __tablename__ = "ephemeral_value"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class EphemeralCount(Base):
    """`window` is the number of the window since the epoch."""

    __tablename__ = "ephemeral_count"

    kind: Mapped[str] = mapped_column(String(40), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    window: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    number: Mapped[int] = mapped_column(Integer)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


class DatabaseEphemeral:
    def __init__(self, database: Database, clock: Clock) -> None:
        self.database = database
        self.clock = clock

    def put(self, kind: str, key: str, value: bytes, lifetime: timedelta) -> None:
        row = {"kind": kind, "key": key, "value": value, "expires_at": self.clock.now() + lifetime}
        with self.database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(EphemeralValue).values(**row)
            new = {"value": statement.excluded.value, "expires_at": statement.excluded.expires_at}
            connection.execute(statement.on_conflict_do_update(index_elements=["kind", "key"], set_=new))

    def get(self, kind: str, key: str) -> bytes | None:
        query = select(EphemeralValue.value).where(*self._living(kind, key))
        with self.database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def take(self, kind: str, key: str) -> bytes | None:
        statement = delete(EphemeralValue).where(*self._living(kind, key)).returning(EphemeralValue.value)
        with self.database.write() as connection:
            return connection.execute(statement).scalar_one_or_none()

    def spend(self, kind: str, value: str, lifetime: timedelta) -> bool:
        with self.database.write() as connection:
            return spend(connection, kind, value, expires_at=self.clock.now() + lifetime)

    def count(self, kind: str, key: str, window: timedelta) -> int:
        number = self._window(window)
        row = {"kind": kind, "key": key, "window": number, "number": 1, "expires_at": self.clock.now() + 2 * window}
        with self.database.write() as connection:
            dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
            statement = dialect.insert(EphemeralCount).values(**row)
            statement = statement.on_conflict_do_update(
                index_elements=["kind", "key", "window"], set_={"number": EphemeralCount.number + 1}
            )
            return int(connection.execute(statement.returning(EphemeralCount.number)).scalar_one())

    def counted(self, kind: str, key: str, window: timedelta) -> int:
        where = (EphemeralCount.kind == kind, EphemeralCount.key == key, EphemeralCount.window == self._window(window))
        with self.database.read() as connection:
            return connection.execute(select(EphemeralCount.number).where(*where)).scalar_one_or_none() or 0

    def forget(self, kind: str, key: str) -> None:
        with self.database.write() as connection:
            connection.execute(delete(EphemeralCount).where(EphemeralCount.kind == kind, EphemeralCount.key == key))

    def check(self) -> None:
        self.database.check()

    def purge(self) -> None:
        now = self.clock.now()
        with self.database.write() as connection:
            connection.execute(delete(EphemeralValue).where(EphemeralValue.expires_at < now))
            connection.execute(delete(EphemeralCount).where(EphemeralCount.expires_at < now))

    def _living(self, kind: str, key: str) -> tuple[ColumnElement[bool], ...]:
        return (EphemeralValue.kind == kind, EphemeralValue.key == key, EphemeralValue.expires_at > self.clock.now())

    def _window(self, window: timedelta) -> int:
        return int(self.clock.now().timestamp() // window.total_seconds())


def open_ephemeral(settings: Settings, database: Database, clock: Clock) -> Ephemeral:
    if not settings.redis_url:
        return DatabaseEphemeral(database, clock)
    from core.ephemeral_redis import open_redis  # noqa: PLC0415 - its client weighs 20 MB in processes without Redis

    return open_redis(settings.redis_url)
