"""An authorization request that was pushed (RFC 9126), until it is answered or its time is over."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, LargeBinary, String, Text, delete, insert, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.identifiers import hashed


class PushedRequest(Base):
    """`id_hash` is the hash of the reference in the `request_uri`. `answered_by` names the interaction, or the single
    visit, that answered it: empty until then.
    """

    __tablename__ = "pushed_request"

    id_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(80))
    request: Mapped[str] = mapped_column(Text)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    answered_by: Mapped[str | None] = mapped_column(String(22))


def record_pushed_request(
    connection: Connection, *, reference: str, client_id: str, request: str, expires_at: datetime
) -> None:
    row = {"id_hash": hashed(reference), "client_id": client_id, "request": request, "expires_at": expires_at}
    connection.execute(insert(PushedRequest), row | {"answered_by": None})


def load_pushed_request(connection: Connection, reference: str, *, client_id: str, now: datetime) -> str | None:
    """The request as JSON: this client's, neither expired nor answered."""
    mine = (PushedRequest.id_hash == hashed(reference), PushedRequest.client_id == client_id)
    living = (PushedRequest.expires_at > now, PushedRequest.answered_by.is_(None))
    return connection.execute(select(PushedRequest.request).where(*mine, *living)).scalar_one_or_none()


def answer_pushed_request(connection: Connection, reference: str, *, answered_by: str) -> bool:
    """True for the one that answers it. The same interaction may answer again: a double click, a reload."""
    free = or_(PushedRequest.answered_by.is_(None), PushedRequest.answered_by == answered_by)
    mine = update(PushedRequest).where(PushedRequest.id_hash == hashed(reference), free)
    return connection.execute(mine.values(answered_by=answered_by)).rowcount == 1


def purge_pushed_requests(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(PushedRequest).where(PushedRequest.expires_at < before)).rowcount
