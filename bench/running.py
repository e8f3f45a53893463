"""The trust services as strangers meet them: the provider serves in processes of its own, and many ask at once.

The askers are bare sockets that send the same bytes again, so that what is measured is the server: they share the
machine with it all the same.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic
from typing import BinaryIO

from rich.table import Table

SECONDS = 4.0
ASKERS = 8
READY = 60.0  # seconds
PATIENCE = 10.0


@dataclass(frozen=True)
class Question:
    """`target`: answers a second that are wanted; 0 where nobody said. `least`: bytes; what is shorter is a refusal."""

    name: str
    path: str
    content_type: str
    body: bytes
    least: int
    target: int = 0

    def encoded(self, host: str) -> bytes:
        if not self.body:
            return f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: {self.content_type}\r\n"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


@contextmanager
def serving(environment: dict[str, str], port: int, workers: int) -> Iterator[None]:
    """`prajak serve` with these settings, until the block ends."""
    settings = [f"{name}={value}" for name, value in environment.items()]
    command = [str(Path(sys.executable).parent / "prajak"), "serve", "--port", str(port), "--workers", str(workers)]
    process = subprocess.Popen(["env", *settings, *command])
    try:
        wait_until_ready(port)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)


def wait_until_ready(port: int) -> None:
    until = monotonic() + READY
    pause = threading.Event()
    while monotonic() < until:
        try:
            connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/healthz", headers={"Host": f"localhost:{port}"})
            connection.getresponse().read()
            connection.close()
        except OSError:
            pause.wait(0.1)
        else:
            return
    raise RuntimeError("the server did not become ready")


def answers_per_second(question: Question, port: int) -> float:
    """Over SECONDS, from ASKERS connections that are kept. RuntimeError for a refusal."""
    request, until = question.encoded(f"localhost:{port}"), monotonic() + SECONDS
    counts, failures = [0] * ASKERS, list[str]()

    def ask(number: int) -> None:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            reader = connection.makefile("rb")
            while monotonic() < until and not failures:
                connection.sendall(request)
                status = reader.readline()
                body = reader.read(length_of(reader))
                if b" 200 " not in status or len(body) < question.least:
                    failures.append(f"{status!r} {body[:200]!r}")
                counts[number] += 1

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(ASKERS)]
    begun = monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(f"{question.name}: {failures[0]}")
    return sum(counts) / (monotonic() - begun)


def length_of(reader: BinaryIO) -> int:
    """Reads the head to its end."""
    length = 0
    for line in iter(reader.readline, b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return length


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def table_of(questions: list[Question], port: int, workers: int) -> tuple[Table, bool]:
    table, missed = Table(f"over HTTP, {workers} workers, {ASKERS} askers", "answers/s", "wanted"), False
    for question in questions:
        rate = answers_per_second(question, port)
        missed |= bool(question.target) and rate < question.target
        table.add_row(question.name, f"{rate:.0f}", str(question.target or ""))
    return table, missed
