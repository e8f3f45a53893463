"""Which clients got tokens in a session: whom a logout must reach (OpenID Connect Back-Channel Logout section 2.7)."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import cast

from sqlalchemy import Connection, String, Table, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class SessionClient(Base):
    """`sid` is what this client knows the session by: another at every client, so that it links nothing."""

    __tablename__ = "session_client"

    session_id: Mapped[str] = mapped_column(String(22), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    sid: Mapped[str] = mapped_column(String(43), unique=True)
    sub: Mapped[str] = mapped_column(String(255))
    first_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)


TABLE = cast("Table", SessionClient.__table__)
ONCE = {
    "sqlite": sqlite.insert(TABLE).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(TABLE).on_conflict_do_nothing(),
}


def client_sid(session_id: str, client_id: str) -> str:
    """The session as this client knows it: another at every client, though never stored before it is told."""
    digest = sha256(f"{session_id} {client_id}".encode()).digest()
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def record_session_client(
    connection: Connection, *, session_id: str, client_id: str, sid: str, sub: str, now: datetime
) -> None:
    """Once for a session and a client; later tokens change nothing."""
    row = {"session_id": session_id, "client_id": client_id, "sid": sid, "sub": sub, "first_at": now}
    connection.execute(ONCE[connection.dialect.name], row)


def load_session_clients(connection: Connection, session_id: str) -> list[tuple[str, str, str]]:
    """(client_id, sid, sub) of each client of the session."""
    query = select(SessionClient.client_id, SessionClient.sid, SessionClient.sub)
    rows = connection.execute(query.where(SessionClient.session_id == session_id).order_by(SessionClient.client_id))
    return [(row.client_id, row.sid, row.sub) for row in rows]


def load_session_of_sid(connection: Connection, sid: str) -> tuple[str, str] | None:
    """(session_id, client_id) that a client's `sid` names."""
    query = select(SessionClient.session_id, SessionClient.client_id).where(SessionClient.sid == sid)
    row = connection.execute(query).first()
    return None if row is None else (row.session_id, row.client_id)


def purge_session_clients(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(SessionClient).where(SessionClient.first_at < before)).rowcount
