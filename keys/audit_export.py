"""The audit trail as a file, for those who keep it elsewhere: JSON lines that prove themselves.

    {"export": "prajak-audit-export-1", "origin": …, "after": N, "previous_hash": …}
    {"sequence": …, "number": …, …, "previous_hash": …, "entry_hash": …}      an entry, in the trail's order
    {"checkpoint": …, "time_stamp": …}                                        after the entry that it covers
    {"end": JWS}                                                              of typ `prajak-audit-export+jwt`

The JWS's claims are `iss`, `iat`, `after`, `sequence` and `head` of the last entry, `entries`, and `sha256` over every
byte before its line: what the chain does not cover of a file, this does. `as_of` is a time at which the trail ended
there, null where a part was asked for: so a witness who saw more by then shows that the trail was cut off before it was
exported. Each line has one form, so a byte that changes is found on its line.

Written page by page beside its name, synced and renamed when it is whole; what was interrupted can be taken up again.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path
from typing import IO

from core.audit_chain import GENESIS, Entry, entries, head
from core.audit_verify import Walk, paged_entries
from core.clock import timestamp
from core.errors import PrajakError
from core.ground import Ground
from keys.audit_checkpoint import checkpoint_line, stored_rows
from keys.audit_export_lines import END_TYPE, Digest, Exported, end_claims, end_line, entry_line, header_line
from keys.audit_export_reading import BrokenExport, read_part
from keys.audit_witness import sync_folder
from keys.jwt import sign_jwt
from keys.keystore import Keystore
from keys.purposes import Purpose

MOST = 2**63 - 1

Watch = Callable[[Iterable[Entry]], Iterable[Entry]]


class CannotExport(PrajakError):
    """The trail is broken, or the file cannot be taken up again; the text says which."""


class AuditExport:
    """Writes exports; `write` is called outside any transaction."""

    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        self.ground = ground
        self.keystore = keystore

    def write(
        self, out: Path, *, after: int = 0, until: int | None = None, resume: bool = False, watch: Watch = iter
    ) -> Exported:
        """The entries after `after`, up to `until` or the end that the trail has now. Raises CannotExport."""
        as_of = None if until else timestamp(self.ground.clock.now())
        with self.ground.database.read() as connection:
            end = min(head(connection)[0], until or MOST)
        part = out.with_name(f"{out.name}.part")
        with part.open("r+b" if resume else "wb") as file:
            part.chmod(0o600)
            under_way = self._taken_up(file) if resume else self._begun(file, after)
            self._write_entries(under_way, end, watch)
            exported = self._end(under_way, as_of)
            file.flush()
            os.fsync(file.fileno())
        part.replace(out)
        sync_folder(out.parent)
        return exported

    def _begun(self, file: IO[bytes], after: int) -> UnderWay:
        known = self._hash_of(after) if after else GENESIS
        under_way = UnderWay(file, Walk(after=after, head=known), after)
        under_way.put(header_line(self.ground.settings.issuer, after, known))
        return under_way

    def _taken_up(self, file: IO[bytes]) -> UnderWay:
        """Verified as far as it got, and cut after its last whole line: nobody else's bytes are signed."""
        try:
            read = read_part(file, origin=self.ground.settings.issuer)
        except BrokenExport as error:
            raise CannotExport(f"the export cannot be taken up again: {error}; begin it anew") from error
        if read.after and read.previous_hash != self._hash_of(read.after):
            raise CannotExport("the export cannot be taken up again: it begins with another trail; begin it anew")
        file.seek(read.length)
        file.truncate()
        return UnderWay(file, read.walk, read.after, read.digest, is_covered=read.ends_with_checkpoint)

    def _hash_of(self, sequence: int) -> bytes:
        with self.ground.database.read() as connection:
            found = next(entries(connection, after=sequence - 1, until=sequence), None)
        if found is None:
            raise CannotExport(f"there is no entry {sequence} to begin after")
        return found.entry_hash

    def _write_entries(self, under_way: UnderWay, end: int, watch: Watch) -> None:
        walk, database = under_way.walk, self.ground.database
        covered = stored_rows(database, after=walk.sequence if under_way.is_covered else walk.sequence - 1)
        row = next(covered, None)
        if row is not None and row["sequence"] == walk.sequence and walk.count:  # it was interrupted between the two
            under_way.put(checkpoint_line(row["jws"], row["time_stamp"]))
        for entry in watch(paged_entries(database, after=walk.sequence, until=end)):
            broken = walk.step(entry)
            if broken:
                raise CannotExport(f"the trail is broken at entry {broken.sequence}: {broken.why}")
            under_way.put(entry_line(entry))
            while row is not None and row["sequence"] < entry.sequence:
                row = next(covered, None)
            if row is not None and row["sequence"] == entry.sequence:
                under_way.put(checkpoint_line(row["jws"], row["time_stamp"]))

    def _end(self, under_way: UnderWay, as_of: int | None) -> Exported:
        walk = under_way.walk
        made = Exported(under_way.after, walk.sequence, walk.count, walk.head, as_of)
        claims = {"iss": self.ground.settings.issuer, "iat": timestamp(self.ground.clock.now())}
        claims |= end_claims(made, under_way.digest.digest())
        under_way.put(end_line(sign_jwt(self.keystore.active(Purpose.AUDIT), claims, typ=END_TYPE)))
        return made


class UnderWay:
    """A file that is being written, and what was written so far."""

    def __init__(
        self, file: IO[bytes], walk: Walk, after: int, digest: Digest | None = None, *, is_covered: bool = False
    ) -> None:
        self.file, self.walk, self.after = file, walk, after
        self.digest = digest or sha256()
        self.is_covered = is_covered

    def put(self, line: str) -> None:
        data = f"{line}\n".encode()
        self.digest.update(data)
        self.file.write(data)
