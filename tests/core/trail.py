"""Trails for tests, and what somebody can do who owns the database: take the triggers away and write what they like."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text

from core.audit import record
from core.audit_append_only import POSTGRESQL_TRIGGERS, SQLITE
from core.audit_chain import chain
from core.ground import Ground


def write_entries(ground: Ground, number: int, *, chained: bool = True) -> None:
    with ground.database.write() as connection:
        for each in range(number):
            record(
                connection, ground.clock, event="test.acted", actor=f"account-{each}", subject="ผู้ใช้", reason="why",
                detail={"number": each, "name": "ก"},
            )  # fmt: skip
    if chained:
        with ground.database.write() as connection:
            while chain(connection):
                pass


@contextmanager
def disarmed(ground: Ground) -> Iterator[None]:
    """Without the triggers, as a database's owner can be."""
    is_sqlite = ground.database.engine.dialect.name == "sqlite"
    with ground.database.write() as connection:
        for name in SQLITE if is_sqlite else POSTGRESQL_TRIGGERS:
            table = name.rpartition("_")[0]
            connection.execute(
                text(f"DROP TRIGGER {name}" if is_sqlite else f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            )
    yield
    with ground.database.write() as connection:
        for statement in SQLITE.values() if is_sqlite else ():
            connection.execute(text(statement))
        for name in () if is_sqlite else POSTGRESQL_TRIGGERS:
            connection.execute(text(f"ALTER TABLE {name.rpartition('_')[0]} ENABLE ALWAYS TRIGGER {name}"))
