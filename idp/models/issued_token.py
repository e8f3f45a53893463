"""Tokens that were issued, so that they can be revoked: by code, by grant, by session.

The token itself is not kept, only its SHA-256, by which our own endpoints find the row. For them the row is the
truth and the JWT's signature need not be verified again; for everybody else the token is a JWT (RFC 9068).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, LargeBinary, String, Table, Text, bindparam, delete, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from idp.models.decoupled_request import take_back_approvals
from idp.models.refresh_token import (
    revoke_refresh_tokens_of_account,
    revoke_refresh_tokens_of_family,
    revoke_refresh_tokens_of_grant,
    revoke_refresh_tokens_of_session,
)


class IssuedToken(Base):
    """`requested_claims` names a `RequestedClaims` row; `jkt` is the DPoP key (RFC 7638) and `x5t_s256` the
    certificate (RFC 8705) it is bound to; each is empty where there is none. Everything that came of one code has its
    `family_id`. `grant_id` and `session_id` are empty where the token came of neither. `revoked_at` is empty while it
    counts.
    """

    __tablename__ = "issued_token"

    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    jti: Mapped[str] = mapped_column(String(22))
    client_id: Mapped[str] = mapped_column(String(80))
    account_id: Mapped[str] = mapped_column(String(22))
    sub: Mapped[str] = mapped_column(String(255))
    audience: Mapped[str] = mapped_column(String(400))
    scope: Mapped[str] = mapped_column(Text)
    requested_claims: Mapped[str] = mapped_column(String(43))
    jkt: Mapped[str] = mapped_column(String(43))
    x5t_s256: Mapped[str] = mapped_column(String(43))
    family_id: Mapped[str] = mapped_column(String(22), index=True)
    grant_id: Mapped[str] = mapped_column(String(22), index=True)
    session_id: Mapped[str] = mapped_column(String(22), index=True)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


TABLE = cast("Table", IssuedToken.__table__)  # statements of the hot path are built once, on the table
INSERT = TABLE.insert()
IN_FORCE = select(TABLE).where(
    TABLE.c.token_hash == bindparam("of_token"), TABLE.c.revoked_at.is_(None), TABLE.c.expires_at > bindparam("now")
)


IN_FORCE_HELD = IN_FORCE.with_for_update(read=True)


def record_token(connection: Connection, row: Mapping[str, object]) -> None:
    connection.execute(INSERT, row)


def load_token_in_force(
    connection: Connection, token_hash: bytes, *, now: datetime, hold: bool = False
) -> dict[str, Any] | None:
    """A withdrawn consent and a logout have revoked it by then; `hold` keeps it from being revoked until the caller's
    transaction ends.
    """
    query = IN_FORCE_HELD if hold else IN_FORCE
    row = connection.execute(query, {"of_token": token_hash, "now": now}).mappings().first()
    return None if row is None else dict(row)


def revoke_token(connection: Connection, token_hash: bytes, *, now: datetime) -> bool:
    """RFC 7009 section 2.1: this one alone."""
    mine = (IssuedToken.token_hash == token_hash, IssuedToken.revoked_at.is_(None))
    return connection.execute(update(IssuedToken).where(*mine).values(revoked_at=now)).rowcount == 1


def revoke_tokens_of_family(connection: Connection, family_id: str, *, now: datetime) -> int:
    """RFC 6749 section 4.1.2: a code used twice revokes what came of it. Refresh tokens first, here and below: whoever
    refreshes holds that row, so of two transactions one waits and none hangs. Whoever exchanges a token holds its row:
    we wait for them, and then see what they made of it.
    """
    refresh_tokens = revoke_refresh_tokens_of_family(connection, family_id, now=now)
    mine = (IssuedToken.family_id == family_id, IssuedToken.revoked_at.is_(None))
    connection.execute(select(IssuedToken.token_hash).where(*mine).with_for_update()).all()
    return refresh_tokens + connection.execute(update(IssuedToken).where(*mine).values(revoked_at=now)).rowcount


def revoke_tokens_of_grant(connection: Connection, grant_id: str, *, now: datetime) -> int:
    refresh_tokens = revoke_refresh_tokens_of_grant(connection, grant_id, now=now)
    mine = (IssuedToken.grant_id == grant_id, IssuedToken.revoked_at.is_(None))
    return refresh_tokens + connection.execute(update(IssuedToken).where(*mine).values(revoked_at=now)).rowcount


def revoke_tokens_of_session(connection: Connection, session_id: str, *, now: datetime) -> int:
    refresh_tokens = revoke_refresh_tokens_of_session(connection, session_id, now=now)
    mine = (IssuedToken.session_id == session_id, IssuedToken.revoked_at.is_(None))
    return refresh_tokens + connection.execute(update(IssuedToken).where(*mine).values(revoked_at=now)).rowcount


def revoke_connections_of_account(connection: Connection, account_id: str, *, now: datetime) -> int:
    """Every refresh token of a person, what they approved for other devices, and what came of both: what goes on after
    logout ends here. Approvals first: a poll that is redeemed meanwhile leaves its refresh token for the second look.
    """
    families = take_back_approvals(connection, account_id)
    families += revoke_refresh_tokens_of_account(connection, account_id, now=now)
    mine = (IssuedToken.family_id.in_(families), IssuedToken.revoked_at.is_(None))
    connection.execute(update(IssuedToken).where(*mine).values(revoked_at=now))
    return len(families)


def purge_issued_tokens(connection: Connection, before: datetime) -> int:
    return connection.execute(delete(IssuedToken).where(IssuedToken.expires_at < before)).rowcount
