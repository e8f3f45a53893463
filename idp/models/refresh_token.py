"""Refresh tokens, RFC 6749 section 6: one row for a family, whichever of its tokens is the current one.

A token is the row's `handle` and a secret; of the secrets only the current one counts, and the one before it for a
short grace. Whoever presents a handle with any other secret holds a token that was rotated away: a replay. So the
family's whole past is recognised, and a row never grows.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Connection, Integer, LargeBinary, String, Table, Text, bindparam, delete, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime

HANDLE_LENGTH = 22


class RefreshToken(Base):
    """`scope`, `requested_claims` and `resource` (RFC 8707, parted by spaces) are what was granted. `session_id` is
    empty where the token outlives the session (`offline_access`). `jkt` and `x5t_s256` are the key a public client's
    token is bound to; empty where the client authenticates instead.

    `previous_hash`, `successor` (the current token, sealed by the previous one) and `rotated_at` are empty until the
    first rotation; `rotated_by` is the key of the request that rotated, empty for a bearer; `replays` are those that
    the grace has answered. `revoked_at` is empty while it counts.
    """

    __tablename__ = "refresh_token"

    handle: Mapped[str] = mapped_column(String(HANDLE_LENGTH), primary_key=True)
    family_id: Mapped[str] = mapped_column(String(22), index=True)
    client_id: Mapped[str] = mapped_column(String(80), index=True)
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    sub: Mapped[str] = mapped_column(String(255))
    scope: Mapped[str] = mapped_column(Text)
    requested_claims: Mapped[str] = mapped_column(String(43))
    resource: Mapped[str] = mapped_column(Text)
    grant_id: Mapped[str] = mapped_column(String(22), index=True)
    session_id: Mapped[str] = mapped_column(String(22), index=True)
    auth_time: Mapped[int] = mapped_column(Integer)
    acr: Mapped[str] = mapped_column(String(120))
    amr: Mapped[str] = mapped_column(String(60))
    jkt: Mapped[str] = mapped_column(String(43))
    x5t_s256: Mapped[str] = mapped_column(String(43))
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    previous_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    successor: Mapped[bytes | None] = mapped_column(LargeBinary(200))
    rotated_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    rotated_by: Mapped[str] = mapped_column(String(60))
    replays: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime] = mapped_column(UTCDateTime)
    idle_until: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


TABLE = cast("Table", RefreshToken.__table__)  # statements of the hot path are built once, on the table
INSERT = TABLE.insert()
OF_HANDLE = select(TABLE).where(TABLE.c.handle == bindparam("of_handle"))
IN_FORCE = (TABLE.c.handle == bindparam("of_handle"), TABLE.c.revoked_at.is_(None))
IS_CURRENT = (*IN_FORCE, TABLE.c.token_hash == bindparam("presented"))
KEEP = update(TABLE).where(*IS_CURRENT).values(idle_until=bindparam("until"))
ROTATE = (
    update(TABLE)
    .where(*IS_CURRENT)
    .values(
        previous_hash=bindparam("presented"),
        token_hash=bindparam("new_hash"),
        successor=bindparam("sealed"),
        rotated_at=bindparam("now"),
        rotated_by=bindparam("by"),
        replays=0,
        idle_until=bindparam("until"),
    )
)
REPLAY = (
    update(TABLE)
    .where(
        *IN_FORCE,
        TABLE.c.previous_hash == bindparam("presented"),
        TABLE.c.rotated_at > bindparam("since"),
        TABLE.c.rotated_by == bindparam("by"),
        TABLE.c.replays < bindparam("most"),
    )
    .values(replays=TABLE.c.replays + 1)
)


def record_refresh_token(connection: Connection, row: Mapping[str, object]) -> None:
    connection.execute(INSERT, row)


def load_refresh_token(connection: Connection, handle: str) -> dict[str, Any] | None:
    """Whatever its state."""
    row = connection.execute(OF_HANDLE, {"of_handle": handle}).mappings().first()
    return None if row is None else dict(row)


def keep_refresh_token(connection: Connection, handle: str, presented: bytes, *, until: datetime) -> bool:
    """It was used and stays the same; False where it no longer is the current one."""
    given = {"of_handle": handle, "presented": presented, "until": until}
    return connection.execute(KEEP, given).rowcount == 1


def rotate_refresh_token(
    connection: Connection,
    handle: str,
    presented: bytes,
    *,
    new_hash: bytes,
    sealed: bytes,
    by: str,
    now: datetime,
    until: datetime,
) -> bool:
    """The one conditional write: of parallel requests exactly one rotates."""
    given = {"of_handle": handle, "presented": presented, "new_hash": new_hash, "sealed": sealed}
    return connection.execute(ROTATE, given | {"by": by, "now": now, "until": until}).rowcount == 1


def take_replay(connection: Connection, handle: str, presented: bytes, *, by: str, since: datetime, most: int) -> bool:
    """A replay that the grace answers: of the token just before the current one, by the same key, not too often."""
    given = {"of_handle": handle, "presented": presented, "by": by, "since": since, "most": most}
    return connection.execute(REPLAY, given).rowcount == 1


def revoke_refresh_tokens_of_family(connection: Connection, family_id: str, *, now: datetime) -> int:
    mine = (RefreshToken.family_id == family_id, RefreshToken.revoked_at.is_(None))
    return connection.execute(update(RefreshToken).where(*mine).values(revoked_at=now)).rowcount


def revoke_refresh_tokens_of_grant(connection: Connection, grant_id: str, *, now: datetime) -> int:
    mine = (RefreshToken.grant_id == grant_id, RefreshToken.revoked_at.is_(None))
    return connection.execute(update(RefreshToken).where(*mine).values(revoked_at=now)).rowcount


def revoke_refresh_tokens_of_session(connection: Connection, session_id: str, *, now: datetime) -> int:
    """Those with `offline_access` name no session, and stay (Back-Channel Logout section 2.7)."""
    mine = (RefreshToken.session_id == session_id, RefreshToken.revoked_at.is_(None))
    return connection.execute(update(RefreshToken).where(*mine).values(revoked_at=now)).rowcount


def revoke_refresh_tokens_of_account(connection: Connection, account_id: str, *, now: datetime) -> list[str]:
    """Those with `offline_access` too; returns their families."""
    mine = (RefreshToken.account_id == account_id, RefreshToken.revoked_at.is_(None))
    revoked = update(RefreshToken).where(*mine).values(revoked_at=now).returning(RefreshToken.family_id)
    return list(connection.execute(revoked).scalars())


def purge_refresh_tokens(connection: Connection, before: datetime) -> int:
    over = or_(RefreshToken.idle_until < before, RefreshToken.expires_at < before)
    return connection.execute(delete(RefreshToken).where(over)).rowcount
