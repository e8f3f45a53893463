"""Keys by purpose: which one signs now, which are published, and how one follows another.

Of a purpose that has one key, the row whose `slot` is the purpose is active, by uniqueness across all workers; where
clients choose the algorithm there is a slot for each other one, `PURPOSE:ALGORITHM`, and all below holds of each slot.
A rotation announces the successor first (slot `PURPOSE:next`, in the JWKS at once), lets it sign after the publication
time, and keeps its predecessor published for the overlap: a client that caches the JWKS never meets a stranger.
Every worker asks the database again after five seconds; between, a signature costs no query.

What makes or changes keys has a transaction of its own: never call it within another.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from core import audit
from core.ground import Ground
from keys.decryption import Decrypter
from keys.errors import DecryptionError, KeystoreError
from keys.jwks import public_jwk
from keys.key_ring import KeyRing
from keys.key_rows import (
    KeyRecord,
    active_slot,
    change_state,
    hold_active,
    insert_key,
    load_key,
    load_purposes,
    load_slot,
    predecessor_slot,
    successor_slot,
    withdraw,
)
from keys.key_states import State
from keys.key_use import (
    check_algorithm,
    check_rotates,
    has_come,
    is_aged,
    is_published,
    is_usable,
    public_key,
    slot_of,
)
from keys.purposes import RULES, Purpose
from keys.secret import Secret
from keys.signer import Custody, Signer, open_custody

LOOK_AGAIN = timedelta(seconds=5)  # a rotation takes effect on every worker within this
PUBLISHED_ORDER = (State.ACTIVE, State.PRE_ACTIVATION, State.DEACTIVATED)


@dataclass(frozen=True)
class Current:
    kid: str
    look_again_at: datetime


class Keystore:
    """One per process."""

    def __init__(self, ground: Ground, custody: Custody | None = None) -> None:
        self.ground = ground
        self.ring = KeyRing(custody or open_custody(ground.settings), ground.clock)
        self._current: dict[str, Current] = {}  # by slot
        self._purposes: dict[str, Purpose] = {}  # by kid: what never changes
        self._has_all = False  # every key that `make_ahead` makes

    def active(self, purpose: Purpose, algorithm: str | None = None) -> Signer:
        """The signer of a purpose, of its own algorithm or of another that it has. Cheap: ask for each signature, keep
        nothing. A key of another algorithm is made when it is first asked for, in a transaction of its own.
        """
        kid = self._current_kid(purpose, algorithm)
        return self.ring.held(kid) or self.ring.signer(self.record(kid))

    def decrypter(self, purpose: Purpose, *, algorithm: str, kid: str | None = None) -> Decrypter:
        """What opens what was encrypted to this key, one that was replaced a short while ago too; without `kid`, to
        the key in use. Raises DecryptionError for a key that is none of these.
        """
        if kid is None:
            kid = self._current_kid(purpose, check_algorithm(purpose, algorithm))
        now, records = self.ground.clock.now(), self.records([purpose])
        for record in records:
            if record.kid == kid and record.algorithm == algorithm and is_usable(record, now):
                return self.ring.decrypter(record)
        raise DecryptionError("it was not encrypted to a key that is in use here")

    def load(self, kid: str) -> Signer:
        """The signer of one holder's key (officer, seal); KeystoreError unless it is active."""
        record = self.record(kid)
        if record.state is not State.ACTIVE:
            raise KeystoreError(f"key {kid} is {record.state} and signs no more")
        return self.ring.signer(record)

    def secret(self, purpose: Purpose) -> Secret:
        """The secret in use now; what must be read after a rotation keeps its kid beside it."""
        kid = self._current_kid(purpose, None)
        return self.ring.held_secret(kid) or self.ring.secret(self.record(kid))

    def secret_of(self, kid: str, purpose: Purpose) -> Secret:
        """A named secret, one out of use too: what was sealed must open. KeystoreError for one of another purpose."""
        if kid not in self._purposes:
            self._purposes[kid] = self.record(kid).purpose
        if self._purposes[kid] is not purpose:
            raise KeystoreError(f"{kid} is no key of {purpose}")
        return self.ring.held_secret(kid) or self.ring.secret(self.record(kid))

    def published(self, purposes: Sequence[Purpose]) -> list[dict[str, str]]:
        """The public JWKs (RFC 7517 section 5): those in use first, then the announced, then those on their way out."""
        now = self.ground.clock.now()
        records = [record for record in self.records(purposes) if is_published(record, now)]
        records.sort(key=lambda record: PUBLISHED_ORDER.index(record.state))
        return [
            public_jwk(public_key(each), algorithm=each.algorithm, use="enc" if RULES[each.purpose].decrypts else "sig")
            for each in records
        ]

    def records(self, purposes: Sequence[Purpose] = tuple(Purpose)) -> list[KeyRecord]:
        """All that is known of keys, for lists and checks."""
        with self.ground.database.read() as connection:
            return load_purposes(connection, purposes)

    def record(self, kid: str) -> KeyRecord:
        with self.ground.database.read() as connection:
            return load_key(connection, kid)

    def ensure(self, purpose: Purpose, algorithm: str | None = None, *, actor: str = "system") -> str:
        """The active key's kid; makes the first key where there is none. Of two workers at once, one makes it."""
        self.ensure_all([(purpose, algorithm)], actor=actor)
        return self._active_record(purpose, algorithm).kid

    def ensure_all(self, wanted: Collection[tuple[Purpose, str | None]], *, actor: str = "system") -> None:
        """The same for many purposes in one transaction; None stands for the purpose's own algorithm."""
        slots = {active_slot(purpose, algorithm): (purpose, algorithm) for purpose, algorithm in wanted}
        for purpose, _ in wanted:
            if RULES[purpose].many:
                raise KeystoreError(f"{purpose} has a key for each holder: create it")
        there = {record.slot for record in self.records([purpose for purpose, _ in wanted])}
        missing = {slot: key for slot, key in slots.items() if slot not in there}
        if not missing:
            return
        made = [self.ring.make(purpose, algorithm, slot=slot) for slot, (purpose, algorithm) in missing.items()]
        with self.ground.database.write() as connection:
            second = [record for record in made if not self._insert(connection, record, actor)]
        for record in second:
            self.ring.discard(record.kid)

    def make_ahead(self, *, actor: str = "system") -> bool:
        """A job: makes one key that a client may ask for and that is not there yet, so that it stands in the JWKS
        before anything was signed with it. False when none is missing.
        """
        if self._has_all:
            return False
        wanted = [(purpose, name) for purpose, rules in RULES.items() for name in rules.also]
        there = {record.slot for record in self.records()}
        missing = [key for key in wanted if active_slot(*key) not in there]
        if missing:
            self.ensure_all(missing[:1], actor=actor)
        self._has_all = not missing
        return bool(missing)

    def create(
        self, purpose: Purpose, algorithm: str | None = None, label: str = "", *, actor: str = "system"
    ) -> Signer:
        """A new key for one of many holders; `label` is an identifier, never a name."""
        if not RULES[purpose].many:
            raise KeystoreError(f"{purpose} has one key: ensure it, or rotate it")
        made = self.ring.make(purpose, algorithm, label=label)
        with self.ground.database.write() as connection:
            self._insert(connection, made, actor)
        return self.ring.signer(made)

    def ensure_holder(
        self, purpose: Purpose, holder: str, algorithm: str | None = None, *, actor: str = "system"
    ) -> Signer:
        """The one key of a named holder of many, an authority's generation; of two workers at once, one makes it."""
        if not RULES[purpose].many:
            raise KeystoreError(f"{purpose} has one key: ensure it, or rotate it")
        slot = f"{purpose}:{holder}"
        found = self._slot(slot)
        if found is None:
            made = self.ring.make(purpose, algorithm, slot=slot, label=holder)
            with self.ground.database.write() as connection:
                first = self._insert(connection, made, actor)
            if not first:
                self.ring.discard(made.kid)
            found = made if first else self._active_holder(slot)
        return self.ring.signer(found)

    def _active_holder(self, slot: str) -> KeyRecord:
        record = self._slot(slot)
        if record is None:
            raise KeystoreError(f"the key in {slot} was made and is gone")
        return record

    def rotate(
        self, purpose: Purpose, *, algorithm: str | None = None, at_once: bool = False, actor: str = "system"
    ) -> KeyRecord:
        """Announces the successor, or lets it begin now when its time has come, or `at_once`. Returns the successor.

        `algorithm` says which key, where the purpose has several; where it has one, the successor's algorithm, which
        is its predecessor's unless another is named.
        """
        current = self._rotatable(purpose, algorithm)
        return self._rotate(current, None if RULES[purpose].also else algorithm, at_once=at_once, actor=actor)

    def rotate_all(self, purpose: Purpose, *, at_once: bool = False, actor: str = "system") -> list[KeyRecord]:
        """The same for each key that the purpose has now; its own algorithm's first."""
        self._rotatable(purpose, None)
        active = [record for record in self.records([purpose]) if record.state is State.ACTIVE and record.slot]
        active.sort(key=lambda record: record.slot != purpose)
        return [self._rotate(record, None, at_once=at_once, actor=actor) for record in active]

    def advance(self, *, actor: str = "system") -> None:
        """Lets announced keys begin whose time has come, and announces successors of keys past their cryptoperiod."""
        now = self.ground.clock.now()
        for record in self.records():
            if record.slot is not None and (has_come(record, now) or is_aged(record, now)):
                current = self._slot(predecessor_slot(record.slot))
                if current is not None:
                    self._rotate(current, None, at_once=False, actor=actor)

    def retire(self, kid: str, *, actor: str = "system", reason: str = "") -> None:
        """Ends a holder's key, or takes a deactivated key out of the JWKS. A purpose's one key must be rotated."""
        record, now = self.record(kid), self.ground.clock.now()
        if record.slot is not None:
            raise KeystoreError(f"{kid} is the key of {record.purpose}: rotate {record.purpose} instead")
        if record.state is State.COMPROMISED:
            raise KeystoreError(f"{kid} is compromised and out of use already")
        with self.ground.database.write() as connection:
            if record.state is State.ACTIVE:
                change_state(connection, record, State.DEACTIVATED, deactivated_at=now)
            withdraw(connection, kid, now)
            self._audit(connection, "key.retired", record, actor, reason)

    def compromise(self, kid: str, *, actor: str = "system", reason: str = "") -> None:
        """Ends a key at once, also in the JWKS; a purpose's one key is replaced in the same transaction."""
        record = self.record(kid)
        if record.slot is not None and record.state is State.ACTIVE:
            check_rotates(record.purpose)
            successor = self._slot(successor_slot(record.slot)) or self._announce(record, None, actor)
            self._succeed(record, successor, State.COMPROMISED, actor, reason)
            return
        with self.ground.database.write() as connection:
            if change_state(connection, record, State.COMPROMISED, slot=None, deactivated_at=self.ground.clock.now()):
                self._audit(connection, "key.compromised", record, actor, reason)

    def _current_kid(self, purpose: Purpose, algorithm: str | None) -> str:
        now, slot = self.ground.clock.now(), active_slot(purpose, algorithm)
        current = self._current.get(slot)
        if current is None or now >= current.look_again_at:
            current = Current(self._kid_in_use(purpose, algorithm), now + LOOK_AGAIN)
            self._current[slot] = current
        return current.kid

    def _kid_in_use(self, purpose: Purpose, algorithm: str | None) -> str:
        if algorithm is None:
            return self._active_record(purpose).kid
        return self.ensure(purpose, check_algorithm(purpose, algorithm))

    def _active_record(self, purpose: Purpose, algorithm: str | None = None) -> KeyRecord:
        record = self._slot(active_slot(purpose, algorithm))
        if record is None:
            raise KeystoreError(f"there is no key for {purpose}: `ensure` makes it at the first start")
        return record

    def _rotatable(self, purpose: Purpose, algorithm: str | None) -> KeyRecord:
        check_rotates(purpose)
        return self._active_record(purpose, algorithm)

    def _rotate(self, current: KeyRecord, algorithm: str | None, *, at_once: bool, actor: str) -> KeyRecord:
        successor = self._slot(successor_slot(slot_of(current))) or self._announce(current, algorithm, actor)
        if at_once or has_come(successor, self.ground.clock.now()):
            self._succeed(current, successor, State.DEACTIVATED, actor)
        return self.record(successor.kid)

    def _announce(self, current: KeyRecord, algorithm: str | None, actor: str) -> KeyRecord:
        """A successor, waiting; another worker's, where that was first."""
        purpose, slot = current.purpose, successor_slot(slot_of(current))
        made = self.ring.make(purpose, algorithm or current.algorithm, slot=slot)
        begins = made.created_at + RULES[purpose].publication
        made = replace(made, state=State.PRE_ACTIVATION, activates_at=begins)
        with self.ground.database.write() as connection:
            if hold_active(connection, current.kid) and self._insert(connection, made, actor):
                return made
        self.ring.discard(made.kid)
        return self._slot(slot) or self._slot(slot_of(current)) or current

    def _succeed(self, old: KeyRecord, new: KeyRecord, becomes: State, actor: str, reason: str = "") -> None:
        """One transaction in which the old key ends and the new one begins; nothing, when another worker did it."""
        now, rules = self.ground.clock.now(), RULES[old.purpose]
        until = None if rules.verifies_for_ever else now + rules.overlap
        with self.ground.database.write() as connection:
            if not change_state(connection, old, becomes, slot=None, deactivated_at=now, published_until=until):
                return
            if not change_state(connection, new, State.ACTIVE, slot=slot_of(old), activates_at=now):
                raise KeystoreError(f"the successor of {old.purpose}, {new.kid}, is no longer waiting")
            self._audit(connection, f"key.{becomes}", old, actor, reason)
            self._audit(connection, "key.activated", new, actor, reason)
        self._current.pop(slot_of(old), None)

    def _insert(self, connection: Connection, made: KeyRecord, actor: str) -> bool:
        inserted = insert_key(connection, made)
        if inserted:
            self._audit(connection, "key.created", made, actor, "")
        return inserted

    def _audit(self, connection: Connection, event: str, record: KeyRecord, actor: str, reason: str) -> None:
        detail = {"purpose": record.purpose.value, "algorithm": record.algorithm}
        clock, subject = self.ground.clock, record.kid
        audit.record(connection, clock, event=event, actor=actor, subject=subject, reason=reason, detail=detail)

    def _slot(self, slot: str) -> KeyRecord | None:
        with self.ground.database.read() as connection:
            return load_slot(connection, slot)
