"""What every chapter of the keystore stands on: the rows, the keys in hand, the uses, and one way to write an entry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from core import audit
from core.ground import Ground
from keys.counted import CountingCustody
from keys.errors import KeystoreError
from keys.key_ring import KeyRing
from keys.key_rows import KeyRecord, active_slot, insert_key, load_destroyed, load_key, load_purposes, load_slot
from keys.purposes import Purpose
from keys.signer import Custody, open_custody
from keys.use_count import UseCounter, Uses, load_uses

log = structlog.get_logger()

LOOK_AGAIN = timedelta(seconds=5)  # what one worker changes takes effect on every other within this


@dataclass(frozen=True)
class Current:
    kid: str
    look_again_at: datetime


def is_fresh(look_again_at: datetime, now: datetime) -> bool:
    """Looked up within five seconds. A clock that was set back since makes nothing last: the key may be compromised."""
    return look_again_at - LOOK_AGAIN <= now < look_again_at


class KeyShelf:
    """One per process."""

    def __init__(self, ground: Ground, custody: Custody | None = None) -> None:
        self.ground = ground
        self.counter = UseCounter()
        self.ring = KeyRing(CountingCustody(custody or open_custody(ground.settings), self.counter), ground.clock)
        self._current: dict[str, Current] = {}  # by slot
        self._purposes: dict[str, Purpose] = {}  # by kid: what never changes
        self._own: tuple[datetime, Mapping[Purpose, str]] | None = None  # algorithms, until when they are believed

    def records(self, purposes: Sequence[Purpose] = tuple(Purpose)) -> list[KeyRecord]:
        """All that is known of keys, for lists and checks."""
        with self.ground.database.read() as connection:
            return load_purposes(connection, purposes)

    def record(self, kid: str) -> KeyRecord:
        """KeystoreError when there is none."""
        with self.ground.database.read() as connection:
            return load_key(connection, kid)

    def check(self) -> None:
        """For `/readyz`: raises when rows cannot be read, or keys not be used; TokenAway where a token is away."""
        self.records()
        self.ring.custody.check()

    def token_sessions(self) -> int:
        """This process's."""
        return self.ring.custody.token_sessions()

    def uses(self) -> dict[str, Uses]:
        """By kid, as written: what this worker counted since is not in it yet."""
        with self.ground.database.read() as connection:
            return load_uses(connection)

    def tend(self) -> None:
        """A job of every worker: writes what it counted, and lets go of keys that were destroyed elsewhere."""
        self.counter.flush(self.ground.database, self.ground.clock)
        with self.ground.database.read() as connection:
            for kid in load_destroyed(connection):
                self.ring.forget(kid)

    def close(self) -> None:
        """Writes what this worker counted; a database that is away leaves it unwritten, which the log says."""
        try:
            self.counter.flush(self.ground.database, self.ground.clock)
        except SQLAlchemyError:
            log.exception("key_uses_not_written")

    def _active_record(self, purpose: Purpose, algorithm: str | None = None) -> KeyRecord:
        record = self._slot(active_slot(purpose, algorithm))
        if record is None:
            raise KeystoreError(f"there is no key for {purpose}: `ensure` makes it at the first start")
        return record

    def _slot(self, slot: str) -> KeyRecord | None:
        with self.ground.database.read() as connection:
            return load_slot(connection, slot)

    def _insert(self, connection: Connection, made: KeyRecord, actor: str) -> bool:
        inserted = insert_key(connection, made)
        if inserted:
            self._audit(connection, "key.created", made, actor, "")
        return inserted

    def _audit(self, connection: Connection, event: str, record: KeyRecord, actor: str, reason: str) -> None:
        detail = {"purpose": record.purpose.value, "algorithm": record.algorithm}
        clock, subject = self.ground.clock, record.kid
        audit.record(connection, clock, event=event, actor=actor, subject=subject, reason=reason, detail=detail)
