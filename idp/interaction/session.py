"""The person's session at the provider: one row, looked up by one query at every request, on every worker.

The cookie holds 256 random bits and the row only their hash. The token changes whenever the session gains power
(sign-in, step-up), so that a token planted or seen before is worth nothing after (session fixation); `sid` names
the session to agencies and stays. Time-outs are SP 800-63B-4 section 2's: idle by level, twelve hours in all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    String,
    and_,
    insert,
    select,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from core import audit
from core.assurance import AAL, IAL, Acr
from core.database import Base, UTCDateTime
from core.ground import Ground
from core.identifiers import hashed, new_id, new_secret
from core.settings import Settings

TOUCH = timedelta(minutes=1)  # last_seen is written at most this often
TOKEN_LENGTH = 43


class Session(Base):
    """`step_up_*` are empty until a step-up; `ended_at` is empty while the session is in force."""

    __tablename__ = "session"

    sid: Mapped[str] = mapped_column(String(22), primary_key=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    credential_id: Mapped[str] = mapped_column(String(1400))
    ial: Mapped[str] = mapped_column(String(3))
    aal: Mapped[int] = mapped_column(Integer)
    amr: Mapped[str] = mapped_column(String(60))
    administrator: Mapped[bool] = mapped_column(Boolean)
    started_at: Mapped[datetime] = mapped_column(UTCDateTime)
    auth_time: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
    step_up_aal: Mapped[int | None] = mapped_column(Integer)
    step_up_amr: Mapped[str | None] = mapped_column(String(60))
    step_up_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime, index=True)


@dataclass(frozen=True)
class Authentication:
    """What a verified ceremony proved: which account, by which authenticator, at which level."""

    account_id: str
    credential_id: str
    aal: AAL
    amr: tuple[str, ...]


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


class EndSession(Protocol):
    """Enqueues back-channel logout for every client that got tokens in the session, in the same transaction."""

    def __call__(
        self, connection: Connection, *, sid: str, account_id: str
    ) -> object: ...


class HasCookies(Protocol):
    @property
    def cookies(self) -> Mapping[str, str]: ...


class SessionStore:
    def __init__(self, ground: Ground, *, tell_clients: EndSession) -> None:
        self.ground = ground
        self.tell_clients = tell_clients

    @property
    def cookie_name(self) -> str:
        """RFC 6265bis section 4.1.3.2: `__Host-` binds the cookie to this host and to https."""
        return (
            "prajak-session"
            if self.ground.settings.insecure_loopback
            else "__Host-prajak-session"
        )

    def current(self, request: HasCookies) -> SignedIn | None:
        """The session that the request's cookie names, if it is in force."""
        token = request.cookies.get(self.cookie_name, "")
        return self.load(token) if len(token) == TOKEN_LENGTH else None

    def load(self, token: str) -> SignedIn | None:
        now = self.ground.clock.now()
        query = select(Session.__table__).where(
            Session.token_hash == hashed(token), Session.ended_at.is_(None)
        )
        with self.ground.database.read() as connection:
            row = connection.execute(query).mappings().first()
        if row is None or is_over(row, self.ground.settings, now):
            return None
        if now - row["last_seen"] >= TOUCH:
            self._touch(row["sid"], now)
        return signed_in(row, now)

    def start(
        self,
        connection: Connection,
        authentication: Authentication,
        *,
        ial: IAL,
        administrator: bool,
        previous: SignedIn | None = None,
        source: str = "",
    ) -> str:
        """Signs in; returns the new token. The same person's session goes on under its `sid`; another's is ended."""
        if previous is not None and previous.account_id == authentication.account_id:
            return self._renew(
                connection,
                previous.sid,
                authentication,
                ial=ial,
                administrator=administrator,
            )
        if previous is not None:
            self.end(connection, previous.sid, reason="another person signed in")
        token, now, sid = new_secret(), self.ground.clock.now(), new_id()
        row = proven(
            authentication, ial=ial, administrator=administrator, token=token, now=now
        )
        row |= {
            "sid": sid,
            "account_id": authentication.account_id,
            "started_at": now,
            "last_seen": now,
        }
        connection.execute(insert(Session), row)
        self._record(
            connection, "session.started", authentication, sid=sid, source=source
        )
        return token

    def step_up(
        self, connection: Connection, current: SignedIn, authentication: Authentication
    ) -> str:
        """Raises the level for a while; returns the new token. The caller has checked that it is the same person."""
        token, now = new_secret(), self.ground.clock.now()
        values = {
            "token_hash": hashed(token),
            "auth_time": now,
            "last_seen": now,
            "step_up_aal": int(authentication.aal),
            "step_up_amr": " ".join(authentication.amr),
            "step_up_until": now + self.ground.settings.fresh_authentication,
        }
        connection.execute(
            update(Session).where(in_force(current.sid)).values(**values)
        )
        self._record(connection, "session.stepped_up", authentication, sid=current.sid)
        return token

    def end(
        self, connection: Connection, sid: str, *, reason: str, actor: str = ""
    ) -> bool:
        """Ends the session and tells its clients; False when it had already ended."""
        ended = (
            update(Session)
            .where(in_force(sid))
            .values(ended_at=self.ground.clock.now())
        )
        account_id = connection.execute(
            ended.returning(Session.account_id)
        ).scalar_one_or_none()
        if account_id is None:
            return False
        self.tell_clients(connection, sid=sid, account_id=account_id)
        audit.record(
            connection,
            self.ground.clock,
            event="session.ended",
            actor=actor or account_id,
            subject=account_id,
            reason=reason,
            detail={"sid": sid},
        )
        return True

    def end_all(
        self, connection: Connection, account_id: str, *, reason: str, actor: str = ""
    ) -> int:
        """Every session of the account: after a recovery, a report, or by the person's own wish."""
        sids = select(Session.sid).where(
            Session.account_id == account_id, Session.ended_at.is_(None)
        )
        return sum(
            self.end(connection, sid, reason=reason, actor=actor)
            for sid in connection.execute(sids).scalars().all()
        )

    def raise_identity(self, connection: Connection, account_id: str, ial: IAL) -> None:
        """Sessions in force follow the identity: raised by an officer, lowered by a later policy."""
        connection.execute(
            update(Session)
            .where(Session.account_id == account_id, Session.ended_at.is_(None))
            .values(ial=ial.value)
        )

    def _renew(
        self,
        connection: Connection,
        sid: str,
        authentication: Authentication,
        *,
        ial: IAL,
        administrator: bool,
    ) -> str:
        token, now = new_secret(), self.ground.clock.now()
        values = proven(
            authentication, ial=ial, administrator=administrator, token=token, now=now
        )
        values |= {"last_seen": now, "started_at": now}
        connection.execute(update(Session).where(in_force(sid)).values(**values))
        self._record(connection, "session.renewed", authentication, sid=sid)
        return token

    def _touch(self, sid: str, now: datetime) -> None:
        with self.ground.database.write() as connection:
            connection.execute(
                update(Session)
                .where(in_force(sid), Session.last_seen < now)
                .values(last_seen=now)
            )

    def _record(
        self,
        connection: Connection,
        event: str,
        authentication: Authentication,
        *,
        sid: str,
        source: str = "",
    ) -> None:
        audit.record(
            connection,
            self.ground.clock,
            event=event,
            actor=authentication.account_id,
            subject=authentication.account_id,
            source=source,
            detail={
                "sid": sid,
                "aal": int(authentication.aal),
                "amr": " ".join(authentication.amr),
            },
        )


