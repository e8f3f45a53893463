"""Entries commit with their act, say from where and why, and the database refuses to change or remove one."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from core.audit import AuditEntry, record
from core.audit_append_only import missing
from core.audit_chain import chain
from core.audit_origin import CURRENT, acting, command_source, pseudonymiser
from core.database import Database
from core.ground import Ground
from core.personal_data import without_personal_data
from tests.core.trail import disarmed, write_entries

pytestmark = pytest.mark.both_backends

CHANGES = {
    "number": 4_000, "id": "another", "at": text("'2020-01-01 00:00:00.000000'"), "event": "x", "actor": "x",
    "subject": "x", "client_id": "x", "reason": "x", "source": "x", "detail": "x", "sequence": 9_000,
    "previous_hash": b"\0" * 32, "entry_hash": b"\0" * 32,
}  # fmt: skip


def entry(connection: Connection):
    return connection.execute(select(AuditEntry.__table__)).mappings().one()


def refused(database: Database, statement) -> bool:
    try:
        with database.write() as connection:
            connection.execute(statement)
    except DBAPIError as error:
        return "append-only" in str(error)
    return False


def test_an_entry_is_not_written_when_its_act_rolls_back(ground: Ground):
    with pytest.raises(ZeroDivisionError), ground.database.write() as connection:
        record(connection, ground.clock, event="test.acted", actor="account")
        raise ZeroDivisionError
    with ground.database.read() as connection:
        assert connection.execute(select(AuditEntry.id)).first() is None


@pytest.mark.parametrize("chained", [True, False])
def test_no_column_of_an_entry_can_be_changed_and_no_entry_removed(ground: Ground, chained: bool):
    write_entries(ground, 2, chained=chained)
    mine = AuditEntry.actor == "account-1"
    for column, value in CHANGES.items():
        assert refused(ground.database, update(AuditEntry).where(mine).values({column: value})), column
    assert refused(ground.database, delete(AuditEntry).where(mine))


def test_no_entry_can_take_a_place_in_the_chain_by_itself(ground: Ground):
    write_entries(ground, 2)
    values = dict.fromkeys(("id", "event", "actor", "subject", "client_id", "reason", "source", "detail"), "x")
    forged = values | {"at": ground.clock.now(), "sequence": 3, "previous_hash": b"\0" * 32, "entry_hash": b"\1" * 32}
    assert refused(ground.database, insert(AuditEntry).values(**forged))


def test_nothing_is_replaced_or_emptied_either(ground: Ground):
    write_entries(ground, 3)
    if ground.database.engine.dialect.name == "postgresql":
        assert refused(ground.database, text("TRUNCATE audit_entry"))
        with ground.database.write() as connection:
            connection.execute(text("SET LOCAL session_replication_role = replica"))
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(delete(AuditEntry))
        return
    write_entries(ground, 1, chained=False)
    columns = "id, at, event, actor, subject, client_id, reason, source, detail"
    replaced = f"REPLACE INTO audit_entry (number, {columns}) SELECT number, {columns} FROM audit_entry"  # noqa: S608
    assert refused(ground.database, text(replaced))
    taken = "UPDATE OR REPLACE audit_entry SET sequence = 2, previous_hash = x'00', entry_hash = x'00' WHERE number = 4"
    assert refused(ground.database, text(taken))


def test_a_trigger_that_is_gone_is_told(ground: Ground):
    with ground.database.read() as connection:
        assert missing(connection) == []
    with disarmed(ground), ground.database.read() as connection:
        assert missing(connection)
    with ground.database.read() as connection:
        assert missing(connection) == []


def test_a_trigger_that_does_nothing_is_told(ground: Ground):
    if ground.database.engine.dialect.name == "sqlite":
        name = "audit_entry_delete"
        statements = [f"DROP TRIGGER {name}", f"CREATE TRIGGER {name} BEFORE DELETE ON audit_entry BEGIN SELECT 1; END"]
    else:
        name, nothing = "audit_entry_rows", "BEGIN RETURN COALESCE(NEW, OLD); END"
        function = "CREATE OR REPLACE FUNCTION audit_entry_is_append_only() RETURNS trigger LANGUAGE plpgsql"
        statements = [f"{function} AS $${nothing}$$"]
    with ground.database.write() as connection:
        for statement in statements:
            connection.execute(text(statement))
        assert name in missing(connection)


def test_an_entry_says_from_where_and_why(ground: Ground):
    with acting("address:0011", "POST /me/devices/add"), ground.database.write() as connection:
        record(connection, ground.clock, event="test.acted", actor="account")
    with ground.database.read() as connection:
        assert (entry(connection)["source"], entry(connection)["reason"]) == ("address:0011", "POST /me/devices/add")


def test_a_reason_that_was_given_is_the_reason(ground: Ground):
    with acting("job", "job keys"), ground.database.write() as connection:
        record(connection, ground.clock, event="test.acted", actor="account", reason="expired")
    with ground.database.read() as connection:
        assert entry(connection)["reason"] == "expired"


def test_what_was_said_before_is_said_again_after_a_call_within():
    with acting("address:1", "GET /outer"):
        with acting("address:2", "GET /inner"):
            pass
        assert CURRENT.get().cause == "GET /outer"


def test_personal_data_in_a_reason_does_not_reach_the_trail(ground: Ground):
    with ground.database.write() as connection:
        record(
            connection, ground.clock, event="test.acted", actor="account",
            reason="บัตร 1-2345-67890-12-1 โทร 081-234-5678 somchai@mail.example",
            detail={"reference": "๑๒๓๔๕๖๗๘๙๐๑๒๓", "uses": 3},
        )  # fmt: skip
        assert entry(connection)["reason"] == "บัตร [citizen number] โทร [telephone] [e-mail]"
        assert json.loads(entry(connection)["detail"]) == {"reference": "[citizen number]", "uses": 3}


@pytest.mark.parametrize(
    "kept",
    ["INV-2026-000123", "urn:prajak:sandbox:aal2", "https://api.example/records/12", "a" * 64, "2026-11-22", "0812"],
)
def test_identifiers_and_words_are_left_as_they_are(kept: str):
    assert without_personal_data(kept) == kept


def test_one_address_has_one_pseudonym_that_does_not_show_it():
    pseudonym = pseudonymiser(b"k" * 32)
    assert pseudonym("192.0.2.7") == pseudonym("::ffff:192.0.2.7") != pseudonym("192.0.2.8")
    assert pseudonym("192.0.2.7") != pseudonymiser(b"l" * 32)("192.0.2.7")
    assert "192.0.2.7" not in pseudonym("192.0.2.7")
    assert pseudonym("no address at all") == pseudonym("")


def test_a_command_is_named_by_the_numbers_of_its_user():
    assert command_source(1000).startswith("command uid=1000")


def test_the_sequencer_takes_what_waits_in_the_order_of_its_writing(ground: Ground):
    write_entries(ground, 5, chained=False)
    with ground.database.write() as connection:
        assert chain(connection) == 5
    with ground.database.read() as connection:
        numbers = select(AuditEntry.number).order_by(AuditEntry.sequence)
        assert list(connection.execute(numbers).scalars()) == [1, 2, 3, 4, 5]
