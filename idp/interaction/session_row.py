"""The session's row, what it counts for now, and when it is over.

Time-outs are SP 800-63B-4 section 2's: idle by level, twelve hours in all; an administrator's are shorter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    and_,
    bindparam,
    exists,
    not_,
    or_,
    select,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.assurance import AAL, IAL, Acr
from core.database import Base, UTCDateTime
from core.identifiers import hashed
from core.settings import Settings
from enrollment.models.account import Account, AccountStatus
from enrollment.models.identity import Identity
from idp.models.membership import Membership, Role


class Session(Base):
    """`step_up_*` are empty until a step-up; `ended_at` is empty while the session is in force."""

    __tablename__ = "session"

    sid: Mapped[str] = mapped_column(String(22), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    credential_id: Mapped[str] = mapped_column(String(1400))
    aal: Mapped[int] = mapped_column(Integer)
    amr: Mapped[str] = mapped_column(String(60))
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    step_up_aal: Mapped[int | None] = mapped_column(Integer)
    step_up_amr: Mapped[str | None] = mapped_column(String(60))
    step_up_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)


ADMINISTRATOR = exists(
    select(Membership.id)
    .where(Membership.account_id == Session.account_id, Membership.role == Role.ADMINISTRATOR)
    .where(Membership.ended_at.is_(None))
)
SESSION = Session.__table__
# What was proven of the person and which office they hold is read with the session: never older than the request.
CURRENT = (
    select(Session.__table__, Identity.ial, ADMINISTRATOR.label("administrator"))
    .join(Account, and_(Account.id == Session.account_id, Account.status == AccountStatus.ACTIVE))
    .outerjoin(Identity, and_(Identity.account_id == Session.account_id, Identity.superseded_at.is_(None)))
    .where(Session.ended_at.is_(None))
)
IN_FORCE_HELD = (
    select(SESSION.c.sid)
    .where(SESSION.c.sid == bindparam("session_id"), SESSION.c.ended_at.is_(None))
    .with_for_update(read=True)
)


class Authentication(Protocol):
    """What a verified ceremony proved: which account, by which authenticator, at which level."""

    @property
    def account_id(self) -> str: ...

    @property
    def credential_id(self) -> str: ...

    @property
    def aal(self) -> AAL: ...

    @property
    def amr(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class SignedIn:
    """A session in force. `acr` is what holds now: a step-up has decayed once its time is over."""

    sid: str
    account_id: str
    credential_id: str
    acr: Acr
    amr: tuple[str, ...]
    auth_time: datetime
    started_at: datetime
    administrator: bool

    @property
    def ial(self) -> IAL:
        return self.acr.ial

    @property
    def aal(self) -> AAL:
        return self.acr.aal


def in_force(sid: str) -> ColumnElement[bool]:
    return and_(Session.sid == sid, Session.ended_at.is_(None))


def proven(authentication: Authentication, *, token: str, now: datetime) -> dict[str, object]:
    """The columns that a sign-in sets, new or again."""
    return {
        "token_hash": hashed(token),
        "credential_id": authentication.credential_id,
        "aal": int(authentication.aal),
        "amr": " ".join(authentication.amr),
        "auth_time": now,
        "step_up_aal": None,
        "step_up_amr": None,
        "step_up_until": None,
    }


def signed_in(row: Mapping[Any, Any], now: datetime) -> SignedIn:
    """The row as it counts now. SP 800-63B-4 section 5: the session's AAL is never above that of its event."""
    raised = row["step_up_until"] is not None and now < row["step_up_until"] and row["step_up_aal"] >= row["aal"]
    return SignedIn(
        sid=row["sid"],
        account_id=row["account_id"],
        credential_id=row["credential_id"],
        acr=Acr(IAL(row["ial"] or IAL.NONE), AAL(row["step_up_aal"] if raised else row["aal"])),
        amr=tuple((row["step_up_amr"] if raised else row["amr"]).split()),
        auth_time=row["auth_time"],
        started_at=row["started_at"],
        administrator=row["administrator"],
    )


def idle_limit(row: Mapping[Any, Any], settings: Settings) -> timedelta:
    if row["administrator"]:
        return settings.session_idle_administrator
    return settings.session_idle_aal3 if row["aal"] == AAL.AAL3 else settings.session_idle_aal2


def is_over(row: Mapping[Any, Any], settings: Settings, now: datetime) -> bool:
    """Idle for too long, or twelve hours old."""
    idle_since: datetime = row["last_seen"]
    started_at: datetime = row["started_at"]
    return now - idle_since >= idle_limit(row, settings) or now - started_at >= settings.session_lifetime


def over(settings: Settings, now: datetime) -> ColumnElement[bool]:
    """The same as a condition, for the expiry job; a session of an account that is no longer active is over too."""
    active = exists(select(Account.id).where(Account.id == Session.account_id, Account.status == AccountStatus.ACTIVE))
    return or_(
        Session.last_seen <= now - settings.session_idle_aal2,
        and_(Session.aal == AAL.AAL3, Session.last_seen <= now - settings.session_idle_aal3),
        and_(Session.last_seen <= now - settings.session_idle_administrator, ADMINISTRATOR),
        Session.started_at <= now - settings.session_lifetime,
        not_(active),
    )


def is_session_in_force(connection: Connection, sid: str) -> bool:
    """Held until the caller's transaction ends, so that a logout misses no client."""
    return connection.execute(IN_FORCE_HELD, {"session_id": sid}).first() is not None
