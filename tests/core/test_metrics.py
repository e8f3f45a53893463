"""Prometheus' exposition format 0.0.4, and numbers that outlive the worker that counted them."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import metric_values
from core.metrics import METRICS, Kind, Metrics, label_set

ROUTE = "/token"


@pytest.fixture
def workers(tmp_path: Path) -> Iterator[list[Metrics]]:
    """Two that share a folder."""
    made = [Metrics(), Metrics()]
    for each in made:
        each.share(tmp_path)
    yield made
    for each in made:
        each.close()


def value_of(text: str, sample: str) -> float:
    (found,) = [line.rpartition(" ")[2] for line in text.splitlines() if line.rpartition(" ")[0] == sample]
    return float(found)


def test_every_metric_is_named_as_its_kind_wants():
    """The format's conventions: counters end in _total, durations are in seconds."""
    for metric in METRICS.values():
        assert metric.name.startswith("prajak_")
        assert metric.name.endswith("_total") == (metric.kind is Kind.COUNTER)


def test_a_metric_that_nobody_declared_cannot_be_counted():
    with pytest.raises(KeyError):
        Metrics().count("prajak_surprise_total")


def test_what_two_workers_counted_is_told_together_by_either(workers: list[Metrics]):
    for each in workers:
        each.count("prajak_requests_total", ROUTE, "POST", "200", by=2)
    sample = 'prajak_requests_total{route="/token",method="POST",status="200"}'
    assert {value_of(each.text(), sample) for each in workers} == {4}
    assert value_of(workers[0].text(), "prajak_workers") == 2


def test_a_histogram_adds_up_its_buckets_and_ends_in_infinity(workers: list[Metrics]):
    for seconds, each in zip((0.004, 0.3, 100), (*workers, workers[0]), strict=True):
        each.observe("prajak_request_seconds", seconds, ROUTE)
    text = workers[1].text()
    counts = {
        least: value_of(text, f'prajak_request_seconds_bucket{{route="/token",le="{least}"}}')
        for least in ("0.005", "0.25", "0.5", "15", "+Inf")
    }
    assert counts == {"0.005": 1, "0.25": 1, "0.5": 2, "15": 2, "+Inf": 3}
    assert value_of(text, 'prajak_request_seconds_count{route="/token"}') == 3
    assert value_of(text, 'prajak_request_seconds_sum{route="/token"}') == pytest.approx(100.304)


def test_labels_are_escaped():
    assert label_set(("route",), ('a"b\\c\nd',)) == r'{route="a\"b\\c\nd"}'


KILLED = """
import sys, os, signal
from pathlib import Path
from core.metrics import Metrics
metrics = Metrics()
metrics.share(Path(sys.argv[1]))
metrics.count("prajak_ocsp_answers_total", "successful", by=7)
metrics.gauge("prajak_token_sessions", 5)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_worker_counted_stays_and_what_it_held_goes(workers: list[Metrics], tmp_path: Path):
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, timeout=20)
    assert ended.returncode == -signal.SIGKILL
    text = workers[0].text()
    assert value_of(text, 'prajak_ocsp_answers_total{outcome="successful"}') == 7
    assert "prajak_token_sessions" not in text
    assert value_of(text, "prajak_workers") == 2
    successor = Metrics()
    successor.share(tmp_path)
    successor.count("prajak_ocsp_answers_total", "successful")
    text = workers[1].text()
    successor.close()
    assert value_of(text, 'prajak_ocsp_answers_total{outcome="successful"}') == 8
    assert value_of(text, "prajak_token_sessions") == 0
    assert value_of(text, "prajak_workers") == 3
    assert len(list(tmp_path.glob("*.values"))) == 3, "the successor counts on in its predecessor's file"


@pytest.mark.parametrize("damage", [b"", b"prajak-1", b"prajak-1" + b"\xff" * 40, b"\x00" * metric_values.SIZE])
def test_a_damaged_file_is_begun_anew_and_harms_nobody_else(workers: list[Metrics], tmp_path: Path, damage: bytes):
    (tmp_path / "2.values").write_bytes(damage)
    workers[0].count("prajak_ocsp_answers_total", "successful")
    assert value_of(workers[0].text(), 'prajak_ocsp_answers_total{outcome="successful"}') == 1
    successor = Metrics()
    successor.share(tmp_path)
    successor.count("prajak_ocsp_answers_total", "successful")
    assert value_of(successor.text(), 'prajak_ocsp_answers_total{outcome="successful"}') == 2
    successor.close()


def test_a_full_file_leaves_new_numbers_out_and_keeps_the_old(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(metric_values, "SIZE", 256)
    metrics = Metrics()
    metrics.share(tmp_path)
    metrics.count("prajak_ocsp_answers_total", "first")
    for number in range(50):
        metrics.count("prajak_ocsp_answers_total", f"outcome-{number}")
    metrics.count("prajak_ocsp_answers_total", "first")
    text = metrics.text()
    metrics.close()
    assert value_of(text, 'prajak_ocsp_answers_total{outcome="first"}') == 2
    assert "outcome-49" not in text


def test_a_folder_that_cannot_be_written_does_not_stop_a_worker(tmp_path: Path):
    (tmp_path / "file").write_bytes(b"")
    metrics = Metrics()
    metrics.share(tmp_path / "file" / "metrics")
    metrics.count("prajak_ocsp_answers_total", "successful")
    assert value_of(metrics.text(), 'prajak_ocsp_answers_total{outcome="successful"}') == 1
