"""The warm process and the child it forks for each document.

1. load the libraries, sign and judge a document of our own once, freeze the heap
2. for each request: fork; the parent side goes on waiting
3. in the child: limits, then no network, no writing, no programs; the task; the answer; the end
"""

from __future__ import annotations

import ctypes
import gc
import io
import json
import logging
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from core.errors import PersonError
from signing.child.rehearsal import rehearse
from signing.child.tasks import TASKS
from signing.child.wire import read_message, write_message
from signing.errors import PdfTooComplex, refusal_to_wire

CLONE_NEWNET = 0x40000000
CLONE_NEWUSER = 0x10000000
PR_SET_NO_NEW_PRIVS = 38
FORBIDDEN_EVENTS = ("socket.", "subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.system", "shutil.", "ctypes.")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Waits on its standard input, a socket, until the other side closes it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # children are reaped by the kernel
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt of the terminal's group is the owner's to handle
    logging.disable(logging.CRITICAL)
    control = socket.socket(fileno=0)
    rehearse()
    leave_network()
    gc.freeze()
    while True:
        message, descriptors, _, _ = socket.recv_fds(control, 16, 2)
        if not message:
            return
        if os.fork() == 0:
            control.close()
            serve_one(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def leave_network() -> None:
    """A network namespace with nothing in it, where the kernel lets us; the audit hook holds everywhere."""
    libc = ctypes.CDLL(None)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def serve_one(answering: int, document: int) -> NoReturn:
    """One document, then the end of the process, whatever happens."""
    try:
        with socket.socket(fileno=answering) as connection:
            write_message(connection, str(os.getpid()).encode())
            request = json.loads(read_message(connection))
            limit(request["limits"])
            answer, attached = perform(request["task"], request["arguments"], document)
            write_message(connection, json.dumps(answer).encode())
            write_message(connection, attached)
    finally:
        os._exit(0)


def limit(limits: Mapping[str, Any]) -> None:
    """Memory beside what is mapped already, processor time, no file written, no core left."""
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    ceiling = mapped + int(limits["memory_bytes"])
    resource.setrlimit(resource.RLIMIT_AS, (ceiling, ceiling))
    resource.setrlimit(resource.RLIMIT_CPU, (int(limits["cpu_seconds"]), int(limits["cpu_seconds"])))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.addaudithook(refuse)


def refuse(event: str, arguments: tuple[Any, ...]) -> None:
    """What no document has a reason to bring about (PEP 578). An event loop may have its pair of local sockets."""
    if event == "socket.__new__" and arguments[1] == socket.AF_UNIX:
        return
    if event.startswith(FORBIDDEN_EVENTS):
        raise PermissionError(event)
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & WRITING:
        raise PermissionError(event)


def perform(task: str, arguments: Mapping[str, Any], document: int) -> tuple[dict[str, Any], bytes]:
    """The answer, a refusal for the person, or where it crashed: never a traceback's text, which may quote the file."""
    try:
        with os.fdopen(document, "rb") as file:
            file.seek(0)
            return TASKS[task](io.BytesIO(file.read()), arguments)
    except PersonError as refusal:
        return {"refused": refusal_to_wire(refusal)}, b""
    except (MemoryError, RecursionError):
        with suppress(MemoryError):
            gc.collect()
        return {"refused": refusal_to_wire(PdfTooComplex())}, b""
    except Exception as error:  # noqa: BLE001 - whatever a hostile document brings about is an answer, not a crash
        return {"crashed": whereabouts(error)}, b""


def whereabouts(error: Exception) -> str:
    """The kind of error and the last places it passed, without its message."""
    frames = traceback.extract_tb(error.__traceback__)[-3:]
    places = " < ".join(f"{Path(frame.filename).name}:{frame.lineno}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"


if __name__ == "__main__":
    main()
