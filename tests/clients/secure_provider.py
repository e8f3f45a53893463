"""The provider over TLS, as real clients meet it: `prajak serve` behind HAProxy as we ship it, seeded, in the sandbox,
with a listener for mutual TLS and DPoP nonces on.
"""

from __future__ import annotations

import os
import select
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.backends import free_port
from tests.clients.authority import Authority
from tests.imports import ROOT
from tests.proxy import Listeners, haproxy

START = 120  # seconds until it answers; the machine may be slow and busy
PRAJAK = str(Path(sys.executable).parent / "prajak")


@dataclass(frozen=True)
class SecureProvider:
    issuer: str
    authority: Authority
    environment: dict[str, str]

    @property
    def tls(self) -> ssl.SSLContext:
        """For who connects: trusts the tests' authority alone."""
        return ssl.create_default_context(cafile=str(self.authority.ca_file))

    @property
    def metadata(self) -> dict[str, Any]:
        with httpx.Client(verify=self.tls) as http:
            found: dict[str, Any] = http.get(f"{self.issuer}/.well-known/openid-configuration").json()
            return found

    def register(self, **metadata: Any) -> dict[str, Any]:
        """RFC 7591, at the endpoint that discovery names."""
        with httpx.Client(verify=self.tls, timeout=30) as http:
            answer = http.post(self.metadata["registration_endpoint"], json=metadata)
        assert answer.status_code == 201, answer.text
        registered: dict[str, Any] = answer.json()
        return registered


@contextmanager
def secure_provider(folder: Path) -> Iterator[SecureProvider]:
    """Runs it until the block ends. Raises with what it said when it does not answer."""
    authority, port, listeners = Authority(folder), free_port(), Listeners()
    environment = {
        "PRAJAK_ISSUER": listeners.issuer,
        "PRAJAK_SANDBOX": "1",
        "PRAJAK_DATA_DIR": str(folder / "var"),
        "PRAJAK_OUTBOUND_CA": str(authority.ca_file),
        "PRAJAK_MTLS_URL": listeners.mtls_url,
        "PRAJAK_MTLS_TRUST": str(authority.ca_file),
        "PRAJAK_TRUSTED_PROXIES": "127.0.0.1",
        "PRAJAK_DPOP_NONCES": "1",
    }
    for command in (["db", "upgrade"], ["demo", "--json"]):
        subprocess.run(
            [PRAJAK, *command], cwd=folder, env=told(environment), check=True, capture_output=True, timeout=START
        )
    certificate, key = authority.certify("localhost", "localhost", "*.localhost")
    both = folder / "localhost.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    with serving(folder, environment, port), haproxy(listeners, both, f"127.0.0.1:{port}"):
        yield SecureProvider(environment["PRAJAK_ISSUER"], authority, environment)


@contextmanager
def serving(folder: Path, environment: dict[str, str], port: int, *arguments: str) -> Iterator[None]:
    """`prajak serve` until the block ends."""
    log = folder / f"log-{port}"
    with log.open("wb") as output:
        command = [PRAJAK, "serve", "--port", str(port), *arguments]
        process = subprocess.Popen(command, cwd=folder, env=told(environment), stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_it_listens(process, port, log)
        yield
    finally:
        process.terminate()
        process.wait(timeout=60)


def told(environment: dict[str, str]) -> dict[str, str]:
    return {**os.environ, **environment, "PYTHONPATH": str(ROOT)}


def wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START
    while not listens(port):
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"nothing listens on {port}:\n{log.read_text('utf-8', 'replace')}")
        select.select([], [], [], 0.05)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
