"""Whatever is done to a stored trail is found, and the first broken entry is named."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Barrier, Thread

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError

from core.audit import AuditEntry
from core.audit_chain import (
    GENESIS,
    TwoSequencers,
    chain,
    entries,
    entry_hash,
    first_edition_hash,
    head,
    waiting,
)
from core.audit_verify import Mark, Walk, stored_entries, verify_chain
from core.ground import Ground
from tests.core.trail import disarmed, write_entries

COLUMNS = ("number", "id", "at", "event", "actor", "subject", "client_id", "reason", "source", "detail", "sequence")
TEXTS = ("id", "event", "actor", "subject", "client_id", "reason", "source", "detail")
STEADY = settings(max_examples=200, suppress_health_check=[HealthCheck.filter_too_much])


def broken(ground: Ground, marks=()) -> int | None:
    with ground.database.read() as connection:
        found = verify_chain(connection, marks)
    return found.sequence if found else None


def tamper(ground: Ground, statement) -> None:
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(statement)


@pytest.mark.both_backends
def test_an_untouched_trail_verifies(ground: Ground):
    write_entries(ground, 5)
    write_entries(ground, 3)
    assert broken(ground) is None
    with ground.database.read() as connection:
        walked = Walk().over(stored_entries(connection))
        assert (walked.entries, walked.sequence, walked.head) == (8, *head(connection))


@pytest.mark.both_backends
def test_every_column_is_under_the_hash(ground: Ground):
    write_entries(ground, 5)
    changes = dict.fromkeys(TEXTS, "changed") | {
        "number": 77, "at": text("'2020-01-01 00:00:00.000000'"), "previous_hash": b"\0" * 32, "entry_hash": b"\0" * 32,
    }  # fmt: skip
    table = AuditEntry.__table__
    assert set(changes) | {"sequence"} == {column.name for column in table.columns}
    with disarmed(ground):
        for column, value in changes.items():
            where = AuditEntry.sequence == 3
            with ground.database.write() as connection:
                before = connection.execute(select(table.c[column]).where(where)).scalar_one()
                connection.execute(update(AuditEntry).where(where).values({column: value}))
            assert broken(ground) == 3, column
            with ground.database.write() as connection:
                connection.execute(update(AuditEntry).where(where).values({column: before}))
            assert broken(ground) is None, column


@pytest.mark.both_backends
@pytest.mark.parametrize("sequence", [1, 2, 4])
def test_a_removed_entry_is_named(ground: Ground, sequence: int):
    write_entries(ground, 5)
    tamper(ground, delete(AuditEntry).where(AuditEntry.sequence == sequence))
    assert broken(ground) == sequence


@pytest.mark.both_backends
def test_an_entry_put_where_no_place_is_is_found(ground: Ground):
    write_entries(ground, 3)
    write_entries(ground, 1, chained=False)
    tamper(ground, update(AuditEntry).where(AuditEntry.sequence.is_(None)).values(sequence=-5, entry_hash=b"\0" * 32))
    assert broken(ground) == 1


@pytest.mark.both_backends
def test_an_entry_whose_hash_was_recomputed_breaks_the_next_one(ground: Ground):
    write_entries(ground, 5)
    with ground.database.read() as connection:
        third = list(entries(connection))[2]
    forged = third._replace(actor="somebody-else")
    values = {"actor": "somebody-else", "entry_hash": entry_hash(third.previous_hash, forged)}
    tamper(ground, update(AuditEntry).where(AuditEntry.sequence == 3).values(**values))
    assert broken(ground) == 4


def rebuilt(ground: Ground, sequence: int) -> None:
    """The strongest attack inside: one entry changed, and every hash after it computed anew."""
    with disarmed(ground), ground.database.write() as connection:
        connection.execute(update(AuditEntry).where(AuditEntry.sequence == sequence).values(actor="somebody-else"))
        previous = GENESIS
        for entry in list(entries(connection)):
            digest = entry_hash(previous, entry)
            mine = update(AuditEntry).where(AuditEntry.sequence == entry.sequence)
            connection.execute(mine.values(previous_hash=previous, entry_hash=digest))
            previous = digest


@pytest.mark.both_backends
def test_a_chain_that_was_computed_anew_fits_itself_and_not_what_was_seen(ground: Ground):
    write_entries(ground, 9)
    with ground.database.read() as connection:
        seen = [Mark(each.sequence, each.entry_hash, "a checkpoint") for each in entries(connection)][2::3]
    rebuilt(ground, 5)
    assert broken(ground) is None
    with ground.database.read() as connection:
        found = verify_chain(connection, seen)
    assert found is not None
    assert found.sequence == 4
    assert "entries 4 to 6" in found.why


@pytest.mark.both_backends
def test_a_trail_that_was_cut_off_is_shorter_than_what_was_seen(ground: Ground):
    write_entries(ground, 6)
    with ground.database.read() as connection:
        seen = Mark(*head(connection), "a checkpoint")
    tamper(ground, delete(AuditEntry).where(AuditEntry.sequence > 4))
    assert broken(ground) is None
    assert broken(ground, [seen]) == 5


def test_a_walk_can_begin_where_another_ended(ground: Ground):
    write_entries(ground, 6)
    with ground.database.read() as connection:
        third = list(entries(connection))[2]
        walked = Walk(after=3, head=third.entry_hash).over(stored_entries(connection, after=3))
        assert (walked.broken, walked.entries, walked.sequence) == (None, 3, 6)
        assert Walk(after=3, head=GENESIS).over(stored_entries(connection, after=3)).broken is not None


@pytest.mark.both_backends
def test_a_trail_that_began_in_the_first_edition_still_verifies_and_nothing_goes_back_to_it(ground: Ground):
    write_entries(ground, 4)
    with disarmed(ground), ground.database.write() as connection:
        previous = GENESIS
        for entry in list(entries(connection)):
            digest = (first_edition_hash if entry.sequence < 3 else entry_hash)(previous, entry)
            mine = update(AuditEntry).where(AuditEntry.sequence == entry.sequence)
            connection.execute(mine.values(previous_hash=previous, entry_hash=digest))
            previous = digest
    assert broken(ground) is None
    with ground.database.read() as connection:
        last = list(entries(connection))[-1]
    old = first_edition_hash(last.previous_hash, last)
    tamper(ground, update(AuditEntry).where(AuditEntry.sequence == 4).values(entry_hash=old))
    assert broken(ground) == 4


def test_a_time_that_only_reads_the_same_is_a_changed_entry(ground: Ground):
    write_entries(ground, 2)
    tamper(ground, text("UPDATE audit_entry SET at = replace(at, ' ', 'T') WHERE sequence = 2"))
    assert broken(ground) == 2


def test_no_byte_of_a_stored_column_can_change_unseen(ground: Ground):
    """SQLite stores what it is given: text that is no text, bytes where text belongs, another kind of number."""
    write_entries(ground, 4)

    @STEADY
    @given(
        sequence=st.integers(1, 4), column=st.sampled_from([*COLUMNS, "previous_hash", "entry_hash"]),
        place=st.integers(0, 63), flipped=st.integers(1, 255), kind=st.sampled_from(["TEXT", "BLOB"]),
    )  # fmt: skip
    def tampered(sequence: int, column: str, place: int, flipped: int, kind: str) -> None:
        with ground.database.write() as connection:
            read = f"SELECT CAST(CAST({column} AS BLOB) AS BLOB) FROM audit_entry WHERE sequence = {sequence}"  # noqa: S608
            data = bytearray(connection.exec_driver_sql(read).scalar_one() or b"?")
            data[place % len(data)] ^= flipped
            write = f"UPDATE audit_entry SET {column} = CAST(? AS {kind}) WHERE sequence = {sequence}"  # noqa: S608
            try:
                connection.exec_driver_sql(write, (bytes(data),))
            except IntegrityError:  # the column takes no such value
                reject()
            found = verify_chain(connection)
            connection.rollback()
        assert found is not None
        assert found.sequence == sequence or column == "sequence"

    with disarmed(ground):
        tampered()
    assert broken(ground) is None


def test_no_byte_of_the_file_s_own_records_can_change_unseen(ground: Ground):
    """As a program that edits the file would do it, past the database: also where an index holds a copy."""
    write_entries(ground, 3)
    with ground.database.read() as connection:
        second = list(entries(connection))[1]
    ground.database.close()
    path = Path(str(make_url(ground.settings.database_url).database))
    with sqlite3.connect(path) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()
    honest = path.read_bytes()
    places = [place for place in range(len(honest)) if honest.startswith(second.id.encode(), place)]
    assert len(places) > 1, "the table, and the index of its uniqueness"
    for place in places:
        for offset in range(len(second.id)):
            changed = bytearray(honest)
            changed[place + offset] ^= 0x01
            path.write_bytes(changed)
            assert broken(ground) is not None, (place, offset)
            ground.database.close()
    path.write_bytes(honest)
    assert broken(ground) is None


@pytest.mark.both_backends
def test_of_two_sequencers_at_once_each_entry_gets_one_place(ground: Ground):
    """A lease can be lost in the middle of the work: the condition and uniqueness decide, nothing is written twice."""
    write_entries(ground, 400, chained=False)
    barrier, failures = Barrier(4), []

    def sequencer() -> None:
        barrier.wait()
        for _ in range(3):
            try:
                with ground.database.write() as connection:
                    chain(connection)
            except (TwoSequencers, IntegrityError, OperationalError) as error:
                failures.append(error)

    threads = [Thread(target=sequencer) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert broken(ground) is None
    with ground.database.read() as connection:
        assert head(connection)[0] == 400
        assert waiting(connection).count == 0


@pytest.mark.both_backends
def test_what_waits_is_counted_with_its_age(ground: Ground):
    with ground.database.read() as connection:
        assert (waiting(connection).count, waiting(connection).oldest_at) == (0, None)
    write_entries(ground, 3, chained=False)
    with ground.database.read() as connection:
        assert (waiting(connection).count, waiting(connection).oldest_at) == (3, ground.clock.now())
