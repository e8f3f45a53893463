"""Within a transaction nobody waits for a second connection, nor for whoever keeps the keys: with every thread writing at
once the pool would be empty for ever, and a token that does not answer would hold every writer.
"""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import Engine, event

from core.assurance import IAL
from core.clock import SetClock
from core.ground import Ground
from enrollment.civil_registry.fictional_people import FictionalPerson
from enrollment.dual_control import Officer
from enrollment.evidence.contact import Contact
from enrollment.recovery_journey import RecoveryJourney
from enrollment.review import Review
from enrollment.services import EnrolmentServices
from keys.counted import CountedSecret
from tests.enrollment.citizen import Citizen
from tests.enrollment.conftest import Provider
from tests.enrollment.test_review import captured, citizen, officers, review

__all__ = ["citizen", "officers", "review"]  # the fixtures of a citizen whom officers raise


@dataclass
class Watched:
    """How many connections each thread holds, and what it asked of the keys meanwhile."""

    thread: threading.local = field(default_factory=threading.local)
    second: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @property
    def held(self) -> int:
        return getattr(self.thread, "held", 0)

    def taken(self, *_arguments: object) -> None:
        if self.held:
            self.second.append("".join(traceback.format_stack(limit=14)))
        self.thread.held = self.held + 1

    def given_back(self, *_arguments: object) -> None:
        self.thread.held = self.held - 1

    def asks(self) -> None:
        if self.held:
            self.asked.append("".join(traceback.format_stack(limit=14)))


@pytest.fixture
def watched(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    """What is kept in custody is counted around every call, so that is where to stand."""
    made, engine = Watched(), ground.database.engine
    assert isinstance(engine, Engine)
    event.listen(engine, "checkout", made.taken)
    event.listen(engine, "checkin", made.given_back)
    for name in ("encrypt", "decrypt", "mac"):
        monkeypatch.setattr(CountedSecret, name, watching(made, getattr(CountedSecret, name)))
    yield made
    assert made.second == [], made.second[0]
    assert made.asked == [], made.asked[0]


def watching(watched: Watched, act):
    def watched_act(secret: CountedSecret, *arguments: bytes) -> bytes:
        watched.asks()
        return act(secret, *arguments)

    return watched_act


def test_a_citizen_enrolls_and_recovers(provider: Provider, person: FictionalPerson, watched: Watched):
    codes = Citizen(person, provider).enrolls()
    RecoveryJourney(provider.services).begin(person.citizen_number, codes[0], source="s", return_to="")


def test_a_citizen_does_not_come_back(provider: Provider, person: FictionalPerson, watched: Watched, clock: SetClock):
    Citizen(person, provider).proves_identity()
    clock.advance(timedelta(hours=2))
    assert provider.services.cases.expire_due() == 1


def test_officers_raise_a_citizen_and_give_access_back(
    review: Review,
    officers: list[Officer],
    citizen: str,
    person: FictionalPerson,
    services: EnrolmentServices,
    watched: Watched,
):
    case_id = captured(review, officers[0], person, new_contact=Contact("email", "new@example.com"))
    review.decide(officers[1], case_id, approve=True, reason="")
    identity = services.accounts.identity(citizen)
    assert identity is not None
    assert identity.ial is IAL.IAL2_1
    assert services.outbox.messages()
