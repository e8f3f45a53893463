"""Numbers of one worker that every worker can read: a small file mapped into memory.

A scrape meets any one worker and must hear of all. Each has a file of its own, held by a lock while it lives. What a
killed worker counted stays in its file, and the next one to start takes the file over and counts on, so a counter
never falls and there are never more files than there were workers at once.
"""

from __future__ import annotations

import json
import mmap
import os
from collections.abc import Iterator, Mapping, Sequence
from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, flock
from itertools import count
from pathlib import Path
from struct import Struct
from struct import error as StructError  # noqa: N812 - so that it reads as what it is
from typing import BinaryIO, Protocol, TypeAlias

Key: TypeAlias = tuple[str, ...]  # a metric's name, and the values of its labels in order

SIZE = 1024 * 1024  # bytes of one worker; what does not fit is not counted
HEADER = Struct("=8sQ")  # the format, and how many bytes are in use
MARK = b"prajak-1"
LENGTH = Struct("=Q")
VALUE = Struct("=d")


class Values(Protocol):
    """Where this process's numbers are. The caller sees to it that one thread at a time is here."""

    def add(self, key: Key, amount: float) -> None: ...

    def put(self, key: Key, value: float) -> None: ...

    def workers(self) -> Iterator[tuple[bool, Mapping[Key, float]]]:
        """Whether it lives, and its numbers, for each worker there was."""


class OwnValues(dict[Key, float]):
    """A process that nobody scrapes, or that is alone."""

    def add(self, key: Key, amount: float) -> None:
        self[key] = self.get(key, 0.0) + amount

    def put(self, key: Key, value: float) -> None:
        self[key] = value

    def workers(self) -> Iterator[tuple[bool, Mapping[Key, float]]]:
        yield True, dict(self)


class SharedValues:
    """This worker's file in the folder of all."""

    def __init__(self, folder: Path) -> None:
        """OSError where the folder cannot be written or the disk is full."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._file = take_free(folder)
        os.posix_fallocate(self._file.fileno(), 0, SIZE)  # a hole in the file would kill the process on a full disk
        self._map = mmap.mmap(self._file.fileno(), SIZE)
        if not is_whole(self._map):
            HEADER.pack_into(self._map, 0, MARK, HEADER.size)
        self._offsets = {key: offset for key, offset, _ in entries(self._map)}

    def add(self, key: Key, amount: float) -> None:
        offset = self._offset(key)
        if offset is not None:
            VALUE.pack_into(self._map, offset, VALUE.unpack_from(self._map, offset)[0] + amount)

    def put(self, key: Key, value: float) -> None:
        offset = self._offset(key)
        if offset is not None:
            VALUE.pack_into(self._map, offset, value)

    def workers(self) -> Iterator[tuple[bool, Mapping[Key, float]]]:
        own = Path(self._file.name)
        yield True, {key: value for key, _, value in entries(self._map)}
        for path in self.folder.glob("*.values"):
            if path != own:
                yield read(path)

    def close(self) -> None:
        self._map.close()
        self._file.close()

    def _offset(self, key: Key) -> int | None:
        """Where its value stands; a new key is whole before the header says that it is there."""
        offset = self._offsets.get(key)
        if offset is None:
            name = json.dumps(key, ensure_ascii=False).encode()
            name += b" " * (-len(name) % VALUE.size)  # values stay aligned: written and read in one piece
            used = HEADER.unpack_from(self._map)[1]
            offset = used + LENGTH.size + len(name)
            if offset + VALUE.size > SIZE:
                return None
            LENGTH.pack_into(self._map, used, len(name))
            self._map[used + LENGTH.size : offset] = name
            VALUE.pack_into(self._map, offset, 0.0)
            HEADER.pack_into(self._map, 0, MARK, offset + VALUE.size)
            self._offsets[key] = offset
        return offset


def take_free(folder: Path) -> BinaryIO:
    """The first file that no living worker holds, with its lock."""
    for number in count():
        file = (folder / f"{number}.values").open("a+b")
        try:
            flock(file, LOCK_EX | LOCK_NB)
        except BlockingIOError:
            file.close()
            continue
        return file
    raise AssertionError("numbers do not end")


def read(path: Path) -> tuple[bool, Mapping[Key, float]]:
    """Another worker's numbers. Its lock says whether it lives."""
    with path.open("rb") as file:
        content = file.read(SIZE)
        try:
            flock(file, LOCK_SH | LOCK_NB)
        except BlockingIOError:
            lives = True
        else:
            lives = False
            flock(file, LOCK_UN)
    return lives, {key: value for key, _, value in entries(content)} if is_whole(content) else {}


def is_whole(content: bytes | mmap.mmap) -> bool:
    """A new file is not, nor one that was being written when the power went."""
    if len(content) < HEADER.size or content[: len(MARK)] != MARK:
        return False
    if not HEADER.size <= HEADER.unpack_from(content)[1] <= len(content):
        return False
    try:
        return all(entries(content))
    except (ValueError, StructError):
        return False


def entries(content: bytes | mmap.mmap) -> Iterator[tuple[Key, int, float]]:
    """Every key, where its value stands, and the value; ValueError or struct's error in a file that is not whole."""
    at, used = HEADER.size, HEADER.unpack_from(content)[1]
    while at < used:
        offset = at + LENGTH.size + LENGTH.unpack_from(content, at)[0]
        name: Sequence[str] = json.loads(content[at + LENGTH.size : offset])
        yield tuple(name), offset, VALUE.unpack_from(content, offset)[0]
        at = offset + VALUE.size
