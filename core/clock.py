"""The time, given to everyone who needs it: UTC, to the microsecond, never naive."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...

    def since_boot(self) -> timedelta:
        """Goes on when the machine sleeps, and is not moved when somebody sets the clock."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)

    def since_boot(self) -> timedelta:
        return timedelta(microseconds=time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000)


class SetClock:
    """A clock that stands until it is moved: for tests and for validating "as of" a time."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.elapsed = timedelta(0)

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by
        self.elapsed += by

    def since_boot(self) -> timedelta:
        return self.elapsed

    def step(self, by: timedelta) -> None:
        """Somebody sets the clock; no time passes."""
        self.at += by


def timestamp(moment: datetime) -> int:
    """RFC 7519 section 2: NumericDate, seconds since the epoch."""
    return int(moment.timestamp())
