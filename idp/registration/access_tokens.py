"""The two tokens of registration, kept as hashes: the initial access token that lets a client in (RFC 7591 section 3),
and the registration access token by which it then reads and changes itself (RFC 7592 section 1.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    ForeignKey,
    Integer,
    LargeBinary,
    String,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.clock import Clock
from core.database import Base, UTCDateTime
from core.identifiers import hashed, new_id, new_secret

MOST_USES = 1000
LONGEST = timedelta(days=365)
FORGOTTEN = timedelta(days=30)  # after it expired


class InitialAccessToken(Base):
    """`agency_id` is the agency that its clients will be of; empty for none. A use is one client."""

    __tablename__ = "initial_access_token"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"))
    note: Mapped[str] = mapped_column(String(200))
    uses_left: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)


class RegistrationAccessToken(Base):
    """One for each client that registered itself; another one at each change."""

    __tablename__ = "registration_access_token"

    client_id: Mapped[str] = mapped_column(ForeignKey("client.client_id"), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Admission:
    """What an initial access token says of the client that it lets in."""

    id: str
    agency_id: str | None


def issue_initial_access_token(
    connection: Connection, clock: Clock, *, agency_id: str | None, note: str, uses: int, lifetime: timedelta, by: str
) -> str:
    """The token, told this once. Raises ValueError for bounds that are none."""
    if not 0 < uses <= MOST_USES or not timedelta() < lifetime <= LONGEST:
        raise ValueError(f"1 to {MOST_USES} uses, and a life of at most {LONGEST.days} days")
    now, token, token_id = clock.now(), new_secret(), new_id()
    row: dict[str, Any] = {"id": token_id, "token_hash": hashed(token), "agency_id": agency_id, "note": note[:200]}
    row |= {"uses_left": uses, "created_at": now, "expires_at": now + lifetime}
    connection.execute(delete(InitialAccessToken).where(InitialAccessToken.expires_at < now - FORGOTTEN))
    connection.execute(insert(InitialAccessToken), row)
    audit.record(connection, clock, event="client.token", actor=by, subject=token_id, detail={"uses": uses})
    return token


def load_admission(connection: Connection, token: str, now: datetime) -> Admission | None:
    """For a look before anything is fetched; never a substitute for `spend_admission`."""
    mine = select(InitialAccessToken.id, InitialAccessToken.agency_id).where(*usable(token, now))
    row = connection.execute(mine).first()
    return Admission(*row) if row else None


def spend_admission(connection: Connection, token: str, now: datetime) -> bool:
    """One conditional write: of two callers with the last use, one wins."""
    spent = update(InitialAccessToken).where(*usable(token, now)).values(uses_left=InitialAccessToken.uses_left - 1)
    return connection.execute(spent).rowcount == 1


def usable(token: str, now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Its conditions, for where()."""
    mine = InitialAccessToken.token_hash == hashed(token)
    return mine, InitialAccessToken.uses_left > 0, InitialAccessToken.expires_at > now


def issue_registration_access_token(connection: Connection, client_id: str, now: datetime) -> str:
    token = new_secret()
    row = {"client_id": client_id, "token_hash": hashed(token), "issued_at": now}
    connection.execute(insert(RegistrationAccessToken), row)
    return token


def is_registration_access_token(connection: Connection, client_id: str, token: str) -> bool:
    """Compared as hashes: how long it takes says nothing of the token."""
    mine = (RegistrationAccessToken.client_id == client_id, RegistrationAccessToken.token_hash == hashed(token))
    return connection.execute(select(RegistrationAccessToken.client_id).where(*mine)).first() is not None


def rotate_registration_access_token(connection: Connection, client_id: str, token: str, now: datetime) -> str | None:
    """The new one; None where the old one is not valid any more, so that of two changes at once one wins."""
    mine = (RegistrationAccessToken.client_id == client_id, RegistrationAccessToken.token_hash == hashed(token))
    renewed = new_secret()
    values = {"token_hash": hashed(renewed), "issued_at": now}
    changed = connection.execute(update(RegistrationAccessToken).where(*mine).values(**values)).rowcount
    return renewed if changed == 1 else None


def end_registration_access_token(connection: Connection, client_id: str) -> None:
    connection.execute(delete(RegistrationAccessToken).where(RegistrationAccessToken.client_id == client_id))
