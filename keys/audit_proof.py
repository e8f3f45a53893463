"""The proof of a stored trail: every entry walked, every checkpoint's signature verified and held against the chain.

Three things are told apart, and the last two need somebody outside: the chain fits itself and the checkpoints stored
beside it; it fits those that a witness kept; and with a JWKS that was kept too, a signer replaced inside is found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from operator import attrgetter
from pathlib import Path

from sqlalchemy import Connection

from core.audit_append_only import missing
from core.audit_chain import BEFORE_ALL, GENESIS, Entry, waiting
from core.audit_verify import (
    BrokenChain,
    Mark,
    Unreadable,
    Walk,
    Walked,
    paged_entries,
    said,
    stored_entries,
    verify_file,
)
from core.database import Database
from keys.audit_checkpoint import (
    KEPT,
    Believed,
    Checkpoint,
    ProvesNothing,
    mark_of,
    newest,
    read_line,
    stored_checkpoint,
    stored_rows,
)
from keys.own_jws import NotSigned

LONGEST_LINE = 64 * 1024

Watch = Callable[[Iterable[Entry]], Iterable[Entry]]  # a progress bar around what is walked


@dataclass(frozen=True)
class Proof:
    """`waiting` entries have no place in the chain yet; `disarmed` are the triggers that should refuse changes."""

    walked: Walked
    broken: BrokenChain | None
    waiting: int
    disarmed: Sequence[str]


def prove(
    database: Database,
    believed: Believed,
    *,
    origin: str,
    witnessed: Sequence[Checkpoint] = (),
    since: int = 0,
    watch: Watch = iter,
) -> Proof:
    """Walks the trail, from its beginning or from the newest checkpoint at `since` or before: one that a witness kept,
    where there is one. Raises NotSigned where a stored one is forged: nothing can begin there.
    """
    kept = max((each for each in witnessed if each.sequence <= since), key=attrgetter("sequence"), default=None)
    begin = kept or begin_at(database, believed, since, origin=origin)
    after, head = (begin.sequence, begin.head) if begin else (0, GENESIS)
    seen = (mark_of(each, by=KEPT) for each in sorted(witnessed, key=attrgetter("sequence")))
    stored = stored_marks(database, believed, after=after, origin=origin)
    walk = Walk(merge(stored, seen, key=attrgetter("sequence")), after=after, head=head)
    walked = walk.over(watch(paged_entries(database, after=after or BEFORE_ALL)))
    with database.read() as connection:
        broken = walked.broken or (stands_no_more(connection, begin) if begin else verify_file(connection))
        return Proof(walked, broken, waiting(connection).count, missing(connection))


def stands_no_more(connection: Connection, begin: Checkpoint) -> BrokenChain | None:
    """The entry that the walk went on from: also where nothing follows it."""
    try:
        entry = next(stored_entries(connection, after=begin.sequence - 1, until=begin.sequence), None)
    except Unreadable as error:
        return BrokenChain(begin.sequence, "", str(error))
    if entry is not None and entry.entry_hash == begin.head:
        return None
    seen = mark_of(begin, by="it was to begin at").name
    return BrokenChain(begin.sequence, said(entry.id) if entry else "", f"{seen} saw another entry there")


def begin_at(database: Database, believed: Believed, since: int, *, origin: str) -> Checkpoint | None:
    with database.read() as connection:
        row = newest(connection, until=since) if since else None
    return stored_checkpoint(row, believed, origin=origin) if row is not None else None


def stored_marks(database: Database, believed: Believed, *, after: int, origin: str) -> Iterator[Mark]:
    """Every stored checkpoint in the trail's order; one that we never signed is told when the walk comes to it."""
    for row in stored_rows(database, after=after or BEFORE_ALL):
        try:
            yield mark_of(stored_checkpoint(row, believed, origin=origin), by="stored beside it")
        except ProvesNothing:
            continue
        except NotSigned as error:
            yield Mark(row["sequence"], b"", "", forged=f"the checkpoint stored for this entry is forged: {error}")


def read_witnessed(path: Path, believed: Believed, *, origin: str = "") -> list[Checkpoint]:
    """The checkpoints of a witness's file, or of a mail as it was saved. Raises NotSigned naming the line."""
    found = []
    with path.open("r", encoding="utf-8", errors="replace", newline="\n") as lines:
        for number, line in enumerate(iter(lambda: lines.readline(LONGEST_LINE), ""), start=1):
            if not line.startswith('{"checkpoint"'):
                continue
            try:
                found.append(read_line(line.rstrip("\r\n"), believed, origin=origin))
            except NotSigned as error:
                raise NotSigned(f"line {number} of {path.name}: {error}") from error
    if not found:
        raise NotSigned(f"{path.name} holds no checkpoint")
    return found
