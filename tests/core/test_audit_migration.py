"""A trail that began before this version is carried over: it verifies, is append-only, and goes on."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alembic import command
from sqlalchemy import text, update

from core.audit import AuditEntry, record
from core.audit_append_only import missing
from core.audit_chain import GENESIS, chain, entries, first_edition_hash
from core.audit_verify import verify_chain
from core.database import open_database
from core.ground import Ground
from core.migration import configuration, differences, upgrade
from idp.app import METADATA

BEFORE = "0002"


def test_an_older_trail_is_carried_over(ground: Ground, tmp_path):
    database = open_database(replace(ground.settings, database_url=f"sqlite:///{tmp_path}/older.db"))
    with database.write() as connection:
        command.upgrade(configuration(connection, METADATA), BEFORE)
    with database.write() as connection:
        for number in range(3):
            record(connection, ground.clock, event="test.acted", actor=f"account-{number}")
    with database.write() as connection:
        previous = GENESIS
        chain(connection)
        for entry in list(entries(connection)):  # as that version did
            digest = first_edition_hash(previous, entry)
            mine = update(AuditEntry).where(AuditEntry.number == entry.number)
            connection.execute(mine.values(previous_hash=previous, entry_hash=digest))
            previous = digest
        assert missing(connection)

    upgrade(database, METADATA)
    assert differences(database, METADATA) == []
    with database.write() as connection:
        assert missing(connection) == []
        record(connection, ground.clock, event="test.acted", actor="account-3")
        chain(connection)
        assert verify_chain(connection) is None
        with pytest.raises(Exception, match="append-only"):
            connection.execute(text("DELETE FROM audit_entry"))
    database.close()
