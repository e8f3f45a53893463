"""Verifying an export of the audit trail with nothing but the file and public keys: no database, no network.

1. every line is whole, and in its one form
2. the header says where the export begins
3. every entry fits the one before it (`core.audit_verify`)
4. every checkpoint is signed, and names the entry that it stands after
5. the end is signed, and says the same of every byte before it
6. of what a witness kept, nothing saw more of the trail than there was when it was exported
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from operator import attrgetter
from pathlib import Path
from typing import IO, Any

from core.audit_chain import COLUMNS, Entry
from core.audit_verify import BrokenChain, Walk, Walked
from core.clock import timestamp
from keys.audit_checkpoint import KEPT, Believed, Checkpoint, mark_of, read_line
from keys.audit_export_lines import (
    END_TYPE,
    FORMAT,
    LONGEST_LINE,
    Digest,
    Exported,
    end_claims,
    end_line,
    entry_line,
    header_line,
)
from keys.own_jws import NotSigned, verified_claims

BETWEEN_CLOCKS = 60  # seconds that two hosts may be apart

Watch = Callable[[Iterable[bytes]], Iterable[bytes]]


class BrokenExport(ValueError):
    """What is wrong with a line."""


@dataclass(frozen=True)
class ExportProof:
    """Of whose trail it is, what of it fits, and how many checkpoints in it do."""

    origin: str
    walked: Walked
    checkpoints: int
    broken: BrokenChain | None


@dataclass(frozen=True)
class Header:
    origin: str
    after: int
    previous_hash: bytes


@dataclass(frozen=True)
class ReadPart:
    """An export without its end, as far as it is whole."""

    walk: Walk
    after: int
    previous_hash: bytes
    length: int
    digest: Digest
    ends_with_checkpoint: bool


class Reading:
    """One export under way. `number` is the line that is being read."""

    def __init__(self, believed: Believed, witnessed: Sequence[Checkpoint]) -> None:
        self.believed, self.witnessed = believed, sorted(witnessed, key=attrgetter("sequence"))
        self.header: Header | None = None
        self.walk, self.digest = Walk(), sha256()
        self.number, self.checkpoints = 0, 0
        self.is_ended = False

    def lines(self, file: IO[bytes]) -> Iterator[bytes]:
        found = whole_lines(file)
        while True:
            self.number += 1
            line = next(found, None)
            if line is None:
                return
            yield line

    def take(self, line: bytes) -> BrokenChain | None:
        """The next line. Raises BrokenExport or NotSigned."""
        broken, text = None, decoded(line)
        if self.is_ended:
            raise BrokenExport("it stands after the end")
        if self.header is None:
            self._begin(parse_header(text))
        elif text.startswith('{"checkpoint"'):
            self._checkpoint(text, self.header)
        elif text.startswith('{"end"'):
            self._end(text, self.header)
        else:
            broken = self.walk.step(parse_entry(text))
        self.digest.update(line + b"\n")
        return broken

    def check_ended(self) -> None:
        if not self.is_ended:
            raise BrokenExport("the file ends without its signed end: it was cut off")

    def _begin(self, header: Header) -> None:
        seen = (mark_of(each, by=KEPT) for each in self.witnessed)
        self.header, self.walk = header, Walk(seen, after=header.after, head=header.previous_hash)
        self.walk.begin()

    def _checkpoint(self, line: str, header: Header) -> None:
        found = read_line(line, self.believed, origin=header.origin)
        if (found.sequence, found.head) != (self.walk.sequence, self.walk.head):
            raise BrokenExport(f"the checkpoint of entry {found.sequence} disagrees with what stands before it")
        self.checkpoints += 1

    def _end(self, line: str, header: Header) -> None:
        jws = str(json_line(line).get("end"))
        if end_line(jws) != line:
            raise BrokenExport("the end has another form")
        claims = dict(verified_claims(jws, self.believed.keys, typ=END_TYPE))
        claims.pop("iat", None)
        as_of = claims.get("as_of")
        if as_of is not None and type(as_of) is not int:
            raise BrokenExport("the end does not say of when it is")
        exported = Exported(header.after, self.walk.sequence, self.walk.count, self.walk.head, as_of)
        if claims != {"iss": header.origin} | end_claims(exported, self.digest.digest()):
            raise BrokenExport("the signed end disagrees with the bytes before it")
        if as_of is not None:
            self._check_not_cut_off(as_of)
        self.is_ended = True

    def _check_not_cut_off(self, as_of: int) -> None:
        """A trail that was cut off before it was exported fits itself, and less was seen of it than before."""
        for each in self.witnessed:
            if each.sequence > self.walk.sequence and timestamp(each.at) < as_of - BETWEEN_CLOCKS:
                raise BrokenExport(
                    f"the trail ends at entry {self.walk.sequence}; {mark_of(each, by=KEPT).name} saw more"
                )


def verify_export(
    path: Path, believed: Believed, *, witnessed: Sequence[Checkpoint] = (), watch: Watch = iter
) -> ExportProof:
    """Reads to the end, or to the first line that does not fit, which the finding names."""
    reading, broken = Reading(believed, witnessed), None
    with path.open("rb") as file:
        try:
            for line in watch(reading.lines(file)):
                broken = reading.take(line)
                if broken:
                    break
            else:
                reading.check_ended()
        except (BrokenExport, NotSigned) as error:
            broken = BrokenChain(reading.walk.sequence + 1, "", str(error))
    if broken:
        broken = replace(broken, why=f"line {reading.number}: {broken.why}")
    return proof_of(reading, broken)


def proof_of(reading: Reading, broken: BrokenChain | None) -> ExportProof:
    walk = reading.walk
    walked = Walked(walk.count, walk.sequence, walk.head, walk.marks_met, walk.marked, broken)
    return ExportProof(reading.header.origin if reading.header else "", walked, reading.checkpoints, broken)


def read_part(file: IO[bytes], *, origin: str) -> ReadPart:
    """An export that was interrupted: its entries verified, its last line dropped where it is not whole."""
    walk, after, previous_hash, length, digest, last = Walk(), 0, b"", 0, sha256(), ""
    try:
        for number, line in enumerate(whole_lines(file, last_may_be_cut=True)):
            last = decoded(line)
            if number == 0:
                header = parse_header(last)
                if header.origin != origin:
                    raise BrokenExport("it is of another trail")
                after, previous_hash = header.after, header.previous_hash
                walk = Walk(after=after, head=previous_hash)
            elif not last.startswith('{"checkpoint"'):
                broken = walk.step(parse_entry(last))
                if broken:
                    raise BrokenExport(broken.why)
            length += len(line) + 1
            digest.update(line + b"\n")
    except NotSigned as error:
        raise BrokenExport(str(error)) from error
    if not length:
        raise BrokenExport("nothing was written yet")
    return ReadPart(walk, after, previous_hash, length, digest, last.startswith('{"checkpoint"'))


def whole_lines(file: IO[bytes], *, last_may_be_cut: bool = False) -> Iterator[bytes]:
    """Without their ends; bounded, so that a file of one line does not fill the memory."""
    while line := file.readline(LONGEST_LINE):
        if not line.endswith(b"\n"):
            if last_may_be_cut:
                return
            raise BrokenExport("the line is not whole")
        yield line[:-1]


def decoded(line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BrokenExport("the line is not UTF-8") from error


def json_line(line: str) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise BrokenExport("the line is not JSON") from error
    if not isinstance(found, dict):
        raise BrokenExport("the line is not a JSON object")
    return found


def parse_header(line: str) -> Header:
    found = json_line(line)
    try:
        header = Header(found["origin"], found["after"], bytes.fromhex(found["previous_hash"]))
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenExport("this is no export of an audit trail") from error
    if found.get("export") != FORMAT or header_line(header.origin, header.after, header.previous_hash) != line:
        raise BrokenExport("the header has another form")
    return header


def parse_entry(line: str) -> Entry:
    found = json_line(line)
    try:
        hashes = (bytes.fromhex(found["previous_hash"]), bytes.fromhex(found["entry_hash"]))
        entry = Entry._make([*(found[name] for name in COLUMNS), *hashes])
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenExport("the line is no entry") from error
    if entry_line(entry) != line:
        raise BrokenExport("the entry has another form")
    return entry
