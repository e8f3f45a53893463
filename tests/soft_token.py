"""Tokens for the tests: SoftHSM2, set so that it behaves as hardware does.

With `library.reset_on_fork` a session from before a fork is dead in the child. A token whose folder is moved away answers
as hardware that was unplugged: key handles are void, and stay so after its return until the module is begun anew.
"""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
PIN, SO_PIN = "4711-0815", "sopin-4711-0815"
CONFIGURATION = """directories.tokendir = {folder}
objectstore.backend = file
log.level = ERROR
slots.removable = false
library.reset_on_fork = true
"""


@dataclass(frozen=True)
class SoftTokens:
    """A folder of tokens and the configuration that names it, for one run of SoftHSM2."""

    folder: Path

    @property
    def configuration(self) -> Path:
        return self.folder / "softhsm2.conf"

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.configuration)}

    def make(self, label: str) -> str:
        """A new token; returns its RFC 7512 URI."""
        command = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", PIN, "--so-pin", SO_PIN]
        subprocess.run(command, check=True, capture_output=True, env={**os.environ, **self.environment}, timeout=20)
        return self.uri(label)

    def uri(self, label: str, module: Path = MODULE) -> str:
        return f"pkcs11:token={label}?module-path={module}&pin-source=file:{self.folder}/pin"

    @contextmanager
    def away(self) -> Iterator[None]:
        """All tokens unplugged for a while."""
        self.unplug()
        try:
            yield
        finally:
            self.plug_in()

    def unplug(self) -> None:
        (self.folder / "tokens").rename(self.folder / "tokens.away")

    def plug_in(self) -> None:
        (self.folder / "tokens.away").rename(self.folder / "tokens")


def soft_tokens_in(folder: Path) -> SoftTokens:
    (folder / "tokens").mkdir()
    (folder / "pin").write_text(PIN + "\n")
    tokens = SoftTokens(folder)
    tokens.configuration.write_text(CONFIGURATION.format(folder=folder / "tokens"))
    return tokens


class RemoteTokens:
    """SoftHSM2 in a process of its own, behind p11-kit's remoting: one that can really be killed."""

    def __init__(self, soft_tokens: SoftTokens, folder: Path) -> None:
        self.soft_tokens = soft_tokens
        self.address = folder / "p11-kit"
        self.server: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            "p11-kit",
            "server",
            "--foreground",
            "--name",
            str(self.address),
            "--provider",
            str(MODULE),
            "pkcs11:",
        ]
        environment = {**os.environ, **self.soft_tokens.environment}
        self.server = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, start_new_session=True)
        assert self.server.stdout
        self.server.stdout.readline()  # it listens

    def kill(self) -> None:
        """With the processes that it has, one for each client."""
        assert self.server
        assert self.server.stdout
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.stdout.close()
        self.server.wait(timeout=10)
        self.address.unlink(missing_ok=True)


def remote_module() -> Path:
    """p11-kit's client, whose folder Debian names by the architecture."""
    return next(Path("/usr/lib").glob("*/pkcs11/p11-kit-client.so"))
