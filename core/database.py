"""One database, SQLite in WAL mode or PostgreSQL, and the two ways to use it: read, and write in one transaction.

SQLite writers begin with BEGIN IMMEDIATE: a transaction that reads first and writes later would otherwise fail
with SQLITE_BUSY_SNAPSHOT when another writer came between.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session

from core.settings import Settings

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


ROWCOUNT = {"preserve_rowcount": True}  # or an INSERT's rowcount is -1 on PostgreSQL, and nobody ever wins


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC time in Python; `timestamptz` in PostgreSQL, UTC text in SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """Reads see one snapshot; writes are one transaction that commits whole or not at all.

    `beforehand`: what a transaction may have to know (the keys in use) is learned before it has its connection. Asked
    within, every thread at once would hold one connection and wait for a second, and the pool would have none.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.beforehand: list[Callable[[], None]] = []
        self._thread = threading.local()

    @property
    def is_held(self) -> bool:
        """Whether this thread has a connection now."""
        return bool(getattr(self._thread, "depth", 0))

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A connection for queries; whatever is written through it is rolled back."""
        with self._holding(), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction: commits at the end of the block, rolls back when it raises."""
        with (
            self._holding(),
            self.engine.connect().execution_options(prajak_write=True) as connection,
            connection.begin(),
        ):
            yield connection

    @contextmanager
    def session(self) -> Iterator[Session]:
        """The ORM over one writing transaction; `session.connection()` is the one `write` would give."""
        with self.write() as connection, Session(bind=connection, expire_on_commit=False) as session:
            yield session
            session.flush()

    def check(self) -> None:
        with self.read() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _holding(self) -> Iterator[None]:
        depth = getattr(self._thread, "depth", 0)
        self._thread.depth = depth + 1  # what is learned beforehand reads, too, and learns nothing for that
        try:
            if not depth:
                for learn in self.beforehand:
                    learn()
            yield
        finally:
            self._thread.depth = depth


def open_database(settings: Settings) -> Database:
    """Opens what `PRAJAK_DATABASE_URL` names: `sqlite:///PATH` or `postgresql+psycopg://…`."""
    url = make_url(settings.database_url)
    if url.get_backend_name() == "sqlite":
        return Database(sqlite_engine(settings))
    return Database(postgresql_engine(settings))


def sqlite_engine(settings: Settings) -> Engine:
    url = make_url(settings.database_url)
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url,
        execution_options=ROWCOUNT,
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=settings.database_connect_timeout.total_seconds(),
        connect_args={"timeout": settings.database_connect_timeout.total_seconds(), "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver must not begin transactions of its own
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("prajak_write")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def postgresql_engine(settings: Settings) -> Engine:
    milliseconds = int(settings.database_statement_timeout.total_seconds() * 1000)
    return create_engine(
        settings.database_url,
        execution_options=ROWCOUNT,
        pool_size=settings.database_pool,
        max_overflow=0,
        pool_timeout=settings.database_connect_timeout.total_seconds(),
        pool_pre_ping=True,
        connect_args={
            "connect_timeout": int(settings.database_connect_timeout.total_seconds()),
            "options": f"-c statement_timeout={milliseconds} -c timezone=UTC",
        },
    )
