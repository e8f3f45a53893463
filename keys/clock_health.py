"""Whether the clock may be stamped with, RFC 3161 section 2.1 (a trustworthy source of time) and EN 319 421 section
7.7.2 (an authority that has lost its calibration issues nothing).

Two things are looked at before each stamp:
1. Steps. Wall time minus the time since boot changes only when somebody sets the clock: whatever disciplines it slews
   both alike. Their difference at the start of the process is remembered, so many small steps count as one great one.
   After a step nothing is stamped until no other came for a minute.
2. The kernel's own account of the discipline (adjtimex). A clock that nothing synchronises, an error beyond our
   accuracy and a leap second in progress refuse. A clock that was set loses its synchronisation there, so that a
   restart of the process does not heal what a step broke.

And once for each key: a clock behind the key's last time-stamp has been set back while nobody looked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import structlog
from sqlalchemy import func, select

from core.errors import PrajakError
from core.ground import Ground
from core.kernel_clock import Discipline
from keys.models import TimeStamp
from keys.time_stamp_token import ACCURACY_SECONDS

STEP = timedelta(milliseconds=250)  # a quarter of the accuracy that a token states
SETTLED_AFTER = timedelta(seconds=60)
LARGEST_ERROR = timedelta(seconds=ACCURACY_SECONDS)
READINGS = 3
NEXT_KEY = "prajak key rotate tsa --at-once"

log = structlog.get_logger()


class ClockUnfit(PrajakError):
    """The time is not to be trusted now; the text says why."""


class ClockBehind(ClockUnfit):
    """It was set back, or was ahead when it stamped last: who knows which it is must say."""


@dataclass(frozen=True)
class Anchor:
    """When the machine began to run, by the clock on the wall as it was found. Nothing is stamped before `fit_after`,
    counted from there and so not moved by another step.
    """

    booted_at: datetime
    fit_after: timedelta


class ClockHealth:
    """One per process. `discipline` is None where a clock that nobody disciplines is good enough (the sandbox)."""

    def __init__(self, ground: Ground, discipline: Callable[[], Discipline] | None) -> None:
        self.clock = ground.clock
        self.database = ground.database
        self.discipline = discipline
        self._anchor: Anchor | None = None
        self._past: set[str] = set()  # keys whose last time-stamp lies behind us
        self._ahead: set[str] = set()  # and those whose lies ahead: said in the log once
        self._lock = Lock()

    def now(self) -> datetime:
        """The time, looked at from all sides; ClockUnfit where it must not be stamped."""
        now = self._unstepped()
        if self.discipline is not None:
            check_discipline(self.discipline)
        return now

    def check_past(self, kid: str, now: datetime) -> None:
        """ClockUnfit where this key has stamped later than now. Reads once for each key: not within a transaction.

        What is less than the accuracy is no clock set back: another worker looked at the clock later and wrote sooner.
        """
        if kid in self._past:
            return
        with self.database.read() as connection:
            last = connection.execute(select(func.max(TimeStamp.stamped_at)).where(TimeStamp.kid == kid)).scalar_one()
        if last is not None and last - now > LARGEST_ERROR:
            if kid not in self._ahead:
                log.error("clock_behind_last_time_stamp", kid=kid, mend=f"if it is right: {NEXT_KEY}")
            self._ahead.add(kid)
            raise ClockBehind(f"the clock is behind the last time-stamp of this key, {last:%Y-%m-%d %H:%M:%S} UTC")
        self._past.add(kid)
        self._ahead.discard(kid)

    def _unstepped(self) -> datetime:
        with self._lock:
            now, running = self._read()
            booted_at = now - running
            anchor = self._anchor or Anchor(booted_at, fit_after=running)
            stepped = booted_at - anchor.booted_at
            if abs(stepped) > STEP:
                log.error("clock_was_set", by_seconds=stepped.total_seconds(), mend="nothing, if it is right now")
                anchor = Anchor(booted_at, fit_after=running + SETTLED_AFTER)
                self._past.clear()
            self._anchor = anchor
        if running < anchor.fit_after:
            left = (anchor.fit_after - running).total_seconds()
            raise ClockUnfit(f"the clock was set: no time-stamps for {left:.0f} seconds more")
        return now

    def _read(self) -> tuple[datetime, timedelta]:
        """Both clocks at one moment: of some readings the quickest, because a thread may wait in the middle."""
        readings = []
        for _ in range(READINGS):
            before, now, after = self.clock.since_boot(), self.clock.now(), self.clock.since_boot()
            readings.append((after - before, now, before))
        return min(readings)[1:]


def check_discipline(discipline: Callable[[], Discipline]) -> None:
    """EN 319 421 section 7.7.2: synchronised with UTC, within the accuracy that tokens state."""
    try:
        found = discipline()
    except OSError as error:
        raise ClockUnfit(f"the kernel does not say whether its clock is synchronised: {error}") from error
    if not found.is_synchronised:
        raise ClockUnfit("the clock is not synchronised: start chrony or systemd-timesyncd")
    if found.largest_error > LARGEST_ERROR:
        raise ClockUnfit(f"the clock may be wrong by {found.largest_error.total_seconds():.1f} seconds")
    if found.leap_second:
        raise ClockUnfit("a leap second is in progress")
