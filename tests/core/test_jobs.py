"""One worker at a time does a job, and another takes over when it is gone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from core.clock import SetClock
from core.ground import Ground
from core.jobs import LEASE, Job, Jobs, elect

pytestmark = pytest.mark.both_backends


def test_of_many_workers_one_is_elected(ground: Ground):
    with ThreadPoolExecutor(max_workers=8) as threads:
        elected = list(threads.map(lambda each: elect(ground, "job", f"worker-{each}"), range(8)))
    assert sum(elected) == 1


def test_another_takes_over_when_the_lease_has_run_out(ground: Ground, clock: SetClock):
    assert elect(ground, "job", "first")
    clock.advance(LEASE - timedelta(seconds=1))
    assert not elect(ground, "job", "second")
    clock.advance(timedelta(seconds=2))
    assert elect(ground, "job", "second")
    assert not elect(ground, "job", "first")


def test_a_holder_renews_its_lease(ground: Ground, clock: SetClock):
    assert elect(ground, "job", "first")
    for _ in range(5):
        clock.advance(LEASE * 0.6)
        assert elect(ground, "job", "first")
    assert not elect(ground, "job", "second")


def test_a_job_that_fails_is_run_again_at_its_next_time(ground: Ground, clock: SetClock):
    runs = []

    def fail() -> None:
        runs.append(clock.now())
        raise ZeroDivisionError

    jobs, last = Jobs(ground, [Job("fails", timedelta(seconds=1), fail)]), {}
    jobs.run_due(last)
    jobs.run_due(last)
    clock.advance(timedelta(seconds=1))
    jobs.run_due(last)
    assert len(runs) == 2


def test_a_clock_that_was_set_back_stops_no_job_and_keeps_no_lease(ground: Ground, clock: SetClock):
    """By an hour, and the worker that had the lease is gone."""
    runs = []
    jobs, last = Jobs(ground, [Job("sequencer", timedelta(seconds=1), lambda: runs.append(clock.now()))]), {}
    jobs.run_due(last)
    assert elect(ground, "purge", "gone")
    clock.step(timedelta(hours=-1))
    clock.advance(timedelta(seconds=1))
    jobs.run_due(last)
    assert len(runs) == 2
    assert elect(ground, "purge", "second")
    assert not elect(ground, "purge", "third")


def test_how_each_job_ended_is_counted(ground: Ground, clock: SetClock):
    def fail() -> None:
        raise RuntimeError("the job's own fault")

    jobs = Jobs(ground, [Job("works", LEASE, lambda: None), Job("fails", LEASE, fail)])
    jobs.run_due({})
    text = ground.metrics.text()
    assert 'prajak_job_runs_total{job="works",outcome="done"} 1' in text
    assert 'prajak_job_runs_total{job="fails",outcome="failed"} 1' in text
    ended = int(clock.now().timestamp())
    assert f'prajak_job_last_success_timestamp_seconds{{job="works"}} {ended}' in text
    assert 'timestamp_seconds{job="fails"}' not in text
