"""Two people for what cannot be undone: whoever asks does not decide alone, and what was agreed to happens once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from core.errors import NotAllowed, PersonError
from keys import two_person
from keys.errors import NotAgreed
from keys.two_person import COMMAND, LIFETIME, Act, Outcome

SUBJECT = "kid-of-a-key"


@pytest.fixture
def table(ground):
    return Table(ground)


class Table:
    """Each call in a transaction of its own, as rooms use it."""

    def __init__(self, ground):
        self.ground = ground

    def ask(self, by="anong", detail=""):
        with self.ground.database.write() as connection:
            approval_id = two_person.ask(
                connection, self.ground.clock, Act.DESTROY_KEY, SUBJECT, by=by, reason="replaced", detail=detail
            )
            return two_person.load(connection, approval_id)

    def agree(self, asked, by):
        with self.ground.database.write() as connection:
            return two_person.agree(connection, self.ground.clock, asked, by=by)

    def refuse(self, asked, by, reason="no"):
        with self.ground.database.write() as connection:
            two_person.refuse(connection, self.ground.clock, asked, by=by, reason=reason)

    def spend(self, subject=SUBJECT, act=Act.DESTROY_KEY, detail=""):
        with self.ground.database.write() as connection:
            return two_person.spend(connection, self.ground.clock, act, subject, detail=detail)

    def load(self, asked):
        with self.ground.database.read() as connection:
            return two_person.load(connection, asked.id)


def test_what_one_asks_for_and_another_agrees_to_is_done_once(table):
    asked = table.ask()
    assert table.agree(asked, "boon")
    spent = table.spend()
    assert (spent.first_by, spent.second_by) == ("anong", "boon")
    with pytest.raises(NotAgreed):
        table.spend()
    assert table.load(asked).outcome is Outcome.DONE


def test_nothing_is_done_before_the_second_agrees(table):
    with pytest.raises(NotAgreed, match="two people must agree first"):
        table.spend()
    table.ask()
    with pytest.raises(NotAgreed):
        table.spend()


def test_who_asked_does_not_agree(table):
    with pytest.raises(NotAllowed, match="Another person must agree"):
        table.agree(table.ask(by="anong"), "anong")


def test_what_the_shell_asks_for_needs_two_accounts(table):
    asked = table.ask(by=COMMAND)
    assert not table.agree(asked, "anong")
    with pytest.raises(NotAgreed):
        table.spend()
    with pytest.raises(PersonError):
        table.agree(asked, "anong")  # as a page shown before would send it
    with pytest.raises(NotAllowed):
        table.agree(table.load(asked), "anong")
    assert table.agree(asked, "boon")
    assert table.spend().first_by == "anong"


def test_the_shell_itself_agrees_to_nothing(table):
    with pytest.raises(NotAllowed):
        table.agree(table.ask(by="anong"), COMMAND)


@pytest.mark.parametrize("other", [{"subject": "other"}, {"act": Act.ERASE_PERSON}, {"detail": "other"}])
def test_only_what_was_agreed_to_is_done(table, other):
    table.agree(table.ask(detail="sha-256"), "boon")
    with pytest.raises(NotAgreed):
        table.spend(**({"detail": "sha-256"} | other))
    assert table.spend(detail="sha-256").detail == "sha-256"


def test_an_agreement_ends_with_its_time_and_can_be_asked_for_again(table, clock):
    asked = table.ask()
    table.agree(asked, "boon")
    clock.advance(LIFETIME)
    with pytest.raises(NotAgreed):
        table.spend()
    again = table.ask(by="boon")
    assert again.id != asked.id
    assert table.load(asked).outcome is Outcome.EXPIRED


def test_nobody_agrees_too_late(table, clock):
    asked = table.ask()
    clock.advance(LIFETIME)
    with pytest.raises(PersonError, match="its time is over"):
        table.agree(asked, "boon")
    with pytest.raises(PersonError, match="its time is over"):
        table.refuse(asked, "boon")


def test_it_is_asked_for_once_at_a_time_and_with_a_reason(table, ground):
    table.ask()
    with pytest.raises(PersonError, match="asked for already"):
        table.ask(by="boon")
    with pytest.raises(PersonError, match="Say why"), ground.database.write() as connection:
        two_person.ask(connection, ground.clock, Act.DESTROY_KEY, "other", by="anong", reason=" ")


def test_a_refusal_closes_it_and_who_asked_takes_it_back(table):
    asked = table.ask()
    with pytest.raises(PersonError, match="Say why"):
        table.refuse(asked, "boon", " ")
    table.refuse(asked, "boon")
    assert table.load(asked).outcome is Outcome.REFUSED
    with pytest.raises(PersonError):
        table.agree(asked, "kaew")
    again = table.ask()
    table.refuse(again, "anong", "")
    assert table.load(again).outcome is Outcome.WITHDRAWN


def test_an_agreement_can_be_taken_back_until_it_is_spent(table):
    asked = table.ask()
    table.agree(asked, "boon")
    table.refuse(asked, "kaew")
    with pytest.raises(NotAgreed):
        table.spend()


def test_every_step_is_in_the_audit_trail_with_its_actor(table, ground):
    table.agree(table.ask(), "boon")
    table.spend()
    with ground.database.read() as connection:
        columns = (AuditEntry.event, AuditEntry.actor, AuditEntry.subject)
        rows = connection.execute(select(*columns).order_by(AuditEntry.number))
        assert [tuple(row) for row in rows] == [
            ("two-person.asked", "anong", SUBJECT),
            ("two-person.agreed", "boon", SUBJECT),
            ("two-person.done", "boon", SUBJECT),
        ]


@pytest.mark.both_backends
def test_of_many_who_agree_at_once_two_count_and_one_spends(table):
    """The shell asked: two of the six are needed, and the act happens once whoever is told that it may."""
    asked, names = table.ask(by=COMMAND), [f"administrator-{number}" for number in range(6)]
    together = Barrier(len(names))

    def act(name):
        together.wait()
        try:
            return name if table.agree(asked, name) else ""
        except PersonError:
            return None

    def spend(_name):
        try:
            return table.spend().second_by
        except NotAgreed:
            return None

    with ThreadPoolExecutor(len(names)) as pool:
        seconds = [name for name in pool.map(act, names) if name]
        spent = [name for name in pool.map(spend, names) if name]
    row = table.load(asked)
    assert seconds == spent == [row.second_by]
    assert row.first_by in names
    assert row.first_by != row.second_by
    assert row.closed_at - row.asked_at == timedelta()
