"""What fails again and again, told so that the log stays readable: when it begins, when its kind changes, each ten
minutes while it lasts, and when it is over. A probe asks each second, and a job is due four times in one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from time import monotonic

import structlog

from core.errors import PrajakError

TOLD_AGAIN = 600.0  # seconds

log = structlog.get_logger()


@dataclass(frozen=True)
class Told:
    kind: type[Exception]
    again_at: float


class Failures:
    """One per process of each sort: `event` is what the log calls a failure, `label` what it calls who failed."""

    def __init__(self, event: str, label: str, now: Callable[[], float] = monotonic) -> None:
        self.event = event
        self.label = label
        self.now = now
        self._told: dict[str, Told] = {}
        self._lock = Lock()

    def failed(self, name: str, error: Exception) -> None:
        """An error of ours is a sentence; anything else brings its traceback."""
        with self._lock:
            before, now = self._told.get(name), self.now()
            if before is not None and before.kind is type(error) and now < before.again_at:
                return
            self._told[name] = Told(type(error), now + TOLD_AGAIN)
        if isinstance(error, PrajakError):
            log.warning(self.event, **{self.label: name}, why=str(error))
        else:
            log.error(self.event, **{self.label: name}, exc_info=error)

    def works(self, name: str) -> None:
        """Told only where it had failed."""
        with self._lock:
            before = self._told.pop(name, None)
        if before is not None:
            log.warning("works_again", **{self.label: name})  # who is told of warnings alone is told of their end
