"""The same behaviour from the database and from Redis."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis

from core.ephemeral_redis import RedisEphemeral
from core.errors import Unavailable
from core.ground import Ground

pytestmark = pytest.mark.both_backends
MINUTE = timedelta(minutes=1)


def test_a_value_is_taken_once_by_one_of_many(ground: Ground):
    ground.ephemeral.put("challenge", "key", b"value", MINUTE)
    with ThreadPoolExecutor(max_workers=8) as threads:
        taken = list(threads.map(lambda _: ground.ephemeral.take("challenge", "key"), range(20)))
    assert sorted(each for each in taken if each) == [b"value"]


def test_a_value_put_again_replaces_the_one_before(ground: Ground):
    ground.ephemeral.put("kind", "key", b"one", MINUTE)
    ground.ephemeral.put("kind", "key", b"two", MINUTE)
    assert ground.ephemeral.get("kind", "key") == b"two"
    assert ground.ephemeral.get("other", "key") is None


def test_a_jti_is_spent_once_across_threads(ground: Ground):
    with ThreadPoolExecutor(max_workers=8) as threads:
        wins = list(threads.map(lambda _: ground.ephemeral.spend("jti", "one", MINUTE), range(30)))
    assert sum(wins) == 1


def test_a_counter_counts_every_one_of_parallel_calls(ground: Ground):
    with ThreadPoolExecutor(max_workers=8) as threads:
        counts = list(threads.map(lambda _: ground.ephemeral.count("tries", "key", MINUTE), range(30)))
    assert sorted(counts) == list(range(1, 31))
    assert ground.ephemeral.counted("tries", "key", MINUTE) == 30
    ground.ephemeral.forget("tries", "key")
    assert ground.ephemeral.counted("tries", "key", MINUTE) == 0


def test_a_limiter_whose_store_is_away_fails_closed():
    away = RedisEphemeral(redis.Redis(port=1, socket_connect_timeout=0.2, retry=None))
    with pytest.raises(Unavailable):
        away.count("tries", "key", MINUTE)
    away.client.close()
