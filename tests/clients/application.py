"""The console's code to copy, copied and run: a process that listens on the port of its redirect URI."""

from __future__ import annotations

import http.client
import json
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from joserfc.jwk import ECKey

from tests.clients.conftest import NODE

START = 60  # seconds until it listens
LAUNCHERS = {"app.py": (sys.executable, "-W", "ignore"), "app.mjs": (NODE,)}


def write(folder: Path, file_name: str, code: str, key: ECKey) -> None:
    (folder / file_name).write_text(code, "utf-8")
    (folder / "private-key.jwk.json").write_text(json.dumps(key.as_dict(private=True)), "utf-8")


@contextmanager
def running(folder: Path, file_name: str, port: int) -> Iterator[None]:
    """Raises with what it said when it does not come up."""
    log = folder / "log"
    with log.open("wb") as output:
        command: Sequence[str] = (*LAUNCHERS[file_name], file_name)
        process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + START
        while not listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{file_name} does not listen:\n{log.read_text()}")
            select.select([], [], [], 0.05)
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def listens(port: int) -> bool:
    for host in ("127.0.0.1", "::1"):
        connection = http.client.HTTPConnection(host, port, timeout=2)
        try:
            connection.request("GET", "/nothing")
            connection.getresponse().read()
        except OSError:
            continue
        else:
            return True
        finally:
            connection.close()
    return False
