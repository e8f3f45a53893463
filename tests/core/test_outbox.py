"""A message commits with its act, goes out once, and is tried again when nobody takes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select, text

from core.clock import SetClock
from core.ground import Ground
from core.outbox import GIVE_UP, DeliveryFailed, Message, Outbox, OutboxMessage
from core.sealed_column import Erased

pytestmark = pytest.mark.both_backends


class PlainSeal:
    """Binds text to its row as the envelope does, without a key."""

    erased: frozenset[str] = frozenset()

    def seal(self, plaintext: bytes, *, aad: str) -> bytes:
        return aad.encode() + b"|" + plaintext

    def open(self, sealed: bytes, *, aad: str) -> bytes:
        assert sealed.startswith(aad.encode() + b"|")
        return sealed[len(aad) + 1 :]

    def open_of(self, account_id: str, sealed: bytes, *, aad: str) -> bytes:
        if account_id in self.erased:
            raise Erased(account_id)
        return self.open(sealed, aad=aad)


class Gateway:
    """A mail gateway that is away until it is told to come back."""

    def __init__(self) -> None:
        self.away = False
        self.taken: list[Message] = []

    def deliver(self, message: Message) -> None:
        if self.away:
            raise DeliveryFailed("away")
        self.taken.append(message)


def outbox_with(ground: Ground, gateway: Gateway) -> Outbox:
    return Outbox(ground, PlainSeal(), {"email": gateway.deliver})


def enqueue(ground: Ground, outbox: Outbox, channel: str = "email") -> None:
    with ground.database.write() as connection:
        outbox.enqueue(connection, channel=channel, recipient="a@example", subject="เรื่อง", body="ข้อความ")


def test_a_message_goes_out_once(ground: Ground):
    gateway = Gateway()
    outbox = outbox_with(ground, gateway)
    enqueue(ground, outbox)
    assert outbox.deliver_due() == 1
    assert outbox.deliver_due() == 0
    assert [each.body for each in gateway.taken] == ["ข้อความ"]
    assert outbox.messages()[0].delivered_at is not None


def test_a_message_of_an_act_that_failed_never_goes_out(ground: Ground):
    gateway = Gateway()
    outbox = outbox_with(ground, gateway)
    with pytest.raises(ZeroDivisionError), ground.database.write() as connection:
        outbox.enqueue(connection, channel="email", recipient="a", subject="s", body="b")
        raise ZeroDivisionError
    assert outbox.deliver_due() == 0


def test_a_message_waits_longer_after_each_failure_and_then_goes_out(ground: Ground, clock: SetClock):
    gateway = Gateway()
    gateway.away = True
    outbox = outbox_with(ground, gateway)
    enqueue(ground, outbox)
    for wait in (2, 4, 8):
        assert outbox.deliver_due() == 0
        clock.advance(timedelta(seconds=wait - 1))
        gateway.away = False
        assert outbox.deliver_due() == 0, "before its time"
        gateway.away = True
        clock.advance(timedelta(seconds=1))
    gateway.away = False
    assert outbox.deliver_due() == 1


def test_a_message_that_nobody_takes_for_a_day_is_given_up(ground: Ground, clock: SetClock):
    gateway = Gateway()
    gateway.away = True
    outbox = outbox_with(ground, gateway)
    enqueue(ground, outbox)
    clock.advance(GIVE_UP + timedelta(seconds=1))
    outbox.deliver_due()
    clock.advance(timedelta(days=2))
    gateway.away = False
    assert outbox.deliver_due() == 0


def test_a_channel_without_a_gateway_waits_for_one(ground: Ground):
    outbox = outbox_with(ground, Gateway())
    enqueue(ground, outbox, channel="post")
    assert outbox.deliver_due() == 0
    assert outbox.messages()[0].delivered_at is None


@dataclass(frozen=True)
class Person:
    id: str


@dataclass(frozen=True)
class PersonsKey:
    owner: Person

    def seal(self, plaintext: bytes, *, aad: str) -> bytes:
        return PlainSeal().seal(plaintext, aad=aad)


def enqueue_about(ground: Ground, outbox: Outbox, account_id: str) -> None:
    with ground.database.write() as connection:
        letter = {"channel": "email", "recipient": "a@example", "subject": "s", "body": account_id}
        outbox.enqueue(connection, **letter, key=PersonsKey(Person(account_id)))


def test_a_letter_to_somebody_erased_since_is_given_up_and_others_go_out(ground: Ground):
    gateway = Gateway()
    outbox = outbox_with(ground, gateway)
    for account_id in ("somchai", "malee"):
        enqueue_about(ground, outbox, account_id)
    outbox.seal.erased = frozenset({"somchai"})
    assert outbox.deliver_due() == 1
    assert [each.body for each in gateway.taken] == ["malee"]
    assert [each.body for each in outbox.messages()] == ["malee"]
    with ground.database.read() as connection:
        given_up = select(OutboxMessage.account_id).where(OutboxMessage.given_up_at.is_not(None))
        assert connection.execute(given_up).scalars().all() == ["somchai"]


def test_who_is_erased_leaves_no_letter_behind(ground: Ground):
    outbox = outbox_with(ground, Gateway())
    for account_id in ("somchai", "malee"):
        enqueue_about(ground, outbox, account_id)
    with ground.database.write() as connection:
        assert outbox.erase(connection, "somchai") == 1
    assert [each.body for each in outbox.messages()] == ["malee"]


def test_what_is_due_is_found_by_an_index_of_what_waits(ground: Ground):
    """A week's delivered messages are not walked four times a second."""
    asked: list[tuple[str, Any]] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        asked.append((statement, parameters))

    event.listen(ground.database.engine, "before_cursor_execute", note)
    Outbox(ground, PlainSeal(), {"email": lambda _message: None}).deliver_due()
    statement, parameters = asked[-1]
    with ground.database.read() as connection:
        is_sqlite = connection.dialect.name == "sqlite"
        if not is_sqlite:
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # an empty table is walked otherwise
        plan = connection.exec_driver_sql(f"EXPLAIN {'QUERY PLAN ' * is_sqlite}{statement}", parameters).all()
    assert "ix_outbox_message_waiting" in str(plan)
