"""How one key follows another, by schedule: announced, then in use, then out of use and still published.

A successor waits in the slot of its predecessor with `:next`, in the JWKS at once. It begins when its publication time
is over, in one transaction in which the other ends; a predecessor stays published for the overlap. So a client that
keeps the JWKS for as long as it may never meets a key that it does not know.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from core import audit
from keys.creation import Creation
from keys.errors import KeystoreError
from keys.key_rows import (
    KeyRecord,
    change_state,
    hold_active,
    mark_destroyed,
    predecessor_slot,
    successor_slot,
)
from keys.key_states import State
from keys.key_use import check_algorithm, check_becomes, check_rotates, has_come, is_aged, is_worn, slot_of
from keys.own_algorithm import choose, load_own_algorithms
from keys.purposes import RULES, Purpose
from keys.use_count import Uses

First = Callable[[Connection], object]  # what must hold, or be written, before in the same transaction


def nothing_first(_connection: Connection) -> None:
    return None


class Rotation(Creation):
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

    def move(self, purpose: Purpose, algorithm: str, *, actor: str = "system") -> datetime:
        """From its algorithm to another, without a moment at which a client meets a key that it cannot know. When the
        other begins: where the purpose has a key of each algorithm, for whoever chose none; else for everybody.
        """
        if not RULES[purpose].also:
            return self._move_its_one_key(purpose, algorithm, actor)
        with self.ground.database.read() as connection:
            before = load_own_algorithms(connection, self.ground.clock.now())[purpose]
        record = self.record(self.ensure(purpose, check_algorithm(purpose, algorithm), actor=actor))
        now = self.ground.clock.now()
        begins_at = max(now, record.created_at + RULES[purpose].publication)
        with self.ground.database.write() as connection:
            choose(connection, purpose, algorithm, before=before, begins_at=begins_at)
            detail = {"purpose": purpose.value, "algorithm": algorithm, "before": before}
            clock, subject = self.ground.clock, record.kid
            audit.record(connection, clock, event="key.moved", actor=actor, subject=subject, detail=detail)
        return begins_at

    def _move_its_one_key(self, purpose: Purpose, algorithm: str, actor: str) -> datetime:
        check_becomes(purpose, algorithm)
        successor = self.rotate(purpose, algorithm=algorithm, actor=actor)
        if successor.algorithm != algorithm:
            raise KeystoreError(
                f"a successor of {purpose} with {successor.algorithm} waits already; move it when that one has begun"
            )
        return successor.activates_at or self.ground.clock.now()

    def advance(self, *, actor: str = "system") -> None:
        """Lets announced keys begin whose time has come, announces successors of keys past their cryptoperiod or with
        too many uses, and removes from custody what was destroyed when the worker that did it died.
        """
        now, uses = self.ground.clock.now(), self.uses()
        for record in self.records():
            if record.state is State.DESTROYED and record.destroyed_at is None:
                self._remove(record)
            ends = is_aged(record, now) or is_worn(record, uses.get(record.kid, Uses()))
            if record.slot is not None and not RULES[record.purpose].many and (has_come(record, now) or ends):
                current = self._slot(predecessor_slot(record.slot))
                if current is not None:
                    self._rotate(current, None, at_once=False, actor=actor)

    def _rotatable(self, purpose: Purpose, algorithm: str | None) -> KeyRecord:
        check_rotates(purpose)
        return self._active_record(purpose, algorithm)

    def _rotate(self, current: KeyRecord, algorithm: str | None, *, at_once: bool, actor: str) -> KeyRecord:
        successor = self._slot(successor_slot(slot_of(current))) or self._announce(current, algorithm, actor)
        if at_once or has_come(successor, self.ground.clock.now()):
            self._succeed(current, successor, State.DEACTIVATED, actor=actor)
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

    def _succeed(
        self,
        old: KeyRecord,
        new: KeyRecord,
        becomes: State,
        *,
        actor: str,
        reason: str = "",
        first: First = nothing_first,
    ) -> bool:
        """One transaction in which the old key ends and the new one begins. False, and nothing done, when the old one
        is no longer what it was: another worker was first.
        """
        now, rules = self.ground.clock.now(), RULES[old.purpose]
        ended: dict[str, datetime | None] = {"deactivated_at": now}
        ended["published_until"] = None if rules.verifies_for_ever else now + rules.overlap
        ended["compromised_at"] = now if becomes is State.COMPROMISED else None
        with self.ground.database.write() as connection:
            if not change_state(connection, old, becomes, slot=None, **ended):
                return False
            first(connection)
            if not change_state(connection, new, State.ACTIVE, slot=slot_of(old), activates_at=now):
                raise KeystoreError(f"the successor of {old.purpose}, {new.kid}, is no longer waiting")
            self._audit(connection, f"key.{becomes}", old, actor, reason)
            self._audit(connection, "key.activated", new, actor, reason)
        self._current.pop(slot_of(old), None)
        return True

    def _remove(self, record: KeyRecord) -> None:
        """From custody for good, once the row says `destroyed`: whoever dies between is completed by the job."""
        self.ring.discard(record.kid)
        with self.ground.database.write() as connection:
            if mark_destroyed(connection, record.kid, self.ground.clock.now()):
                self._audit(connection, "key.removed", record, "system", "")
