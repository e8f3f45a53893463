"""The clock is looked at before each time-stamp: EN 319 421 section 7.7.2, RFC 3161 section 2.4.2 (timeNotAvailable)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.clock import SetClock, SystemClock
from core.kernel_clock import Discipline, kernel_discipline
from keys.clock_health import SETTLED_AFTER, STEP, ClockHealth, ClockUnfit
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from tests.conftest import NOW
from tests.keys.test_timestamp_authority import granted, info, query, refused

SYNCHRONISED = Discipline(is_synchronised=True, largest_error=timedelta(milliseconds=20))
REFUSED = {"time_not_available"}


@pytest.mark.parametrize("by", [timedelta(seconds=1), timedelta(seconds=-1), timedelta(days=40)])
def test_after_a_step_nothing_is_stamped_until_a_minute_was_quiet(trust, clock, by):
    granted(trust, query())
    clock.step(by)
    assert refused(trust, query()) == REFUSED
    clock.advance(SETTLED_AFTER - timedelta(seconds=1))
    assert refused(trust, query()) == REFUSED
    clock.advance(timedelta(seconds=1))
    assert info(granted(trust, query()))["gen_time"].native == clock.now()


def test_a_clock_that_stays_behind_what_it_stamped_stamps_nothing_until_it_has_caught_up(trust, clock):
    clock.advance(timedelta(hours=2))
    granted(trust, query())
    clock.step(timedelta(hours=-1))
    for _ in range(59):
        clock.advance(timedelta(minutes=1))
        assert refused(trust, query()) == REFUSED
    clock.advance(timedelta(minutes=1))
    granted(trust, query())


def test_a_worker_whose_stamp_is_written_after_a_later_one_is_not_refused(ground, trust, clock):
    """Two look at the clock, and the one that looked later commits first."""
    clock.advance(timedelta(milliseconds=400))
    granted(trust, query())
    other = TrustServices(replace(ground, clock=SetClock(clock.now() - timedelta(milliseconds=400))))
    granted(other, query())


def test_another_step_begins_the_minute_anew(trust, clock):
    granted(trust, query())
    clock.step(timedelta(seconds=2))
    assert refused(trust, query()) == REFUSED
    clock.advance(SETTLED_AFTER - timedelta(seconds=1))
    clock.step(timedelta(seconds=-2))
    assert refused(trust, query()) == REFUSED
    clock.advance(timedelta(seconds=2))
    assert refused(trust, query()) == REFUSED
    clock.advance(SETTLED_AFTER)
    granted(trust, query())


def test_many_small_steps_are_one_great_one(trust, clock):
    granted(trust, query())
    for _ in range(2):
        clock.step(STEP / 3)
        clock.advance(timedelta(hours=1))
        granted(trust, query())
    clock.step(STEP / 2)
    assert refused(trust, query()) == REFUSED


def test_time_that_passes_is_no_step_however_long_nobody_asked(trust, clock):
    granted(trust, query())
    clock.advance(timedelta(days=200))
    granted(trust, query())


@given(acts=st.lists(st.tuples(st.booleans(), st.integers(-90_000, 90_000)), max_size=20))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_it_is_fit_exactly_when_the_last_minute_saw_no_step(ground, acts):
    """A model beside it: the sum of the steps since the last one that was noticed, and when that was."""
    clock = SetClock(NOW)
    health = ClockHealth(ground, None)
    health.clock = clock
    health.now()
    since, noticed = timedelta(0), None
    for is_step, milliseconds in acts:
        by = timedelta(milliseconds=milliseconds)
        if is_step:
            clock.step(by)
            since += by
        else:
            clock.advance(abs(by))
        if abs(since) > STEP:
            since, noticed = timedelta(0), clock.since_boot()
        fit = noticed is None or clock.since_boot() - noticed >= SETTLED_AFTER
        assert is_fit(health) == fit


def is_fit(health):
    try:
        health.now()
    except ClockUnfit:
        return False
    return True


@pytest.mark.parametrize(
    "discipline",
    [
        Discipline(is_synchronised=False, largest_error=timedelta(0)),
        Discipline(is_synchronised=True, largest_error=timedelta(seconds=1, microseconds=1)),
        Discipline(is_synchronised=True, largest_error=timedelta(0), leap_second=True),
    ],
)
def test_an_undisciplined_clock_stamps_nothing_and_a_disciplined_one_does(ground, trust, discipline):
    trust.tsa.clock = ClockHealth(ground, lambda: discipline)
    assert refused(trust, query()) == REFUSED
    trust.tsa.clock = ClockHealth(ground, lambda: SYNCHRONISED)
    granted(trust, query())


def test_where_the_kernel_does_not_tell_nothing_is_stamped(ground, trust):
    def silent() -> Discipline:
        raise OSError(38, "Function not implemented")

    trust.tsa.clock = ClockHealth(ground, silent)
    assert refused(trust, query()) == REFUSED


def test_a_clock_set_back_while_nothing_ran_is_found_by_the_last_stamp(ground, trust, clock):
    clock.advance(timedelta(hours=2))
    granted(trust, query())
    clock.step(timedelta(hours=-1))
    started_anew = TrustServices(ground)
    assert refused(started_anew, query()) == REFUSED
    clock.advance(timedelta(hours=1))
    granted(started_anew, query())


def test_a_key_that_stamped_the_future_by_mistake_is_replaced_and_time_goes_on(ground, trust, clock):
    clock.advance(timedelta(days=30))
    granted(trust, query())
    clock.step(timedelta(days=-29))
    started_anew = TrustServices(ground)
    assert refused(started_anew, query()) == REFUSED
    started_anew.keystore.rotate(Purpose.TSA, at_once=True)
    granted(started_anew, query())


def test_the_kernel_is_really_asked():
    found = kernel_discipline()
    assert timedelta(0) <= found.largest_error <= timedelta(seconds=60)
    assert isinstance(found.is_synchronised, bool)


def test_the_systems_clock_runs_beside_the_time_since_boot(ground):
    health = ClockHealth(ground, None)
    health.clock = SystemClock()
    times = [health.now() for _ in range(50)]
    assert times == sorted(times)
