"""Work in the background: each job runs on one worker at a time, elected by a lease in the database.

A worker that dies loses its lease when it runs out; nothing is kept in a process that another could not take over.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import String, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.audit_origin import acting
from core.database import Base, UTCDateTime
from core.failures import Failures
from core.ground import Ground
from core.identifiers import new_id

LEASE = timedelta(seconds=10)
FARTHEST = LEASE + timedelta(seconds=30)  # as clocks of two machines may differ; what ends later, a wrong clock wrote
ELECTION = "election"  # what fails when the database is away: who does a job cannot be asked


class Lease(Base):
    """Who does a job now, and until when unless renewed."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(22))
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Job:
    """`run` does a bounded piece of work and may be called again at once by another worker.

    `everywhere`: each worker does it for itself, because it is about what that worker has in memory.
    """

    name: str
    every: timedelta
    run: Callable[[], object]
    everywhere: bool = False


class Jobs:
    """One thread a worker, which runs the jobs whose lease it holds."""

    def __init__(self, ground: Ground, jobs: Sequence[Job]) -> None:
        self.ground = ground
        self.jobs = jobs
        self.holder = new_id()
        self.failures = Failures("job_failed", "job")
        self.stopping = threading.Event()
        self.thread = threading.Thread(target=self._loop, name="jobs", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        self.stopping.set()
        self.thread.join(timeout=5)

    def run_due(self, last: dict[str, timedelta]) -> None:
        """One round; `last` remembers when this worker ran each job, by a clock that nobody sets."""
        now = self.ground.clock.since_boot()
        for job in self.jobs:
            if job.name in last and now - last[job.name] < job.every:
                continue
            last[job.name] = now
            if job.everywhere or elect(self.ground, job.name, self.holder):
                self._run(job)

    def _run(self, job: Job) -> None:
        try:
            with acting("job", f"job {job.name}"):
                job.run()
        except Exception as error:  # noqa: BLE001 - one job's fault stops no other
            self.failures.failed(job.name, error)
            self.ground.metrics.count("prajak_job_runs_total", job.name, "failed")
            return
        self.failures.works(job.name)
        self.ground.metrics.count("prajak_job_runs_total", job.name, "done")
        ended = self.ground.clock.now().timestamp()
        self.ground.metrics.gauge("prajak_job_last_success_timestamp_seconds", ended, job.name)

    def _loop(self) -> None:
        last: dict[str, timedelta] = {}
        while not self.stopping.wait(0.25):
            try:
                self.run_due(last)
            except Exception as error:  # noqa: BLE001 - the thread outlives whatever happens to the database
                self.failures.failed(ELECTION, error)
            else:
                self.failures.works(ELECTION)


def elect(ground: Ground, name: str, holder: str) -> bool:
    """True when `holder` has the lease now: one conditional write, and only when the lease is free or half over."""
    now = ground.clock.now()
    with ground.database.read() as connection:
        row = connection.execute(select(Lease.holder, Lease.expires_at).where(Lease.name == name)).first()
    if row is not None and now + LEASE / 2 < row.expires_at <= now + FARTHEST:
        return bool(row.holder == holder)
    values = {"holder": holder, "expires_at": now + LEASE}
    with ground.database.write() as connection:
        dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
        first = dialect.insert(Lease).values(name=name, **values).on_conflict_do_nothing()
        if connection.execute(first).rowcount == 1:
            return True
        free = or_(Lease.holder == holder, Lease.expires_at <= now, Lease.expires_at > now + FARTHEST)
        return connection.execute(update(Lease).where(Lease.name == name, free).values(**values)).rowcount == 1
