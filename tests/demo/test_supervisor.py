"""The supervisor of `make run`, with small real processes."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from demo.supervisor import PartFailed, Supervisor
from tests.backends import free_port

ROOT = Path(__file__).parents[2]
SERVES = """
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer
class Health(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
HTTPServer(("127.0.0.1", int(sys.argv[1])), Health).serve_forever()
"""
FALLS = "print('a line'); print('the reason'); raise SystemExit(7)"
LEAVES = """
import sys
from pathlib import Path
from demo.supervisor import Supervisor
supervisor = Supervisor(Path(sys.argv[1]), {})
supervisor.start("sleeper", [sys.executable, "-c", "import signal; signal.pause()"])
print(supervisor.running["sleeper"].pid, flush=True)
import signal; signal.pause()
"""


@pytest.fixture
def supervisor(tmp_path):
    made = Supervisor(tmp_path / "log", dict(os.environ))
    yield made
    made.stop()


def test_a_part_is_waited_for_and_stopped(supervisor):
    port = free_port()
    supervisor.start("web", [sys.executable, "-c", SERVES, str(port)])
    supervisor.wait_until_it_answers("web", f"http://localhost:{port}/healthz")
    supervisor.stop()
    assert supervisor.running["web"].returncode == -signal.SIGTERM


def test_a_part_that_falls_while_it_starts_is_named_with_the_end_of_its_log(supervisor):
    supervisor.start("web", [sys.executable, "-c", FALLS])
    with pytest.raises(PartFailed, match=r"web ended with status 7(.|\n)*the reason(.|\n)*web\.log"):
        supervisor.wait_until_it_answers("web", f"http://localhost:{free_port()}/healthz")


def test_a_part_that_falls_later_is_noticed(supervisor):
    supervisor.start("other", [sys.executable, "-c", "import signal; signal.pause()"])
    supervisor.start("web", [sys.executable, "-c", FALLS])
    assert "web ended with status 7" in str(supervisor.wait_for_an_end())


def test_a_step_that_fails_is_named(supervisor):
    with pytest.raises(PartFailed, match="migration ended with status 7"):
        supervisor.run("migration", [sys.executable, "-c", FALLS])


def test_a_supervisor_that_is_killed_outright_leaves_nobody_behind(tmp_path):
    command = [sys.executable, "-c", LEAVES, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = os.pidfd_open(int(process.stdout.readline()))
        process.kill()
    ended, _, _ = select.select([left], [], [], 10)
    os.close(left)
    assert ended
