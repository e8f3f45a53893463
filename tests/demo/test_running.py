"""What `make run` starts, as a whole: how much memory it takes, what it leaves in its logs, what stops a second one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.supervisor import answers

ROOT = Path(__file__).parents[2]
LIMIT = 500_000  # kB in all


def parts(provider):
    """Process ids of the four parts and their workers: each is told its port."""
    ports = {str(provider.port + offset) for offset in range(4)}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
        except OSError:
            continue
        if "--port" in words and words[words.index("--port") + 1] in ports:
            yield folder


def proportional_kb(folder):
    lines = (folder / "smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))


def test_everything_together_uses_less_than_500_mb(provider):
    sizes = [proportional_kb(folder) for folder in parts(provider)]
    assert len(sizes) >= 4
    assert sum(sizes) < LIMIT


def test_each_part_answers_and_has_a_log(provider):
    for url in (f"{provider.issuer}/readyz", provider.agency_a, provider.agency_b, provider.registry):
        assert answers(url + ("" if url.endswith("/readyz") else "/healthz"))
    logs = {path.stem for path in (provider.data_dir / "log").glob("*.log")}
    assert {"seed", "registry", "provider", "agency-a", "agency-b"} <= logs


@pytest.mark.parametrize("offset", [0, 2])
def test_a_second_one_on_the_same_ports_says_which_is_taken(provider, tmp_path, offset):
    environment = {**os.environ, "PORT": str(provider.port + offset), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "demo.run"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert f"port {provider.port + offset} is in use" in done.stderr
