"""The documents on an officer's desk: their states, and the one step that each state allows.

A step is one conditional UPDATE whose row count is the answer, so that a stale tab, a double click or a second worker
finds the door closed instead of doing a thing twice.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from secrets import choice
from typing import Any

from sqlalchemy import Connection, RowMapping, Select, delete, insert, or_, select, update

from core.ground import Ground
from keys.data_key import DESK, Owner
from keys.envelope import DataKey, Envelope
from signing.models.document import SigningDocument
from signing.prepared import Placement
from signing.refusals import NoSuchDocument
from signing.sealed import TITLE

ROW = SigningDocument.__table__
CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no letter that is read as a digit
REFERENCE_LENGTH = 20  # 100 bits, in five groups of four


class State(StrEnum):
    UPLOADED = "uploaded"  # the place of the signature is not chosen yet
    PREPARED = "prepared"  # the bytes are frozen, the officer is asked
    AUTHORIZED = "authorized"  # the officer's assertion is spent, the signature is being completed
    SIGNED = "signed"


STEPS: Mapping[State, frozenset[State]] = {
    State.UPLOADED: frozenset({State.PREPARED}),
    State.PREPARED: frozenset({State.PREPARED, State.AUTHORIZED}),
    State.AUTHORIZED: frozenset({State.SIGNED, State.UPLOADED}),  # back where the authorization ran out unused
    State.SIGNED: frozenset(),
}
REMOVABLE = (State.UPLOADED, State.PREPARED)  # what is signed must stay findable by its reference


@dataclass(frozen=True, kw_only=True)
class PageFacts:
    """What the limited child found at upload."""

    page_sizes: tuple[tuple[float, float], ...]
    concerns: tuple[str, ...]
    signatures: int  # that the document brought along


@dataclass(frozen=True, kw_only=True)
class Document:
    """A row, read and opened; what may be None is said in `signing/models/document.py`."""

    id: str
    sub: str
    state: State
    reference: str
    title: str
    length: int
    document_hash: bytes
    facts: PageFacts
    created_at: datetime
    updated_at: datetime
    credential_id: str | None
    placement: Placement | None
    digest: bytes | None
    prepared_at: datetime | None
    authorized_at: datetime | None
    authorization_expires_at: datetime | None
    busy_until: datetime | None
    signed_attributes_hash: bytes | None
    signature_value: bytes | None
    signed_at: datetime | None
    result_hash: bytes | None

    @property
    def pages(self) -> int:
        return len(self.facts.page_sizes)


class Documents:
    """Reads and conditional writes; each write joins its caller's transaction."""

    def __init__(self, ground: Ground, envelope: Envelope) -> None:
        self.ground = ground
        self.envelope = envelope

    def load(self, document_id: str, *, sub: str) -> Document:
        """The officer's own document. Another's does not exist for them: NoSuchDocument."""
        return self._one(select(ROW).where(SigningDocument.id == document_id, SigningDocument.sub == sub))

    def load_any(self, document_id: str) -> Document:
        """For work that is already authorized."""
        return self._one(select(ROW).where(SigningDocument.id == document_id))

    def load_signed(self, reference: str) -> Document:
        """By the reference in the QR code; what is not signed is not found."""
        signed = (SigningDocument.reference == reference, SigningDocument.state == State.SIGNED)
        return self._one(select(ROW).where(*signed))

    def of(self, sub: str, limit: int = 200) -> list[Document]:
        """Newest first."""
        query = select(ROW).where(SigningDocument.sub == sub).order_by(SigningDocument.updated_at.desc()).limit(limit)
        with self.ground.database.read() as connection:
            rows = connection.execute(query).mappings().all()
        key = self.envelope.load_key(Owner(DESK, sub))
        return [self._opened(row, key) for row in rows]

    def key(self, sub: str) -> DataKey:
        """The data key of the officer's desk, made with their first document or session. Not within a transaction."""
        return self.envelope.ensure_key(Owner(DESK, sub))

    def interrupted(self, patience: timedelta) -> list[str]:
        """Authorized a while ago, and nobody is completing them."""
        now = self.ground.clock.now()
        free = or_(SigningDocument.busy_until.is_(None), SigningDocument.busy_until < now)
        since = (SigningDocument.state == State.AUTHORIZED, SigningDocument.authorized_at < now - patience)
        with self.ground.database.read() as connection:
            return list(connection.execute(select(SigningDocument.id).where(*since, free).limit(20)).scalars())

    def add(
        self, connection: Connection, *, document_id: str, title: str, key: DataKey, facts: PageFacts, **values: Any
    ) -> None:
        """A new document of the officer whose desk `key` is."""
        sizes = [list(size) for size in facts.page_sizes]
        now = self.ground.clock.now()
        row = {
            "id": document_id,
            "state": State.UPLOADED,
            "reference": new_reference(),
            "sub": key.owner.id,
            "title_sealed": key.seal(title.encode(), aad=TITLE.aad(id=document_id)),
            "facts": json.dumps([sizes, list(facts.concerns), facts.signatures]),
            "created_at": now,
            "updated_at": now,
            **values,
        }
        connection.execute(insert(SigningDocument), row)

    def step(self, connection: Connection, document_id: str, to: State, *where: Any, **values: Any) -> bool:
        """True when the document was in a state that allows this step, and `where` held, and the step is taken."""
        allowed = [state.value for state, steps in STEPS.items() if to in steps]
        conditions = (SigningDocument.id == document_id, SigningDocument.state.in_(allowed), *where)
        changed = {"state": to.value, "updated_at": self.ground.clock.now(), **values}
        return connection.execute(update(SigningDocument).where(*conditions).values(**changed)).rowcount == 1

    def change(self, connection: Connection, document_id: str, *where: Any, **values: Any) -> bool:
        """The same without a step."""
        conditions = (SigningDocument.id == document_id, *where)
        return connection.execute(update(SigningDocument).where(*conditions).values(**values)).rowcount == 1

    def remove(self, connection: Connection, document_id: str) -> bool:
        removable = SigningDocument.state.in_([state.value for state in REMOVABLE])
        gone = delete(SigningDocument).where(SigningDocument.id == document_id, removable)
        return connection.execute(gone).rowcount == 1

    def _one(self, query: Select[Any]) -> Document:
        with self.ground.database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None:
            raise NoSuchDocument
        return self._opened(row, self.envelope.load_key(Owner(DESK, row["sub"])))

    def _opened(self, row: RowMapping, key: DataKey) -> Document:
        sizes, concerns, signatures = json.loads(row["facts"])
        facts = PageFacts(
            page_sizes=tuple((size[0], size[1]) for size in sizes), concerns=tuple(concerns), signatures=signatures
        )
        opened: dict[str, Any] = {
            "state": State(row["state"]),
            "title": title_of(row, key),
            "facts": facts,
            "placement": placement_of(row),
        }
        names = [name for name in Document.__dataclass_fields__ if name not in opened]
        return Document(**opened, **{name: row[name] for name in names})


def title_of(row: RowMapping, key: DataKey) -> str:
    """The title; the reference for a document whose officer was erased, and the title with them."""
    if not row["title_sealed"]:
        return grouped_reference(row["reference"])
    return key.open(row["title_sealed"], aad=TITLE.aad(id=row["id"])).decode()


def placement_of(row: RowMapping) -> Placement | None:
    if row["page"] is None:
        return None
    return Placement(**{name: row[name] for name in ("page", "left", "bottom", "width", "height")})


def new_reference() -> str:
    """What stands under the QR code: nobody guesses it, and a person can read it aloud and type it."""
    return "".join(choice(CROCKFORD) for _ in range(REFERENCE_LENGTH))


def typed_reference(text: str) -> str:
    """As people type it: any case, with or without the spaces and dashes, O for 0, I and L for 1."""
    plain = "".join(each for each in text.upper() if each not in " -\u2010\u2011\u2013")
    return plain.translate(str.maketrans("OIL", "011"))


def grouped_reference(reference: str) -> str:
    return "-".join(reference[start : start + 4] for start in range(0, len(reference), 4))
