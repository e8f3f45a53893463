"""Throttles: so many in a window, and growing delays after failures.

A key names the account *and* the source, so that an outsider who fails on purpose locks out himself and not the
citizen (SP 800-63B section 3.2.2). Counters are in `core/ephemeral.py` and fail closed.
"""

from __future__ import annotations

from datetime import timedelta

from core.errors import TooMany
from core.ground import Ground

FREE_FAILURES = 10  # consecutive failures before the first delay
HARD_STOP = 100  # SP 800-63B section 3.2.2
FAILURES_KEPT = timedelta(days=1)
LONGEST_DELAY = timedelta(hours=1)
FIRST_DELAY = timedelta(seconds=30)


class Throttle:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def check(self, kind: str, key: str, *, limit: int, window: timedelta) -> None:
        """Counts this one; raises TooMany when there were more than `limit` in the window."""
        if self.ground.ephemeral.count(kind, key, window) > limit:
            raise too_many(window)

    def check_count(self, kind: str, key: str, *, limit: int, window: timedelta) -> None:
        """Raises TooMany where `check` did in this window, and counts nothing: else the difference tells."""
        if self.ground.ephemeral.counted(kind, key, window) > limit:
            raise too_many(window)

    def check_failures(self, kind: str, key: str) -> None:
        """Raises TooMany while a delay after earlier failures runs. Call it before looking at the secret."""
        if self.ground.ephemeral.counted(kind, key, FAILURES_KEPT) >= HARD_STOP:
            raise too_many(FAILURES_KEPT)
        if self.ground.ephemeral.get(kind + ":delay", key) is not None:
            raise too_many(FIRST_DELAY)

    def failed(self, kind: str, key: str) -> None:
        """Counts a failure; from the tenth on each doubles the delay. In its own transaction, before the refusal."""
        failures = self.ground.ephemeral.count(kind, key, FAILURES_KEPT)
        if failures >= FREE_FAILURES:
            doublings = min(failures - FREE_FAILURES, 20)
            delay = min(FIRST_DELAY * 2**doublings, LONGEST_DELAY)
            self.ground.ephemeral.put(kind + ":delay", key, b"1", delay)

    def succeeded(self, kind: str, key: str) -> None:
        self.ground.ephemeral.forget(kind, key)


def too_many(wait: timedelta) -> TooMany:
    return TooMany(
        "There were too many attempts. Please wait a while and try again.", retry_after=int(wait.total_seconds())
    )
