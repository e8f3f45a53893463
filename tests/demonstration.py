"""What `make run` starts, started for tests: the same supervisor, on free ports, with data thrown away."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
START = 240  # seconds until `ready:`; the machine may be slow and busy


@dataclass(frozen=True)
class Demonstration:
    """`facts` is what `prajak demo --json` prints."""

    port: int
    folder: Path
    environment: Mapping[str, str]

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def agency_a(self) -> str:
        return f"http://agency-a.localhost:{self.port + 1}"

    @property
    def agency_b(self) -> str:
        return f"http://agency-b.localhost:{self.port + 2}"

    @property
    def registry(self) -> str:
        return f"http://localhost:{self.port + 3}"

    @property
    def data_dir(self) -> Path:
        return self.folder / "var" / str(self.port)

    def prajak(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """The command, with the demonstration's own settings."""
        told = {
            "PRAJAK_ISSUER": self.issuer,
            "PRAJAK_SANDBOX": "1",
            "PRAJAK_DATA_DIR": str(self.data_dir),
            "PRAJAK_REGISTRY_URL": self.registry,
        }
        return subprocess.run(
            [str(Path(sys.executable).parent / "prajak"), *arguments],
            cwd=self.folder,
            env={**os.environ, **self.environment, **told},
            capture_output=True,
            text=True,
            check=check,
            timeout=120,
        )

    def facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = json.loads(self.prajak("demo", "--json").stdout)
        return facts


@contextmanager
def demonstration(folder: Path, environment: Mapping[str, str] | None = None) -> Iterator[Demonstration]:
    """Runs it until the block ends. Raises with what it said when it does not become ready."""
    demo = Demonstration(four_free_ports(), folder, environment or {})
    process = subprocess.Popen(
        [sys.executable, "-m", "demo.run"],
        cwd=folder,
        env={**os.environ, **demo.environment, "PORT": str(demo.port), "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    watchdog = threading.Timer(START, process.kill)
    watchdog.start()
    said: list[str] = []
    try:
        assert process.stdout is not None
        for line in process.stdout:
            said.append(line)
            if line.startswith("ready:"):
                break
        watchdog.cancel()
        if not said or not said[-1].startswith("ready:"):
            raise RuntimeError("the demonstration did not become ready:\n" + "".join(said))
        reader = threading.Thread(target=process.stdout.read)
        reader.start()
        yield demo
    finally:
        watchdog.cancel()
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
        if said and said[-1].startswith("ready:"):
            reader.join(timeout=10)
        process.stdout.close()  # type: ignore[union-attr]


def four_free_ports() -> int:
    """The first of four ports in a row that nobody listens on."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 65_000 and all(is_free(each) for each in range(port, port + 4)):
            return port


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
