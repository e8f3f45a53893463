"""A log in which the beginning and the end of a failure can be found."""

from __future__ import annotations

from structlog.testing import capture_logs

from core.errors import PrajakError
from core.failures import TOLD_AGAIN, Failures


class Hand:
    """A monotonic clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_a_failure_is_told_when_it_begins_each_ten_minutes_and_when_it_is_over():
    hand = Hand()
    failures, away = Failures("part_does_not_answer", "part", hand), PrajakError("it is away")
    with capture_logs() as told:
        failures.works("keys")
        failures.failed("keys", away)
        failures.failed("keys", away)
        hand.seconds = TOLD_AGAIN
        failures.failed("keys", away)
        failures.works("keys")
        failures.works("keys")
    lasting = {"event": "part_does_not_answer", "part": "keys", "why": "it is away", "log_level": "warning"}
    assert told == [lasting, lasting, {"event": "works_again", "part": "keys", "log_level": "warning"}]


def test_another_kind_of_failure_and_another_part_are_told_at_once():
    failures, fault = Failures("job_failed", "job"), ZeroDivisionError("ours")
    with capture_logs() as told:
        failures.failed("purge", PrajakError("the database is away"))
        failures.failed("purge", fault)
        failures.failed("outbox", fault)
    assert [(each["job"], each["log_level"]) for each in told] == [
        ("purge", "warning"), ("purge", "error"), ("outbox", "error"),
    ]  # fmt: skip
    assert told[1]["exc_info"] is fault
