"""The audit trail: append-only, written in the act's transaction, chained afterwards by one elected sequencer.

A chain head locked until each commit would serialise every write; so an entry commits unchained with its act, and
the sequencer (`core.audit_chain`) gives entries their place within a second. Entries hold identifiers, never personal
data: who, what, on whom, why and from where. The database itself refuses to change or remove one
(`core.audit_append_only`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import BigInteger, Connection, Index, Integer, LargeBinary, String, Table, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from core.audit_origin import CURRENT
from core.clock import Clock
from core.database import Base, UTCDateTime
from core.identifiers import new_id
from core.personal_data import without_personal_data

ROWID = BigInteger().with_variant(Integer, "sqlite")
WAITING = text("sequence IS NULL")
LONGEST_REASON = 400

encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


class AuditEntry(Base):
    """`actor` did `event` to `subject`, through `client_id`, because of `reason`, from `source`; any of the last four
    is an empty text where there is none. `detail` is a JSON object of identifiers, counts and registered words.

    `sequence`, `previous_hash` and `entry_hash` are empty until the sequencer has been.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_waiting", "number", sqlite_where=WAITING, postgresql_where=WAITING),)

    number: Mapped[int] = mapped_column(ROWID, primary_key=True, autoincrement=True)
    id: Mapped[str] = mapped_column(String(22), unique=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    event: Mapped[str] = mapped_column(String(60))
    actor: Mapped[str] = mapped_column(String(80), index=True)
    subject: Mapped[str] = mapped_column(String(80), index=True)
    client_id: Mapped[str] = mapped_column(String(80))
    reason: Mapped[str] = mapped_column(String(400))
    source: Mapped[str] = mapped_column(String(80))
    detail: Mapped[str] = mapped_column(Text)
    sequence: Mapped[int | None] = mapped_column(BigInteger, unique=True)
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    entry_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))


INSERT = cast("Table", AuditEntry.__table__).insert()  # on the table: the ORM's way costs three times as much


def record(
    connection: Connection,
    clock: Clock,
    *,
    event: str,
    actor: str,
    subject: str = "",
    client_id: str = "",
    reason: str = "",
    detail: Mapping[str, str | int | bool] | None = None,
) -> None:
    """Adds one entry to the caller's transaction: the act and its entry commit together or not at all.

    From where it came is known (`core.audit_origin`); where nobody gave a reason, what brought it about is the reason.
    """
    origin = CURRENT.get()
    row = {"id": new_id(), "at": clock.now(), "event": event, "actor": actor, "subject": subject}
    row |= {"client_id": client_id, "source": origin.source, "detail": encode(plain(detail or {}))}
    row["reason"] = without_personal_data(reason)[:LONGEST_REASON] or origin.cause
    connection.execute(INSERT, row)


def plain(detail: Mapping[str, str | int | bool]) -> dict[str, str | int | bool]:
    return {name: without_personal_data(each) if isinstance(each, str) else each for name, each in detail.items()}
