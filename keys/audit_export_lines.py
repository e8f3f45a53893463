"""The lines of an exported audit trail, each in its one form: `audit_export` writes, `audit_export_reading` reads."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from core.audit_chain import COLUMNS, Entry

FORMAT = "prajak-audit-export-1"
END_TYPE = "prajak-audit-export+jwt"
LONGEST_LINE = 64 * 1024

compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Digest(Protocol):
    """A hash under way, of `hashlib`."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


@dataclass(frozen=True)
class Exported:
    """The entries after `after`, up to `sequence`, where the trail ended at `as_of`: None where a part was wanted."""

    after: int
    sequence: int
    entries: int
    head: bytes
    as_of: int | None


def header_line(origin: str, after: int, previous_hash: bytes) -> str:
    return compact({"export": FORMAT, "origin": origin, "after": after, "previous_hash": previous_hash.hex()})


def entry_line(entry: Entry) -> str:
    named: dict[str, Any] = dict(zip(COLUMNS, entry, strict=False))
    return compact(named | {"previous_hash": entry.previous_hash.hex(), "entry_hash": entry.entry_hash.hex()})


def end_line(jws: str) -> str:
    return compact({"end": jws})


def end_claims(exported: Exported, before: bytes) -> dict[str, object]:
    """What the end says beside `iss` and `iat`; `before` is the SHA-256 of every byte before its line."""
    return {
        "after": exported.after,
        "sequence": exported.sequence,
        "head": exported.head.hex(),
        "entries": exported.entries,
        "as_of": exported.as_of,
        "sha256": before.hex(),
    }
