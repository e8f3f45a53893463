"""Proving a trail, from the database or from an export: one walk over entries in their order.

1. entry N has the place N: none is missing, none was put in between
2. its `previous_hash` is the hash of the entry before
3. its `entry_hash` is its own: no column was changed
4. a mark (a checkpoint that somebody signed, or saw) names the hash that stands at its place: a chain that was
   computed anew fits itself, and not what was seen before
5. the trail is at least as long as the longest mark: none was cut off

The walk keeps nothing: 100 million entries need no more memory than one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from core.audit_chain import BEFORE_ALL, GENESIS, PAGE, Entry, entries, is_own_hash
from core.database import Database


@dataclass(frozen=True)
class Mark:
    """What was seen of the trail at one time; `name` says by whom. `forged` says why it must not be believed, and is
    empty for a good one.
    """

    sequence: int
    head: bytes
    name: str
    forged: str = ""


@dataclass(frozen=True)
class BrokenChain:
    """The first entry that does not fit, and why. `entry_id` is empty where there is none to name."""

    sequence: int
    entry_id: str
    why: str


@dataclass(frozen=True)
class Walked:
    """`entries` fit, up to `sequence`, whose hash is `head`; `marks` of those met agree, up to `marked`."""

    entries: int
    sequence: int
    head: bytes
    marks: int
    marked: int
    broken: BrokenChain | None


class Unreadable(ValueError):
    """An entry that cannot even be read: its bytes are not what the column holds."""

    def __str__(self) -> str:
        return "what is stored there cannot be read"


class Walk:
    """One proof under way; give it entries in order, then ask for the end."""

    def __init__(self, marks: Iterable[Mark] = (), *, after: int = 0, head: bytes = GENESIS) -> None:
        self.sequence, self.head = after, head
        self.count, self.marks_met, self.marked = 0, 0, after
        self.second_edition = False
        self._marks = (mark for mark in marks if mark.sequence > after or mark.forged)
        self._next: Mark | None = None

    def over(self, found: Iterable[Entry]) -> Walked:
        """Walks to the end, or to the first entry that does not fit."""
        broken = None
        try:
            self.begin()
            for entry in found:
                broken = self.step(entry)
                if broken:
                    break
            else:
                broken = self.cut_off()
        except Unreadable as error:
            broken = BrokenChain(self.sequence + 1, "", str(error))
        return Walked(self.count, self.sequence, self.head, self.marks_met, self.marked, broken)

    def begin(self) -> None:
        """Before the first step: the first mark that will be met."""
        self._next = next(self._marks, None)

    def step(self, entry: Entry) -> BrokenChain | None:
        """None when the entry fits and is now the head."""
        expected = self.sequence + 1
        if type(entry.sequence) is not int or entry.sequence != expected:
            return BrokenChain(expected, "", f"entry {expected} is missing: {entry.sequence!r} stands there")
        if entry.previous_hash != self.head:
            return BrokenChain(expected, said(entry.id), "previous_hash is not the hash of the entry before")
        if not self._is_own_hash(entry):
            return BrokenChain(expected, said(entry.id), "the entry was changed after it was chained")
        self.sequence, self.head, self.count = expected, entry.entry_hash, self.count + 1
        return self._marks_here()

    def cut_off(self) -> BrokenChain | None:
        """At the end of the trail: a mark that lies beyond it."""
        if self._next is None:
            return None
        if self._next.forged:
            return BrokenChain(self._next.sequence, "", self._next.forged)
        why = f"the trail ends at entry {self.sequence}; {self._next.name} saw entry {self._next.sequence}"
        return BrokenChain(self.sequence + 1, "", why)

    def _is_own_hash(self, entry: Entry) -> bool:
        if is_own_hash(entry, self.head, first_edition=False):
            self.second_edition = True
            return True
        return not self.second_edition and is_own_hash(entry, self.head)

    def _marks_here(self) -> BrokenChain | None:
        while self._next is not None and self._next.sequence <= self.sequence:
            mark = self._next
            if mark.forged:
                return BrokenChain(mark.sequence, "", mark.forged)
            if mark.head != self.head:
                first = self.marked + 1
                span = f"one of the entries {first} to {mark.sequence}" if first < mark.sequence else f"entry {first}"
                return BrokenChain(first, "", f"{span} was changed and the chain computed anew: {mark.name} disagrees")
            self.marks_met, self.marked = self.marks_met + 1, self.sequence
            self._next = next(self._marks, None)
        return None


def stored_entries(connection: Connection, *, after: int = BEFORE_ALL, until: int | None = None) -> Iterator[Entry]:
    """`entries`, with what the database cannot read told as Unreadable."""
    for page in (PAGE, 1):  # a page that cannot be read is read again by single entries: up to the very one
        try:
            for entry in entries(connection, after=after, until=until, page=page):
                yield entry
                after = entry.sequence
        except (DBAPIError, UnicodeError) as error:
            if page == 1:
                raise Unreadable from error
        else:
            return


def paged_entries(database: Database, *, after: int = BEFORE_ALL, until: int | None = None) -> Iterator[Entry]:
    """The same, each page in a read of its own: a proof that takes an hour must not hold a snapshot for an hour."""
    while True:
        with database.read() as connection:
            page, unreadable = one_page(stored_entries(connection, after=after, until=until))
        yield from page
        if unreadable:
            raise unreadable
        if len(page) < PAGE:
            return
        after = page[-1].sequence


def one_page(found: Iterator[Entry]) -> tuple[list[Entry], Unreadable | None]:
    page: list[Entry] = []
    try:
        page.extend(islice(found, PAGE))
    except Unreadable as error:
        return page, error
    return page, None


def verify_chain(connection: Connection, marks: Iterable[Mark] = ()) -> BrokenChain | None:
    """Walks the whole trail; None when every entry fits, else the first that does not."""
    return Walk(marks).over(stored_entries(connection)).broken or verify_file(connection)


def verify_file(connection: Connection) -> BrokenChain | None:
    """SQLite reads a column from an index where it can: that table and indexes agree is asked of itself."""
    if connection.dialect.name != "sqlite":
        return None
    found = str(connection.execute(text("PRAGMA integrity_check('audit_entry')")).scalar_one())
    return None if found == "ok" else BrokenChain(0, "", f"the database file is damaged: {found.splitlines()[0]}")


def said(value: object) -> str:
    return value if isinstance(value, str) else repr(value)
