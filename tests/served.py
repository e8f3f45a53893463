"""A provider as an operator runs it: `prajak` with settings of its own, served and stopped as often as a test wants."""

from __future__ import annotations

import os
import ssl
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.backends import stop
from tests.demonstration import four_free_ports

PRAJAK = str(Path(sys.executable).parent / "prajak")


@dataclass(frozen=True)
class Served:
    """`folder` is the working folder and holds the data below `data`; `settings` are the operator's."""

    port: int
    folder: Path
    settings: Mapping[str, str]

    @property
    def issuer(self) -> str:
        return self.settings["PRAJAK_ISSUER"]

    @property
    def data_dir(self) -> Path:
        return Path(self.settings["PRAJAK_DATA_DIR"])

    def prajak(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """An AssertionError with what it said, where `check` and it failed."""
        done = subprocess.run(
            [PRAJAK, *map(str, arguments)],
            cwd=self.folder,
            env={**os.environ, **self.settings},
            capture_output=True,
            text=True,
            check=False,
            timeout=240,  # the machine may be slow and busy
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done

    @contextmanager
    def running(self, *arguments: str, verify: ssl.SSLContext | bool = True) -> Iterator[None]:
        """`prajak serve` until the block ends; what it logs is in `serve.log`."""
        command = [PRAJAK, "serve", "--port", str(self.port), *arguments]
        with (self.folder / "serve.log").open("ab") as log:
            server = subprocess.Popen(
                command, cwd=self.folder, env={**os.environ, **self.settings}, stdout=log, stderr=log
            )
        try:
            self.wait_until_alive(verify)
            yield
        finally:
            stop(server)

    def wait_until_alive(self, verify: ssl.SSLContext | bool) -> None:
        """Connections are tried again with growing pauses, some seconds in all."""
        with httpx.Client(transport=httpx.HTTPTransport(verify=verify, retries=7)) as client:
            assert client.get(f"{self.issuer}/healthz", timeout=20).status_code == 200, self.log()

    def log(self) -> str:
        return (self.folder / "serve.log").read_text("utf-8", "replace")


def sandbox_in(folder: Path, **settings: str) -> Served:
    """On a port of its own, with data below the folder."""
    port = four_free_ports()
    usual = {
        "PRAJAK_ISSUER": f"http://localhost:{port}",
        "PRAJAK_SANDBOX": "1",
        "PRAJAK_DATA_DIR": str(folder / "data"),
    }
    return Served(port, folder, usual | settings)
