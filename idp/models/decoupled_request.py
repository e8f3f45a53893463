"""A request whose answer a person gives elsewhere: by a user code (RFC 8628), or when they are asked (CIBA Core).

The client holds a secret, the device_code or auth_req_id, and polls; the person decides in an interaction. Each step is
one conditional write: of two pollers one redeems, of two tabs one decides.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.identifiers import hashed
from core.sealed_column import SealedColumn

APPROVED, DENIED = "approved", "denied"


class DecoupledRequest(Base):
    """`id` also names everything that came of it (`family_id`). `code_hash` is of the client's secret, `user_code_hash`
    the keyed hash of what a person types: empty without one. `account_id` is empty until somebody decides, unless the
    client named the person. `ping` is sealed and empty for a client that polls. `decision` is empty until it is made,
    `authorized` (JSON) unless it was to approve; the times are empty until then.
    """

    __tablename__ = "decoupled_request"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    grant_type: Mapped[str] = mapped_column(String(60))
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    user_code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    client_id: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    request: Mapped[str] = mapped_column(Text)
    ping: Mapped[bytes | None] = mapped_column(LargeBinary)
    interval: Mapped[int] = mapped_column(Integer)
    poll_after: Mapped[datetime] = mapped_column(UTCDateTime)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    decision: Mapped[str] = mapped_column(String(8))
    decided_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    authorized: Mapped[str] = mapped_column(Text)
    redeemed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


TABLE = cast("Table", DecoupledRequest.__table__)
# A client's secrets: where, and with which token, it is called back.
PING = SealedColumn(TABLE, "ping", "ping:{id}", "the installation", once_direct=True)
UNDECIDED: Mapping[str, Any] = {"decision": "", "decided_at": None, "authorized": "", "redeemed_at": None}


@dataclass(frozen=True)
class Waiting:
    """A row as read. `request` is the validated authorization request; `authorized` what the person's approval says."""

    id: str
    grant_type: str
    client_id: str
    account_id: str
    request: Mapping[str, Any]
    ping: bytes | None
    interval: int
    poll_after: datetime
    created_at: datetime
    expires_at: datetime
    decision: str
    authorized: Mapping[str, Any]
    redeemed_at: datetime | None

    def is_open(self, now: datetime) -> bool:
        """Somebody may still decide."""
        return not self.decision and now < self.expires_at


def record_request(connection: Connection, row: Mapping[str, Any]) -> bool:
    """False where its user code is in use: the caller tries another."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(TABLE).on_conflict_do_nothing()
    return connection.execute(statement, {**row, **UNDECIDED}).rowcount == 1


def load_request(connection: Connection, request_id: str) -> Waiting | None:
    return load(connection, DecoupledRequest.id == request_id)


def load_by_code(connection: Connection, code: str) -> Waiting | None:
    """By the client's secret."""
    return load(connection, DecoupledRequest.code_hash == hashed(code))


def load_by_user_code(connection: Connection, user_code_hash: bytes) -> Waiting | None:
    return load(connection, DecoupledRequest.user_code_hash == user_code_hash)


def load_open_requests(connection: Connection, account_id: str, *, now: datetime) -> list[Waiting]:
    """What waits for this person's decision, the newest first."""
    mine = (DecoupledRequest.account_id == account_id, *still_open(now))
    query = select(TABLE).where(*mine).order_by(DecoupledRequest.created_at.desc()).limit(100)
    return [waiting(row) for row in connection.execute(query).mappings()]


def count_open_requests(connection: Connection, *, client_id: str, account_id: str, now: datetime) -> int:
    mine = (DecoupledRequest.client_id == client_id, DecoupledRequest.account_id == account_id, *still_open(now))
    return int(connection.execute(select(func.count()).where(*mine)).scalar_one())


def count_refused_requests(connection: Connection, *, client_id: str, account_id: str, since: datetime) -> int:
    mine = (DecoupledRequest.client_id == client_id, DecoupledRequest.account_id == account_id)
    refused = (DecoupledRequest.decision == DENIED, DecoupledRequest.decided_at > since)
    return int(connection.execute(select(func.count()).where(*mine, *refused)).scalar_one())


def note_poll(connection: Connection, asked: Waiting, *, now: datetime) -> bool:
    """True where the client waited long enough, of two parallel polls for one."""
    waited = (DecoupledRequest.id == asked.id, DecoupledRequest.poll_after <= now)
    later = now + timedelta(seconds=asked.interval)
    return connection.execute(update(DecoupledRequest).where(*waited).values(poll_after=later)).rowcount == 1


def slow_down(connection: Connection, asked: Waiting, *, by: int, longest: int, now: datetime) -> None:
    """RFC 8628 section 3.5: for this and all later polls."""
    interval = min(asked.interval + by, longest)
    values = {"interval": interval, "poll_after": now + timedelta(seconds=interval)}
    connection.execute(update(DecoupledRequest).where(DecoupledRequest.id == asked.id).values(**values))


def decide(connection: Connection, request_id: str, decision: str, *, account_id: str, now: datetime) -> bool:
    """True once, and only for the person whom the client named, where it named one."""
    theirs = or_(DecoupledRequest.account_id == "", DecoupledRequest.account_id == account_id)
    values = {"decision": decision, "decided_at": now, "account_id": account_id}
    undecided = (DecoupledRequest.id == request_id, theirs, *still_open(now))
    return connection.execute(update(DecoupledRequest).where(*undecided).values(**values)).rowcount == 1


def keep_authorized(connection: Connection, request_id: str, authorized: Mapping[str, Any]) -> None:
    """In the transaction that decided."""
    mine = DecoupledRequest.id == request_id
    connection.execute(update(DecoupledRequest).where(mine).values(authorized=json.dumps(authorized)))


def redeem(connection: Connection, request_id: str, *, now: datetime) -> bool:
    """True for the one who gets the tokens."""
    ready = (DecoupledRequest.id == request_id, DecoupledRequest.decision == APPROVED)
    free = update(DecoupledRequest).where(*ready, DecoupledRequest.redeemed_at.is_(None))
    return connection.execute(free.values(redeemed_at=now)).rowcount == 1


def take_back_approvals(connection: Connection, account_id: str) -> list[str]:
    """Whoever approved may have been somebody else: what was not redeemed is denied. Returns all that they decided, as
    the family of what came of it.
    """
    theirs, approved = DecoupledRequest.account_id == account_id, DecoupledRequest.decision == APPROVED
    waiting_for_poll = update(DecoupledRequest).where(theirs, approved, DecoupledRequest.redeemed_at.is_(None))
    connection.execute(waiting_for_poll.values(decision=DENIED))
    return list(connection.execute(select(DecoupledRequest.id).where(theirs)).scalars())


def purge_decoupled_requests(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(DecoupledRequest).where(DecoupledRequest.expires_at < before)).rowcount


def still_open(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return DecoupledRequest.decision == "", DecoupledRequest.expires_at > now


def load(connection: Connection, where: ColumnElement[bool]) -> Waiting | None:
    row = connection.execute(select(TABLE).where(where)).mappings().first()
    return None if row is None else waiting(row)


def waiting(row: Mapping[Any, Any]) -> Waiting:
    values = {name: row[name] for name in Waiting.__dataclass_fields__}
    values |= {"request": json.loads(row["request"]), "authorized": json.loads(row["authorized"] or "{}")}
    return Waiting(**values)
