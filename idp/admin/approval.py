"""Four eyes: what a developer asks for, somebody else decides, once, about exactly what was asked.

One table serves both cases: a client that is to go live, and a change of one that is live already. The row holds the
metadata as proposed; deciding is one conditional update, and the client changes in the same transaction.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, ForeignKey, Index, String, Text, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.clock import Clock
from core.database import Base, UTCDateTime
from core.errors import NotAllowed, PersonError
from core.identifiers import new_id
from idp.models.client import Client, ClientStatus


class Decision(StrEnum):
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"  # by the agency: taken back, or the client was changed before anybody decided


class Approval(Base):
    """`client_updated_at` pins the client as it was when this was asked. `decided_by`, `decided_at` and `decision` are
    empty while it is open; `reason` is empty unless it was refused. `note` is what the developer wrote.
    """

    __tablename__ = "approval"
    __table_args__ = (
        Index(
            "uq_approval_open",
            "client_id",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"), index=True)
    client_updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    proposed: Mapped[str] = mapped_column(Text)
    note: Mapped[str] = mapped_column(Text)
    asked_by: Mapped[str] = mapped_column(String(22))
    asked_at: Mapped[datetime] = mapped_column(UTCDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(22))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    decision: Mapped[str | None] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(String(400))


@dataclass(frozen=True)
class Asked:
    """An approval as the pages need it."""

    id: str
    client_id: str
    client_updated_at: datetime
    proposed: Mapping[str, Any]
    note: str
    asked_by: str
    asked_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    decision: str | None
    reason: str

    @property
    def is_open(self) -> bool:
        return self.decided_at is None


def ask(
    connection: Connection,
    clock: Clock,
    *,
    client_id: str,
    client_updated_at: datetime,
    proposed: Mapping[str, Any],
    asked_by: str,
    note: str,
) -> str:
    """Opens an approval, or raises PersonError when one is open already (a double click, a colleague)."""
    approval_id = new_id()
    row = {
        "id": approval_id,
        "client_id": client_id,
        "client_updated_at": client_updated_at,
        "proposed": json.dumps(proposed, ensure_ascii=False),
        "note": note,
        "asked_by": asked_by,
        "asked_at": clock.now(),
        "reason": "",
    }
    try:
        connection.execute(insert(Approval), row)
    except IntegrityError as error:
        raise PersonError("Approval has been asked for already. It is waiting for a decision.") from error
    audit.record(connection, clock, event="approval.asked", actor=asked_by, subject=approval_id, client_id=client_id)
    return approval_id


def approve(connection: Connection, clock: Clock, approval: Asked, *, decided_by: str) -> None:
    """Makes the client live; the caller changes it to what was proposed in the same transaction.

    Raises PersonError when it was changed since it was asked for.
    """
    decide(connection, clock, approval, Decision.APPROVED, decided_by=decided_by)
    as_asked = (Client.client_id == approval.client_id, Client.updated_at == approval.client_updated_at)
    live = update(Client).where(*as_asked, Client.removed_at.is_(None)).values(status=ClientStatus.LIVE)
    if connection.execute(live).rowcount != 1:
        raise PersonError("The client was changed after this was asked. The agency must ask again.")


def refuse(connection: Connection, clock: Clock, approval: Asked, *, decided_by: str, reason: str) -> None:
    """The reason is told to the agency."""
    if not reason.strip():
        raise PersonError("Say why, so that the agency knows what to change.", field="reason")
    decide(connection, clock, approval, Decision.REFUSED, decided_by=decided_by, reason=reason.strip())


def decide(
    connection: Connection, clock: Clock, approval: Asked, decision: Decision, *, decided_by: str, reason: str = ""
) -> None:
    """Once, and never by the one who asked: the condition is in the update, whatever a page showed."""
    if decided_by == approval.asked_by:
        raise NotAllowed("You asked for this yourself. Another person must decide.")
    still_open = (Approval.id == approval.id, Approval.decided_at.is_(None), Approval.asked_by != decided_by)
    values = {"decided_by": decided_by, "decided_at": clock.now(), "decision": decision, "reason": reason[:400]}
    if connection.execute(update(Approval).where(*still_open).values(**values)).rowcount != 1:
        raise PersonError("Somebody decided this before you. Nothing was changed.")
    audit.record(
        connection,
        clock,
        event=f"approval.{decision}",
        actor=decided_by,
        subject=approval.id,
        client_id=approval.client_id,
        reason=reason,
        detail={"asked_by": approval.asked_by},
    )


def withdraw(connection: Connection, clock: Clock, client_id: str, *, by: str) -> None:
    """The agency takes back what is open, or changes the client: what was asked for is no longer what there is."""
    mine = (Approval.client_id == client_id, Approval.decided_at.is_(None))
    values = {"decided_by": by, "decided_at": clock.now(), "decision": Decision.WITHDRAWN}
    if connection.execute(update(Approval).where(*mine).values(**values)).rowcount:
        audit.record(connection, clock, event="approval.withdrawn", actor=by, client_id=client_id)


COLUMNS = select(Approval.__table__)


def load(connection: Connection, approval_id: str) -> Asked | None:
    row = connection.execute(COLUMNS.where(Approval.id == approval_id)).mappings().first()
    return asked(row) if row else None


def load_latest(connection: Connection, client_id: str) -> Asked | None:
    """The client's open one, or the last that was decided."""
    order = (Approval.decided_at.is_not(None), Approval.asked_at.desc(), Approval.id)
    query = COLUMNS.where(Approval.client_id == client_id).order_by(*order).limit(1)
    row = connection.execute(query).mappings().first()
    return asked(row) if row else None


def load_recent(connection: Connection, *, agency_ids: list[str] | None, limit: int = 50) -> list[Asked]:
    """Open ones first, then the newest; of these agencies only, or of all with None."""
    query = COLUMNS.order_by(Approval.decided_at.is_not(None), Approval.asked_at.desc(), Approval.id).limit(limit)
    if agency_ids is not None:
        theirs = select(Client.client_id).where(Client.agency_id.in_(agency_ids))
        query = query.where(Approval.client_id.in_(theirs))
    return [asked(row) for row in connection.execute(query).mappings()]


def asked(row: Mapping[Any, Any]) -> Asked:
    return Asked(**{**row, "proposed": json.loads(row["proposed"])})
