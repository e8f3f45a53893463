"""The trail is chained after the act, and a changed, missing or reordered entry is named."""

from __future__ import annotations

import pytest
from sqlalchemy import delete, select, update

from core.audit import AuditEntry, chain, record, verify_chain
from core.ground import Ground

pytestmark = pytest.mark.both_backends


def write_entries(ground: Ground, number: int) -> None:
    with ground.database.write() as connection:
        for each in range(number):
            record(connection, ground.clock, event="test.acted", actor=f"account-{each}", detail={"number": each})
    with ground.database.write() as connection:
        assert chain(connection) == number


def broken(ground: Ground) -> int | None:
    with ground.database.read() as connection:
        found = verify_chain(connection)
    return found.sequence if found else None


def test_an_untouched_trail_verifies(ground: Ground):
    write_entries(ground, 5)
    write_entries(ground, 3)
    assert broken(ground) is None


def test_an_entry_is_not_written_when_its_act_rolls_back(ground: Ground):
    with pytest.raises(ZeroDivisionError), ground.database.write() as connection:
        record(connection, ground.clock, event="test.acted", actor="account")
        raise ZeroDivisionError
    with ground.database.read() as connection:
        assert connection.execute(select(AuditEntry.id)).first() is None


@pytest.mark.parametrize("column", ["event", "actor", "subject", "client_id", "reason", "source", "detail"])
def test_a_changed_entry_is_named(ground: Ground, column: str):
    write_entries(ground, 5)
    with ground.database.write() as connection:
        connection.execute(update(AuditEntry).where(AuditEntry.sequence == 3).values({column: "changed"}))
    assert broken(ground) == 3


def test_a_removed_entry_is_named(ground: Ground):
    write_entries(ground, 5)
    with ground.database.write() as connection:
        connection.execute(delete(AuditEntry).where(AuditEntry.sequence == 2))
    assert broken(ground) == 2


def test_an_entry_whose_hash_was_recomputed_breaks_the_next_one(ground: Ground):
    write_entries(ground, 5)
    with ground.database.write() as connection:
        connection.execute(update(AuditEntry).where(AuditEntry.sequence == 3).values(entry_hash=b"\0" * 32))
    assert broken(ground) == 3
