"""The time, given to everyone who needs it: UTC, to the microsecond, never naive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class SetClock:
    """A clock that stands until it is moved: for tests and for validating "as of" a time."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def advance(self, by: timedelta) -> None:
        self.at += by


def timestamp(moment: datetime) -> int:
    """RFC 7519 section 2: NumericDate, seconds since the epoch."""
    return int(moment.timestamp())
