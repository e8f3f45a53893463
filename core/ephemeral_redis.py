"""Short-lived values and counters in Redis or Valkey. Expiry is the server's clock."""

from __future__ import annotations

from datetime import timedelta
from typing import cast

import redis

from core.errors import Unavailable


class RedisEphemeral:
    """`core.ephemeral.Ephemeral` over one client, which is safe between threads."""

    def __init__(self, client: redis.Redis) -> None:
        self.client = client

    def put(self, kind: str, key: str, value: bytes, lifetime: timedelta) -> None:
        with redis_answers():
            self.client.set(name(kind, key), value, px=lifetime)

    def get(self, kind: str, key: str) -> bytes | None:
        with redis_answers():
            return cast("bytes | None", self.client.get(name(kind, key)))

    def take(self, kind: str, key: str) -> bytes | None:
        with redis_answers():
            return cast("bytes | None", self.client.getdel(name(kind, key)))

    def spend(self, kind: str, value: str, lifetime: timedelta) -> bool:
        with redis_answers():
            return bool(self.client.set(name(kind, value), b"", px=lifetime, nx=True))

    def count(self, kind: str, key: str, window: timedelta) -> int:
        with redis_answers(), self.client.pipeline(transaction=True) as pipeline:
            pipeline.incr(name("count:" + kind, key))
            pipeline.expire(name("count:" + kind, key), window, nx=True)
            return int(pipeline.execute()[0])

    def counted(self, kind: str, key: str, window: timedelta) -> int:  # noqa: ARG002 - its expiry is the window
        with redis_answers():
            return int(cast("bytes | None", self.client.get(name("count:" + kind, key))) or 0)

    def forget(self, kind: str, key: str) -> None:
        with redis_answers():
            self.client.delete(name("count:" + kind, key))

    def check(self) -> None:
        with redis_answers():
            self.client.ping()


class redis_answers:  # noqa: N801 - reads as a sentence at its use
    """Turns every failure of the store into Unavailable: a limiter that cannot count must not let pass."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError):
            raise Unavailable("The service is busy. Nothing was lost; please try again in a moment.") from error


def name(kind: str, key: str) -> str:
    return f"prajak:{kind}:{key}"


def open_redis(url: str) -> RedisEphemeral:
    return RedisEphemeral(redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1))
