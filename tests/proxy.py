"""HAProxy in front of a provider, with the very file that we ship: TLS for all, and a listener for mutual TLS."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.backends import stop

CONFIGURATION = Path(__file__).parent.parent / "docker" / "haproxy.cfg"


class Listeners:
    """Two ports of localhost, open from the start: who connects early waits instead of being refused."""

    def __init__(self) -> None:
        self.issuer_socket, self.mtls_socket = (socket.create_server(("127.0.0.1", 0)) for _ in range(2))
        self.issuer, self.mtls_url = (address(each) for each in (self.issuer_socket, self.mtls_socket))

    def close(self) -> None:
        self.issuer_socket.close()
        self.mtls_socket.close()


def address(listener: socket.socket) -> str:
    return f"https://localhost:{listener.getsockname()[1]}"


@contextmanager
def haproxy(listeners: Listeners, certificate: Path, provider: str) -> Iterator[None]:
    """`certificate` is a PEM file with its key in it; `provider` is HOST:PORT."""
    issuer, mtls = listeners.issuer_socket.fileno(), listeners.mtls_socket.fileno()
    told = {
        "ISSUER_BIND": f"fd@{issuer}",
        "MTLS_BIND": f"fd@{mtls}",
        "CERTIFICATE": str(certificate),
        "PROVIDER": provider,
    }
    command = ["haproxy", "-db", "-f", str(CONFIGURATION)]
    server = subprocess.Popen(command, env={**os.environ, **told}, pass_fds=(issuer, mtls))
    listeners.close()  # they are the proxy's own now
    try:
        yield
    finally:
        stop(server)
