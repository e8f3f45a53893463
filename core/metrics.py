"""What is measured, as one table, and its text in Prometheus' exposition format 0.0.4.

Labels are routes, words of registries and names of our own: never persons, clients or addresses. What lies in the
database (queues, keys) is asked when somebody scrapes; what happens in a worker is counted as it happens.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import inf
from pathlib import Path
from threading import Lock

import structlog

from core.metric_values import Key, OwnValues, SharedValues, Values

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, inf)  # seconds; a request's limit is 15

log = structlog.get_logger()


class Kind(StrEnum):
    """How the numbers of several workers become one."""

    COUNTER = "counter"  # added up, of those too that have ended
    HISTOGRAM = "histogram"  # the same, by bucket
    GAUGE = "gauge"  # added up over those that live
    NEWEST = "newest"  # a moment: the latest


@dataclass(frozen=True)
class Metric:
    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("prajak_requests_total", Kind.COUNTER, ("route", "method", "status"), "Requests answered."),
        Metric("prajak_request_seconds", Kind.HISTOGRAM, ("route",), "From a request's arrival to its answer."),
        Metric("prajak_workers", Kind.GAUGE, (), "Workers that live."),
        Metric("prajak_part_up", Kind.GAUGE, ("part",), "1 where the part answers, as /readyz says."),
        Metric("prajak_keys", Kind.GAUGE, ("purpose", "algorithm", "state"), "Keys in custody."),
        Metric("prajak_key_uses_total", Kind.COUNTER, ("purpose", "algorithm", "operation"), "What keys did."),
        Metric("prajak_token_sessions", Kind.GAUGE, (), "Sessions that are open with the PKCS #11 token."),
        Metric("prajak_ocsp_answers_total", Kind.COUNTER, ("outcome",), "OCSP answers, RFC 6960 section 2.3."),
        Metric("prajak_time_stamps_total", Kind.COUNTER, ("outcome",), "Time-stamp answers, RFC 3161 section 2.4.2."),
        Metric("prajak_audit_waiting", Kind.GAUGE, (), "Audit entries without a place in the chain."),
        Metric("prajak_audit_lag_seconds", Kind.GAUGE, (), "Age of the oldest of these."),
        Metric("prajak_audit_unsigned", Kind.GAUGE, (), "Chained entries that no signed checkpoint covers yet."),
        Metric("prajak_audit_unwitnessed", Kind.GAUGE, (), "How many the slowest witness has not been told of."),
        Metric("prajak_outbox_waiting", Kind.GAUGE, ("channel",), "Messages not yet delivered."),
        Metric("prajak_outbox_lag_seconds", Kind.GAUGE, ("channel",), "Age of the oldest of these."),
        Metric("prajak_job_runs_total", Kind.COUNTER, ("job", "outcome"), "Background jobs, by how they ended."),
        Metric("prajak_job_last_success_timestamp_seconds", Kind.NEWEST, ("job",), "When the job last ended well."),
        Metric("prajak_database_connections", Kind.GAUGE, ("state",), "Of all workers' pools: in use, and their size."),
    )
}


class Metrics:
    """One per process; `share` makes it one of several whose numbers are told together."""

    def __init__(self) -> None:
        self._values: Values = OwnValues()
        self._lock = Lock()

    def share(self, folder: Path) -> None:
        """Where it cannot, this worker's numbers stay its own: measuring never stops the service."""
        try:
            self._values = SharedValues(folder)
        except OSError:
            log.exception("metrics_not_shared")
        with self._lock:
            for key in next(self._values.workers())[1]:
                if key[0] in METRICS and METRICS[key[0]].kind is Kind.GAUGE:
                    self._values.put(key, 0.0)  # of the worker whose file this was
        self.gauge("prajak_workers", 1)

    def count(self, name: str, *labels: str, by: float = 1) -> None:
        with self._lock:
            self._values.add((METRICS[name].name, *labels), by)

    def gauge(self, name: str, value: float, *labels: str) -> None:
        with self._lock:
            self._values.put((METRICS[name].name, *labels), value)

    def observe(self, name: str, seconds: float, *labels: str) -> None:
        """Into the smallest bucket that holds it; the text adds them up, as the format wants."""
        bucket = next(each for each in BUCKETS if seconds <= each)
        with self._lock:
            self._values.add((METRICS[name].name, *labels, str(bucket)), 1)
            self._values.add((METRICS[name].name, *labels, "sum"), seconds)

    def text(self, asked: Iterable[tuple[Key, float]] = ()) -> str:
        """All workers' numbers, and those that were asked for just now."""
        samples = self._together()
        samples.update({key: value for key, value in asked if value is not None})
        by_name: dict[str, list[Key]] = defaultdict(list)
        for key in sorted(samples):
            by_name[key[0]].append(key)
        lines = (line for name, metric in METRICS.items() for line in told(metric, by_name[name], samples))
        return "".join(f"{line}\n" for line in lines)

    def close(self) -> None:
        if isinstance(self._values, SharedValues):
            self._values.close()
            self._values = OwnValues()

    def _together(self) -> dict[Key, float]:
        found: dict[Key, float] = {}
        with self._lock:
            workers = list(self._values.workers())
        for lives, values in workers:
            for key, value in values.items():
                kind = METRICS[key[0]].kind if key[0] in METRICS else None  # a former version's file
                if kind is Kind.NEWEST:
                    found[key] = max(found.get(key, 0.0), value)
                elif kind is not None and (lives or kind is not Kind.GAUGE):
                    found[key] = found.get(key, 0.0) + value
        return found


def told(metric: Metric, keys: Iterable[Key], samples: Mapping[Key, float]) -> Iterator[str]:
    keys = list(keys)
    if not keys:
        return
    kind = Kind.GAUGE if metric.kind is Kind.NEWEST else metric.kind
    yield f"# HELP {metric.name} {metric.help}"
    yield f"# TYPE {metric.name} {kind}"
    if metric.kind is Kind.HISTOGRAM:
        for labels in sorted({key[1:-1] for key in keys}):
            yield from told_histogram(metric, labels, samples)
        return
    for key in keys:
        yield f"{metric.name}{label_set(metric.labels, key[1:])} {number(samples[key])}"


def told_histogram(metric: Metric, labels: Key, samples: Mapping[Key, float]) -> Iterator[str]:
    total = 0.0
    for bucket in BUCKETS:
        total += samples.get((metric.name, *labels, str(bucket)), 0.0)
        least = "+Inf" if bucket == inf else number(bucket)
        yield f"{metric.name}_bucket{label_set((*metric.labels, 'le'), (*labels, least))} {number(total)}"
    yield f"{metric.name}_sum{label_set(metric.labels, labels)} {number(samples[metric.name, *labels, 'sum'])}"
    yield f"{metric.name}_count{label_set(metric.labels, labels)} {number(total)}"


def label_set(names: Iterable[str], values: Iterable[str]) -> str:
    """The format's escapes: backslash, quote, line feed."""
    pairs = [
        f'{name}="{escaped}"'
        for name, value in zip(names, values, strict=True)
        for escaped in [value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")]
    ]
    return f"{{{','.join(pairs)}}}" if pairs else ""


def number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
