"""The parts of the demonstration: their ports, commands, health pages, and what they are told."""

from __future__ import annotations

import json
import os
import re
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

AGENCIES = ("a", "b")
HIGHEST_PORT = 65535 - 3  # four ports are used
LEAST_ACR = "urn:prajak:sandbox:ial1.3:aal2"


class CannotStart(Exception):
    """Says which port, and what to do."""


@dataclass(frozen=True)
class Part:
    name: str
    command: list[str]
    health: str


@dataclass(frozen=True)
class Demo:
    port: int
    data_dir: Path

    @property
    def issuer(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def registry_port(self) -> int:
        return self.port + 3

    @property
    def log_dir(self) -> Path:
        return self.data_dir / "log"

    @property
    def prajak(self) -> str:
        return str(Path(sys.executable).parent / "prajak")

    @property
    def environment(self) -> dict[str, str]:
        """Ours for what makes it a sandbox on this port; whatever else is set (another database, say) stays."""
        return os.environ | {
            "PRAJAK_ISSUER": self.issuer,
            "PRAJAK_SANDBOX": "1",
            "PRAJAK_DATA_DIR": str(self.data_dir),
            "PRAJAK_REGISTRY_URL": f"http://localhost:{self.registry_port}",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def parts(self) -> list[Part]:
        """The registry first: the provider's health asks for it."""
        python = sys.executable
        registry = [python, "-m", "demo.registry", "--port", str(self.registry_port)]
        provider = [self.prajak, "serve", "--port", str(self.port)]
        parts = [
            Part("registry", registry, f"http://localhost:{self.registry_port}/healthz"),
            Part("provider", provider, f"{self.issuer}/readyz"),
        ]
        for agency in AGENCIES:
            command = [python, "-m", "demo.agency", "--config", str(self.agency_file(agency))]
            command += ["--port", str(self.agency_port(agency))]
            parts.append(Part(f"agency-{agency}", command, f"{self.agency_origin(agency)}/healthz"))
        return parts

    def agency_port(self, agency: str) -> int:
        return self.port + 1 + AGENCIES.index(agency)

    def agency_origin(self, agency: str) -> str:
        """A host of its own: `localhost` shares cookies between ports, and one host would be one sector."""
        return f"http://agency-{agency}.localhost:{self.agency_port(agency)}"

    def agency_file(self, agency: str) -> Path:
        return self.data_dir / "demo" / f"agency-{agency}.json"

    def write_agencies(self) -> None:
        """What each agency's process is told; its key was made by the seed."""
        for agency in AGENCIES:
            told = {
                "office": agency,
                "issuer": self.issuer,
                "client_id": f"demo-{agency}",
                "private_key": f"demo-{agency}.jwk.json",
                "origin": self.agency_origin(agency),
                "acr": LEAST_ACR,
                "partner": self.agency_origin(AGENCIES[1 - AGENCIES.index(agency)]),
            }
            self.agency_file(agency).write_text(json.dumps(told, indent=2) + "\n", "utf-8")

    def check_ports(self) -> None:
        for port in range(self.port, self.registry_port + 1):
            if is_taken(port):
                raise CannotStart(
                    f"port {port} is in use: stop what listens there, or choose four others with PORT=N make run"
                )


def is_taken(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do: a port just left is free
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def demo_of(port: str, folder: Path) -> Demo:
    if not re.fullmatch("[0-9]{1,5}", port) or not 1 <= int(port) <= HIGHEST_PORT:
        raise CannotStart(f"PORT must be a number from 1 to {HIGHEST_PORT}")
    return Demo(int(port), folder / "var" / port)
