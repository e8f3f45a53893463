"""Untrusted PDFs are opened in a child process with limits on time and memory, never here.

One warmed process waits with the libraries loaded and forks a child per document (`signing/child/process.py`); a
child that is killed, crashes or answers late is an outcome like any other. The child gets the file as a descriptor,
no secrets, no network and no way to write a file.
"""

from __future__ import annotations

import atexit
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any

from core.errors import PrajakError
from signing.child.wire import read_message, write_message
from signing.errors import PdfTooLarge, refusal_from_wire

PACKAGES = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Of one document. The wall clock is shorter than the request's 15 seconds."""

    seconds: float = 12.0
    cpu_seconds: int = 10
    memory_bytes: int = 1024 * 1024 * 1024  # beside what the libraries take


class ChildFailed(PrajakError):
    """The child did not finish; `cause` names where it crashed, without a word of the document."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


class Stopped(ChildFailed):
    """Its limits ended it: too slow, or too much memory."""


class WarmProcess:
    """The process that waits. Started at first use, again if it died, and anew in a worker that was forked."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.control: socket.socket | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0

    def send(self, descriptors: list[int]) -> None:
        """Hands a document and an answering socket to the warm process."""
        try:
            socket.send_fds(self.started(), [b"run"], descriptors)
        except OSError:  # it died while it waited
            socket.send_fds(self.started(again=True), [b"run"], descriptors)

    def started(self, *, again: bool = False) -> socket.socket:
        with self.lock:
            if again or self.owner != os.getpid() or self.control is None:
                self.close()
                self.control = self.start()
                self.owner = os.getpid()
            return self.control

    def start(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "signing.child.process"],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                cwd="/",
                env={"PYTHONPATH": str(PACKAGES), "PATH": os.defpath, "LANG": "C.UTF-8", "TZ": "UTC"},
            )
        return ours

    def close(self) -> None:
        """Ends the warm process: it leaves when its socket closes."""
        if self.control is not None:
            self.control.close()
        if self.process is not None and self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
        self.control = self.process = None


WARM = WarmProcess()
atexit.register(WARM.close)


def warm_up() -> None:
    """Starts loading the libraries without waiting for it; a worker calls it once at its start."""
    WARM.started()


def run(
    task: str,
    arguments: Mapping[str, Any],
    source: bytes | Path,
    *,
    max_bytes: int,
    limits: Limits | None = None,
) -> tuple[dict[str, Any], bytes]:
    """The task's answer and its bytes; raises PdfTooLarge, the child's own refusal, or ChildFailed."""
    limits = limits or Limits()
    with open_document(source, max_bytes) as document:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                WARM.send([theirs.fileno(), document.fileno()])
            request = {"task": task, "arguments": arguments, "limits": vars(limits)}
            return conversation(ours, request, time.monotonic() + limits.seconds)


def open_document(source: bytes | Path, max_bytes: int) -> Any:
    """A readable descriptor; its size is checked before a byte is read."""
    if isinstance(source, Path):
        file = source.open("rb")
        if os.fstat(file.fileno()).st_size > max_bytes:
            file.close()
            raise PdfTooLarge(max_bytes)
        return file
    if len(source) > max_bytes:
        raise PdfTooLarge(max_bytes)
    memory = os.fdopen(os.memfd_create("document"), "w+b")
    memory.write(source)
    memory.flush()
    return memory


def conversation(ours: socket.socket, request: Mapping[str, Any], deadline: float) -> tuple[dict[str, Any], bytes]:
    """Says what is to be done, hears who does it, and waits no longer than the deadline."""
    pid = 0
    try:
        write_message(ours, json.dumps(request).encode())
        pid = int(read_message(ours, deadline))
        answer: dict[str, Any] = json.loads(read_message(ours, deadline))
        attached = read_message(ours, deadline)
    except (OSError, EOFError, ValueError) as error:
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        cause = "too slow" if isinstance(error, TimeoutError) else "killed by its limits"
        raise Stopped(cause) from error
    if "refused" in answer:
        raise refusal_from_wire(answer["refused"])
    if "crashed" in answer:
        raise ChildFailed(str(answer["crashed"]))
    return answer, attached
