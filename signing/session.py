"""Officers' sessions at the desk: begun by the provider's ID Token; ended here, by time, or by the provider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert, select, update

from core import audit
from core.ground import Ground
from core.identifiers import hashed, new_id, new_secret
from core.one_time import spend
from keys.data_key import DESK, Owner
from keys.envelope import Envelope
from signing.models.session import DeskSession
from signing.sealed import NAMES

SEEN_EVERY = timedelta(minutes=1)  # a request within a minute of the last one writes nothing
LOGOUT_JTI = "signing-logout-jti"


@dataclass(frozen=True, kw_only=True)
class Officer:
    """Who is at the desk. Names are what the provider said at sign-in; they may be empty."""

    session_id: str
    sub: str
    name_th: str
    name_en: str


class DeskSessions:
    def __init__(self, ground: Ground, envelope: Envelope) -> None:
        self.ground = ground
        self.envelope = envelope

    def start(self, *, sub: str, sid: str, name_th: str, name_en: str) -> str:
        """A new session; its secret is for the cookie and stands nowhere else."""
        session_id, secret, now = new_id(), new_secret(), self.ground.clock.now()
        names = json.dumps([name_th, name_en], ensure_ascii=False).encode()
        key = self.envelope.ensure_key(Owner(DESK, sub))
        row = {
            "id": session_id,
            "secret_hash": hashed(secret),
            "sub": sub,
            "sid": sid,
            "name_sealed": key.seal(names, aad=NAMES.aad(id=session_id)),
            "created_at": now,
            "last_seen_at": now,
        }
        with self.ground.database.write() as connection:
            connection.execute(insert(DeskSession), row)
            audit.record(
                connection,
                self.ground.clock,
                event="signing.session.started",
                actor=sub,
                subject=session_id,
            )
        return secret

    def current(self, secret: str | None) -> Officer | None:
        """Who this cookie belongs to; None when it is nobody's, ended, idle too long, or too old."""
        if not secret:
            return None
        settings, now = self.ground.settings, self.ground.clock.now()
        with self.ground.database.read() as connection:
            query = select(DeskSession.__table__).where(DeskSession.secret_hash == hashed(secret))
            row = connection.execute(query).mappings().first()
        if row is None or row["ended_at"] is not None:
            return None
        idle, age = now - row["last_seen_at"], now - row["created_at"]
        if idle > settings.session_idle_aal2 or age > settings.session_lifetime:
            return None
        if idle > SEEN_EVERY:
            self._seen(row["id"], now)
        key = self.envelope.load_key(Owner(DESK, row["sub"]))
        name_th, name_en = json.loads(key.open(row["name_sealed"], aad=NAMES.aad(id=row["id"])))
        return Officer(session_id=row["id"], sub=row["sub"], name_th=name_th, name_en=name_en)

    def end(self, officer: Officer) -> None:
        with self.ground.database.write() as connection:
            self._end(connection, officer.sub, DeskSession.id == officer.session_id)

    def end_by_logout_token(self, *, jti: str, sub: str, sid: str, expires_at: datetime) -> bool:
        """Back-Channel Logout section 2.7: the session named by `sid`, or all of `sub`. False for a spent `jti`."""
        with self.ground.database.write() as connection:
            if not spend(connection, LOGOUT_JTI, jti, expires_at=expires_at):
                return False
            which = [DeskSession.sid == sid] if sid else []
            which += [DeskSession.sub == sub] if sub else []
            self._end(connection, sub or "provider", *which)
        return True

    def _seen(self, session_id: str, now: datetime) -> None:
        with self.ground.database.write() as connection:
            connection.execute(update(DeskSession).where(DeskSession.id == session_id).values(last_seen_at=now))

    def _end(self, connection: Connection, actor: str, *which: object) -> None:
        ending = update(DeskSession).where(DeskSession.ended_at.is_(None), *which)  # type: ignore[arg-type]
        ended = connection.execute(ending.values(ended_at=self.ground.clock.now()).returning(DeskSession.id)).scalars()
        for session_id in ended.all():
            clock = self.ground.clock
            audit.record(connection, clock, event="signing.session.ended", actor=actor, subject=session_id)
