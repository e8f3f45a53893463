"""Starts processes, sees that they answer, notices when one ends, and leaves none behind."""

from __future__ import annotations

import ctypes
import http.client
import os
import select
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

START = 90  # seconds a part may take until it answers: the machine may be slow and busy
DRAIN = 35  # seconds it may take to end: requests under way are finished
POLL = 0.05  # seconds between two looks
TAIL = 15  # lines of log that are shown
PR_SET_PDEATHSIG = 1  # prctl(2)
LIBC = ctypes.CDLL(None, use_errno=True)


class PartFailed(Exception):
    """Names the part and shows the end of its log."""


class Supervisor:
    def __init__(self, log_dir: Path, environment: Mapping[str, str]) -> None:
        self.log_dir = log_dir
        self.environment = dict(environment)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def run(self, name: str, command: Sequence[str]) -> bytes:
        """To its end; returns what it printed."""
        with self.log(name).open("wb") as log:
            done = subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=log, check=False)
        if done.returncode:
            raise self.failure(name, done.returncode)
        return done.stdout

    def start(self, name: str, command: Sequence[str]) -> None:
        """In a process group of its own: a Ctrl-C reaches it through us, in order."""
        with self.log(name).open("wb") as log:
            self.running[name] = subprocess.Popen(
                command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                process_group=0,
                preexec_fn=end_with_the_supervisor,  # noqa: PLW1509 - this process has no other thread
            )

    def wait_until_it_answers(self, name: str, url: str) -> None:
        """Until its health page says 200, or it ends, or it takes too long."""
        deadline = time.monotonic() + START
        while not answers(url):
            code = self.running[name].poll()
            if code is not None:
                raise self.failure(name, code)
            if time.monotonic() > deadline:
                raise PartFailed(f"{name} did not answer within {START} seconds\n{self.tail(name)}")
            time.sleep(POLL)

    def wait_for_an_end(self) -> PartFailed:
        """Blocks until a part has ended, which none should."""
        handles = {os.pidfd_open(process.pid): name for name, process in self.running.items()}
        try:
            ended, _, _ = select.select(handles, [], [])  # pidfd_open(2): readable when the process ends
            name = handles[ended[0]]
            return self.failure(name, self.running[name].wait())
        finally:
            for handle in handles:
                os.close(handle)

    def stop(self) -> None:
        """Asks all at once, waits for each, and kills what does not go."""
        for process in self.running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + DRAIN
        for process in self.running.values():
            try:
                process.wait(max(deadline - time.monotonic(), 0))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def log(self, name: str) -> Path:
        self.log_dir.mkdir(parents=True, exist_ok=True)
        return self.log_dir / f"{name}.log"

    def tail(self, name: str) -> str:
        lines = self.log(name).read_text("utf-8", errors="replace").splitlines()[-TAIL:]
        return "\n".join(f"  {line}" for line in lines) + f"\nThe whole log: {self.log(name)}"

    def failure(self, name: str, code: int) -> PartFailed:
        return PartFailed(f"{name} ended with status {code}\n{self.tail(name)}")


def end_with_the_supervisor() -> None:
    """In the child, before it becomes the command: if we are killed outright, the kernel ends it too."""
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def answers(url: str) -> bool:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", parts.port, timeout=2)
    try:
        connection.request("GET", parts.path, headers={"Host": parts.netloc})
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
