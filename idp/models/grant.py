"""What a person allowed a client: the standing consent, and the end of it.

One grant is in force for an account and a client; allowing more widens it. Withdrawing it revokes every token that
came of it, in the same transaction, and `/userinfo` looks at both, so that it is in force at once on every worker.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Index, String, Text, bindparam, insert, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.identifiers import new_id
from idp.models.issued_token import revoke_tokens_of_grant


class Grant(Base):
    """`scope` and `claims` are JSON lists of names. `revoked_at` is empty while the grant is in force."""

    __tablename__ = "consent_grant"
    __table_args__ = (
        Index(
            "uq_consent_grant_in_force",
            "account_id",
            "client_id",
            unique=True,
            sqlite_where=text("revoked_at IS NULL"),
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    client_id: Mapped[str] = mapped_column(String(80), index=True)
    scope: Mapped[str] = mapped_column(Text)
    claims: Mapped[str] = mapped_column(Text)
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


GRANT = Grant.__table__  # statements of the hot path are built once, on the table
LIVING = select(GRANT).where(GRANT.c.revoked_at.is_(None))
IN_FORCE = LIVING.where(GRANT.c.id == bindparam("grant_id"))
IN_FORCE_HELD = IN_FORCE.with_for_update(read=True)
OF_CLIENT = LIVING.where(GRANT.c.account_id == bindparam("account_id"), GRANT.c.client_id == bindparam("client_id"))


@dataclass(frozen=True)
class Granted:
    """`claims` are the names the person saw and allowed; what was not on the page is not in it."""

    id: str
    account_id: str
    client_id: str
    scope: frozenset[str]
    claims: frozenset[str]
    granted_at: datetime
    updated_at: datetime


def load_grant(connection: Connection, account_id: str, client_id: str) -> Granted | None:
    """The grant in force, if there is one."""
    row = connection.execute(OF_CLIENT, {"account_id": account_id, "client_id": client_id}).mappings().first()
    return None if row is None else granted(dict(row))


def load_grant_in_force(connection: Connection, grant_id: str, *, hold: bool = False) -> Granted | None:
    """By its id; `hold` keeps it from being withdrawn until the caller's transaction ends."""
    query = IN_FORCE_HELD if hold else IN_FORCE
    row = connection.execute(query, {"grant_id": grant_id}).mappings().first()
    return None if row is None else granted(dict(row))


def load_grants(connection: Connection, account_id: str) -> list[Granted]:
    """Every grant in force of an account, newest first: the citizen's place."""
    query = select(Grant.__table__).where(Grant.account_id == account_id, Grant.revoked_at.is_(None))
    return [granted(dict(row)) for row in connection.execute(query.order_by(Grant.updated_at.desc())).mappings()]


def record_grant(
    connection: Connection,
    *,
    account_id: str,
    client_id: str,
    scope: Iterable[str],
    claims: Iterable[str],
    now: datetime,
) -> Granted:
    """Allows these, in addition to what was allowed before. The caller holds a writing transaction."""
    before = load_grant(connection, account_id, client_id)
    wider = {
        "scope": names(scope, before.scope if before else ()),
        "claims": names(claims, before.claims if before else ()),
        "updated_at": now,
    }
    if before is not None:
        in_force = (Grant.id == before.id, Grant.revoked_at.is_(None))
        if connection.execute(update(Grant).where(*in_force).values(**wider)).rowcount == 1:
            return granted(before.__dict__ | wider)
    row = {"id": new_id(), "account_id": account_id, "client_id": client_id, "granted_at": now} | wider
    connection.execute(insert(Grant), row | {"revoked_at": None})
    return granted(row)


def revoke_grant(connection: Connection, grant_id: str, *, account_id: str, now: datetime) -> bool:
    """Withdraws the grant and revokes its tokens; False where it is not this account's or was withdrawn before."""
    mine = (Grant.id == grant_id, Grant.account_id == account_id, Grant.revoked_at.is_(None))
    if connection.execute(update(Grant).where(*mine).values(revoked_at=now)).rowcount != 1:
        return False
    revoke_tokens_of_grant(connection, grant_id, now=now)
    return True


def granted(row: dict[str, object]) -> Granted:
    return Granted(
        id=str(row["id"]),
        account_id=str(row["account_id"]),
        client_id=str(row["client_id"]),
        scope=frozenset(json.loads(str(row["scope"]))),
        claims=frozenset(json.loads(str(row["claims"]))),
        granted_at=row["granted_at"],  # type: ignore[arg-type]
        updated_at=row["updated_at"],  # type: ignore[arg-type]
    )


def names(new: Iterable[str], before: Iterable[str]) -> str:
    return json.dumps(sorted({*new, *before}), ensure_ascii=False)
