"""One insert, one winner: on both back ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core.ground import Ground
from core.one_time import is_spent, purge_spent, spend

pytestmark = pytest.mark.both_backends


def test_of_fifty_parallel_spenders_exactly_one_wins(ground: Ground):
    expires_at = ground.clock.now() + timedelta(minutes=1)

    def attempt(_: int) -> bool:
        with ground.database.write() as connection:
            return spend(connection, "code", "the same", expires_at=expires_at)

    with ThreadPoolExecutor(max_workers=8) as threads:
        assert sum(threads.map(attempt, range(50))) == 1


def test_a_thing_is_not_spent_when_its_act_rolls_back(ground: Ground):
    expires_at = ground.clock.now() + timedelta(minutes=1)
    with pytest.raises(ZeroDivisionError), ground.database.write() as connection:
        assert spend(connection, "code", "value", expires_at=expires_at)
        raise ZeroDivisionError
    with ground.database.write() as connection:
        assert spend(connection, "code", "value", expires_at=expires_at)


def test_what_is_spent_is_kept_until_it_would_have_expired(ground: Ground):
    now = ground.clock.now()
    with ground.database.write() as connection:
        spend(connection, "code", "value", expires_at=now + timedelta(minutes=1))
        assert purge_spent(connection, now + timedelta(seconds=59)) == 0
        assert is_spent(connection, "code", "value")
        assert purge_spent(connection, now + timedelta(seconds=61)) == 1
        assert not is_spent(connection, "code", "value")
