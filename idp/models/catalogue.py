"""The claims catalogue: which records an agency serves to others, from where, under which law, kept for how long.

Digital Administration Act B.E. 2562, section 13: what one agency holds, another asks it for, and not the citizen again.
An entry is found by its `identifier`, which requests name (RFC 9396 section 2.2) and which never changes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, String, Text, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.ground import Ground

CLASSIFICATIONS = ("open", "internal", "confidential", "secret")


class CatalogueEntry(Base):
    """`resource` is the API that serves the record (RFC 8707) and `client_id` that API's own client, which may ask what
    a token for it stands for. `recipients` is a JSON list of the client_ids that it is offered to. `withdrawn_at` is
    empty while it is offered.
    """

    __tablename__ = "catalogue_entry"

    identifier: Mapped[str] = mapped_column(String(80), primary_key=True)
    agency_id: Mapped[str] = mapped_column(String(22), index=True)
    client_id: Mapped[str] = mapped_column(String(80))
    resource: Mapped[str] = mapped_column(String(400), index=True)
    name_th: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(300))
    classification: Mapped[str] = mapped_column(String(20))
    legal_basis: Mapped[str] = mapped_column(String(30))
    law: Mapped[str] = mapped_column(String(300))
    retention: Mapped[str] = mapped_column(String(300))
    recipients: Mapped[str] = mapped_column(Text)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


ENTRY = CatalogueEntry.__table__
OFFERED = select(ENTRY).where(ENTRY.c.withdrawn_at.is_(None))


@dataclass(frozen=True)
class Entry:
    identifier: str
    agency_id: str
    client_id: str
    resource: str
    name_th: str
    name_en: str
    source: str
    classification: str
    legal_basis: str
    law: str
    retention: str
    recipients: tuple[str, ...]

    def name(self, language: str) -> str:
        return self.name_th if language == "th" else self.name_en

    def is_offered_to(self, client_id: str, *, at: str) -> bool:
        """To this client, at that API: the holder may change either at any time."""
        return client_id in self.recipients and at == self.resource


class Catalogue:
    """`idp.oauth2.authorization_request.Records`."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def find(self, identifier: str) -> Entry | None:
        with self.ground.database.read() as connection:
            return load_entry(connection, identifier)


def load_entry(connection: Connection, identifier: str) -> Entry | None:
    """One that is offered."""
    row = connection.execute(OFFERED.where(ENTRY.c.identifier == identifier)).mappings().first()
    return None if row is None else entry(dict(row))


def load_entry_ever(connection: Connection, identifier: str) -> Entry | None:
    """One that is offered, or was: what a person allowed and what was fetched keeps its name."""
    row = connection.execute(select(ENTRY).where(ENTRY.c.identifier == identifier)).mappings().first()
    return None if row is None else entry(dict(row))


def load_entries(connection: Connection, agency_ids: Iterable[str]) -> list[Entry]:
    """Those that agencies offer, by their names."""
    query = OFFERED.where(ENTRY.c.agency_id.in_(list(agency_ids))).order_by(ENTRY.c.identifier)
    return [entry(dict(row)) for row in connection.execute(query).mappings()]


def load_entries_of_resource(connection: Connection, resource: str) -> list[Entry]:
    """What an API serves: its clients may introspect tokens for it."""
    return [entry(dict(row)) for row in connection.execute(OFFERED.where(ENTRY.c.resource == resource)).mappings()]


def save_entry(connection: Connection, offered: Entry, *, now: datetime) -> bool:
    """Offers it anew or changes it; False where the identifier is another agency's or was withdrawn."""
    values = {**offered.__dict__, "recipients": json.dumps(list(offered.recipients)), "updated_at": now}
    mine = (ENTRY.c.identifier == offered.identifier, ENTRY.c.agency_id == offered.agency_id)
    changed = connection.execute(update(ENTRY).where(*mine, ENTRY.c.withdrawn_at.is_(None)).values(**values))  # type: ignore[arg-type]
    if changed.rowcount == 1:
        return True
    taken = connection.execute(select(ENTRY.c.identifier).where(ENTRY.c.identifier == offered.identifier)).first()
    if taken is not None:
        return False
    connection.execute(insert(CatalogueEntry), values | {"withdrawn_at": None})
    return True


def withdraw_entry(connection: Connection, identifier: str, *, agency_id: str, now: datetime) -> bool:
    """From now on nobody is asked for it; False where it is not this agency's."""
    mine = (ENTRY.c.identifier == identifier, ENTRY.c.agency_id == agency_id, ENTRY.c.withdrawn_at.is_(None))
    return connection.execute(update(ENTRY).where(*mine).values(withdrawn_at=now)).rowcount == 1  # type: ignore[arg-type]


def entry(row: dict[str, object]) -> Entry:
    known = {name: str(row[name]) for name in Entry.__dataclass_fields__ if name != "recipients"}
    return Entry(**known, recipients=tuple(json.loads(str(row["recipients"]))))
