"""Messages between a process and its limited child: eight bytes of length, then the bytes."""

from __future__ import annotations

import socket
import time

LENGTH_BYTES = 8
CHUNK = 1 << 20


def write_message(connection: socket.socket, message: bytes) -> None:
    connection.sendall(len(message).to_bytes(LENGTH_BYTES, "big"))
    connection.sendall(message)


def read_message(connection: socket.socket, deadline: float | None = None) -> bytes:
    """Raises EOFError where the other side went away, TimeoutError at the deadline (of the monotonic clock)."""
    length = int.from_bytes(read_exactly(connection, LENGTH_BYTES, deadline), "big")
    return read_exactly(connection, length, deadline)


def read_exactly(connection: socket.socket, length: int, deadline: float | None) -> bytes:
    parts = bytearray()
    while len(parts) < length:
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            connection.settimeout(left)
        part = connection.recv(min(CHUNK, length - len(parts)))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
