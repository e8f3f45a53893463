"""The person's session at the provider: one row, looked up by one query at every request, on every worker.

The cookie holds 256 random bits and the row only their hash. The token changes whenever the session gains power
(sign-in, step-up), so that a token planted or seen before is worth nothing after (session fixation); `sid`
names the session within the provider and stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from core import audit
from core.errors import PersonError
from core.ground import Ground
from core.identifiers import hashed, new_id, new_secret
from idp.interaction.session_row import (
    CURRENT,
    Authentication,
    Session,
    SignedIn,
    in_force,
    is_over,
    over,
    proven,
    signed_in,
)
from idp.models.issued_token import revoke_connections_of_account

__all__ = ["Authentication", "EndSession", "Session", "SessionStore", "SignedIn"]

TOUCH = timedelta(minutes=1)  # last_seen is written at most this often
TOKEN_LENGTH = 43
OF_TOKEN = CURRENT.where(Session.token_hash == bindparam("token"))  # built once: it runs at every request
BATCH = 100  # expired sessions ended in one transaction


class EndSession(Protocol):
    """Enqueues back-channel logout for every client that got tokens in the session, in the same transaction."""

    def __call__(self, connection: Connection, *, sid: str, account_id: str) -> object: ...


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
        return "prajak-session" if self.ground.settings.insecure_loopback else "__Host-prajak-session"

    def current(self, request: HasCookies) -> SignedIn | None:
        """The session that the request's cookie names, if it is in force."""
        token = request.cookies.get(self.cookie_name, "")
        return self.load(token) if len(token) == TOKEN_LENGTH else None

    def load(self, token: str) -> SignedIn | None:
        now = self.ground.clock.now()
        with self.ground.database.read() as connection:
            row = connection.execute(OF_TOKEN, {"token": hashed(token)}).mappings().first()
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
        previous: SignedIn | None = None,
    ) -> str:
        """Signs in; returns the new token. The same person's session goes on under its `sid`; another's is ended."""
        if previous is not None and previous.account_id == authentication.account_id:
            renewed = self._renew(connection, previous.sid, authentication)
            if renewed:
                return renewed
        elif previous is not None:
            self.end(connection, previous.sid, reason="another person signed in")
        token, now, sid = new_secret(), self.ground.clock.now(), new_id()
        row = proven(authentication, token=token, now=now)
        row |= {"sid": sid, "account_id": authentication.account_id, "started_at": now, "last_seen": now}
        connection.execute(insert(Session), row)
        self._record(connection, "session.started", authentication, sid=sid)
        return token

    def step_up(self, connection: Connection, current: SignedIn, authentication: Authentication) -> str:
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
        if connection.execute(update(Session).where(in_force(current.sid)).values(**values)).rowcount != 1:
            raise PersonError("You were signed out meanwhile. Please sign in again.")
        self._record(connection, "session.stepped_up", authentication, sid=current.sid)
        return token

    def end(self, connection: Connection, sid: str, *, reason: str, actor: str = "") -> bool:
        """Ends the session and tells its clients; False when it had already ended."""
        ended = update(Session).where(in_force(sid)).values(ended_at=self.ground.clock.now())
        account_id = connection.execute(ended.returning(Session.account_id)).scalar_one_or_none()
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

    def end_all(self, connection: Connection, account_id: str, *, reason: str, actor: str = "") -> int:
        """Every session of the account: after a recovery, a report, or by the person's own wish. Services that stay
        connected after logout (`offline_access`) are cut off too: one may be on the device that was lost.
        """
        sids = select(Session.sid).where(Session.account_id == account_id, Session.ended_at.is_(None))
        found = connection.execute(sids).scalars().all()
        ended = sum(self.end(connection, sid, reason=reason, actor=actor) for sid in found)
        revoke_connections_of_account(connection, account_id, now=self.ground.clock.now())
        return ended

    def end_expired(self) -> int:
        """The expiry job: a session that ran out is ended like any other, so that its clients hear of it."""
        query = select(Session.sid).where(
            Session.ended_at.is_(None), over(self.ground.settings, self.ground.clock.now())
        )
        with self.ground.database.read() as connection:
            sids = connection.execute(query.limit(BATCH)).scalars().all()
        with self.ground.database.write() as connection:
            return sum(self.end(connection, sid, reason="expired", actor="system") for sid in sids)

    def purge(self) -> int:
        """Ended sessions are kept for two days, for logout hints that come late."""
        with self.ground.database.write() as connection:
            ended = Session.ended_at < self.ground.clock.now() - timedelta(days=2)
            return connection.execute(delete(Session).where(ended)).rowcount

    def _renew(self, connection: Connection, sid: str, authentication: Authentication) -> str | None:
        token, now = new_secret(), self.ground.clock.now()
        values = proven(authentication, token=token, now=now)
        values |= {"last_seen": now, "started_at": now}
        if connection.execute(update(Session).where(in_force(sid)).values(**values)).rowcount != 1:
            return None
        self._record(connection, "session.renewed", authentication, sid=sid)
        return token

    def _touch(self, sid: str, now: datetime) -> None:
        with self.ground.database.write() as connection:
            connection.execute(update(Session).where(in_force(sid), Session.last_seen < now).values(last_seen=now))

    def _record(self, connection: Connection, event: str, authentication: Authentication, *, sid: str) -> None:
        audit.record(
            connection,
            self.ground.clock,
            event=event,
            actor=authentication.account_id,
            subject=authentication.account_id,
            detail={"sid": sid, "aal": int(authentication.aal), "amr": " ".join(authentication.amr)},
        )