def in_force(sid: str) -> ColumnElement[bool]:
    return and_(Session.sid == sid, Session.ended_at.is_(None))


def proven(
    authentication: Authentication,
    *,
    ial: IAL,
    administrator: bool,
    token: str,
    now: datetime,
) -> dict[str, object]:
    """The columns that a sign-in sets, new or again."""
    return {
        "token_hash": hashed(token),
        "credential_id": authentication.credential_id,
        "ial": ial.value,
        "aal": int(authentication.aal),
        "amr": " ".join(authentication.amr),
        "administrator": administrator,
        "auth_time": now,
        "step_up_aal": None,
        "step_up_amr": None,
        "step_up_until": None,
    }


def signed_in(row: Mapping[Any, Any], now: datetime) -> SignedIn:
    """The row as it counts now. SP 800-63B-4 section 5: the session's AAL is never above that of its event."""
    raised = (
        row["step_up_until"] is not None
        and now < row["step_up_until"]
        and row["step_up_aal"] >= row["aal"]
    )
    return SignedIn(
        sid=row["sid"],
        account_id=row["account_id"],
        credential_id=row["credential_id"],
        acr=Acr(IAL(row["ial"]), AAL(row["step_up_aal"] if raised else row["aal"])),
        amr=tuple((row["step_up_amr"] if raised else row["amr"]).split()),
        auth_time=row["auth_time"],
        started_at=row["started_at"],
        administrator=row["administrator"],
    )


def idle_limit(row: Mapping[Any, Any], settings: Settings) -> timedelta:
    if row["administrator"]:
        return settings.session_idle_administrator
    return (
        settings.session_idle_aal3
        if row["aal"] == AAL.AAL3
        else settings.session_idle_aal2
    )


def is_over(row: Mapping[Any, Any], settings: Settings, now: datetime) -> bool:
    """Idle for too long, or twelve hours old."""
    idle_since: datetime = row["last_seen"]
    started_at: datetime = row["started_at"]
    return (
        now - idle_since >= idle_limit(row, settings)
        or now - started_at >= settings.session_lifetime
    )
