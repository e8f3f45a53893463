"""How a key ends by decision: retired, suspended and brought back, compromised, destroyed.

What others may have is out of use on every worker within five seconds, and so is the JWKS; where something of its kind
can take its place, that happens in the same transaction. What cannot be undone is done when two people have agreed to
it (`two_person.py`), and spends their agreement in its own transaction.

Whoever decides is told when the key was no longer what they saw, a rotation having come between, and decides anew:
a compromise that does not happen must never look done.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import Connection

from keys import two_person
from keys.errors import KeystoreError, NotAgreed
from keys.key_rows import KeyRecord, change_state, successor_slot, withdraw
from keys.key_states import State, check_transition
from keys.key_use import check_replaceable, check_rotates, is_disbelieved, takes_two
from keys.purposes import RULES, Purpose
from keys.rotation import First, Rotation, nothing_first
from keys.two_person import Act

SETTLED = timedelta(minutes=1)  # no worker still takes a key for the one in use, whatever it sealed a moment ago
Need = Callable[[KeyRecord], str]


class Endings(Rotation):
    needs: tuple[
        Need, ...
    ] = ()  # rooms that say why a key must not be destroyed yet; "" where nothing speaks against it

    def retire(self, kid: str, *, actor: str = "system", reason: str = "") -> None:
        """Ends a holder's key, or takes a deactivated key out of the JWKS, but for one whose signatures must verify for
        years: nothing brings it back there. A purpose's one key must be rotated. Raises NotAgreed for an authority's
        key, unless two people agreed.
        """
        record, now = self.record(kid), self.ground.clock.now()
        if record.slot is not None and not RULES[record.purpose].many:
            raise KeystoreError(f"{kid} is the key of {record.purpose}: rotate {record.purpose} instead")
        if record.state in (State.COMPROMISED, State.DESTROYED):
            raise KeystoreError(f"{kid} is {record.state} and out of use already")
        if RULES[record.purpose].verifies_for_ever:
            raise KeystoreError(f"what {kid} signed must verify for years: it stays published unless it is compromised")
        with self.ground.database.write() as connection:
            if record.state in (State.ACTIVE, State.SUSPENDED):
                self._agreed(Act.RETIRE_KEY, record)(connection)
                if not change_state(connection, record, State.DEACTIVATED, slot=None, deactivated_at=now):
                    raise changed(record)
            withdraw(connection, kid, now)
            self._audit(connection, "key.retired", record, actor, reason)

    def suspend(self, kid: str, *, actor: str = "system", reason: str = "") -> None:
        """SP 800-57 part 1 section 7.3: out of use while a suspicion is looked into. A purpose's one key is followed at
        once, so that nothing stands still; a holder's signs when it is restored.
        """
        record = self.record(kid)
        check_transition(record.state, State.SUSPENDED)
        if record.slot is not None and not RULES[record.purpose].many:
            self._replace(record, State.SUSPENDED, actor=actor, reason=reason)
            return
        with self.ground.database.write() as connection:
            if not change_state(connection, record, State.SUSPENDED):
                raise changed(record)
            self._audit(connection, "key.suspended", record, actor, reason)

    def restore(self, kid: str, *, actor: str = "system", reason: str = "") -> State:
        """The suspicion was nothing. A holder's key is active again; what was followed is deactivated, and published
        once more for the overlap. Returns which. Raises KeystoreError for a key that is not suspended.
        """
        record, now = self.record(kid), self.ground.clock.now()
        if record.state is not State.SUSPENDED:
            raise KeystoreError(f"{kid} is {record.state}, not suspended")
        rules = RULES[record.purpose]
        after = State.ACTIVE if rules.many else State.DEACTIVATED
        until = None if rules.many or rules.verifies_for_ever else now + rules.overlap
        with self.ground.database.write() as connection:
            if not change_state(connection, record, after, published_until=until):
                raise changed(record)
            self._audit(connection, "key.restored", record, actor, reason)
        return after

    def compromise(self, kid: str, *, actor: str = "system", reason: str = "") -> None:
        """Ends a key at once, also in the JWKS; a purpose's one key is replaced in the same transaction. Raises
        NotAgreed where nothing can take its place, unless two people agreed.
        """
        record, now = self.record(kid), self.ground.clock.now()
        check_transition(record.state, State.COMPROMISED)
        check_replaceable(record)
        agreed = self._agreed(Act.COMPROMISE_KEY, record) if record.state is not State.PRE_ACTIVATION else nothing_first
        if record.slot is not None and record.state is State.ACTIVE and not RULES[record.purpose].many:
            self._replace(record, State.COMPROMISED, actor=actor, reason=reason, first=agreed)
            return
        with self.ground.database.write() as connection:
            agreed(connection)
            ended: dict[str, datetime | None] = {"deactivated_at": record.deactivated_at or now, "compromised_at": now}
            if not change_state(connection, record, State.COMPROMISED, slot=None, **ended):
                raise changed(record)
            self._audit(connection, "key.compromised", record, actor, reason)

    def destroy(self, kid: str, *, actor: str = "system", reason: str = "") -> None:
        """Section 7.6: removed from custody; the row says that it was. Raises NotAgreed unless two people agreed,
        KeystoreError for a key in use, or one that something still needs.
        """
        record, now = self.record(kid), self.ground.clock.now()
        self.check_destroyable(record)
        self._check_two_agreed(Act.DESTROY_KEY, kid)
        if record.deactivated_at is not None and now < record.deactivated_at + SETTLED:
            raise KeystoreError(f"{kid} was in use a moment ago: wait a minute")
        believed = record.state is State.DEACTIVATED
        ended = {
            "published_until": record.published_until if believed else now,
            "deactivated_at": record.deactivated_at or now,
            "compromised_at": (record.compromised_at or now) if is_disbelieved(record) else None,
        }
        with self.ground.database.write() as connection:
            two_person.spend(connection, self.ground.clock, Act.DESTROY_KEY, kid)
            if not change_state(connection, record, State.DESTROYED, slot=None, **ended):
                raise changed(record)
            self._audit(connection, "key.destroyed", record, actor, reason)
        self._remove(record)

    def check_destroyable(self, record: KeyRecord) -> None:
        """Raises KeystoreError saying what stands against it."""
        check_transition(record.state, State.DESTROYED)
        if record.purpose is Purpose.ENVELOPE and not self.needs:
            raise KeystoreError(f"{record.kid} must not be destroyed: nobody can tell what is sealed under it")
        for need in self.needs:
            why = need(record)
            if why:
                raise KeystoreError(f"{record.kid} must not be destroyed: {why}")

    def check_agreed(self, act: Act, record: KeyRecord) -> None:
        """Before anything else is done that belongs to the act; the act itself spends it. Raises NotAgreed."""
        if takes_two(record):
            self._check_two_agreed(act, record.kid)

    def _check_two_agreed(self, act: Act, kid: str) -> None:
        with self.ground.database.read() as connection:
            asked = two_person.load_open(connection, act, kid)
        if asked is None or not asked.is_agreed(self.ground.clock.now()):
            raise NotAgreed(f"two people must agree first: {act} {kid}")

    def _replace(
        self, record: KeyRecord, becomes: State, *, actor: str, reason: str, first: First | None = None
    ) -> None:
        """By the successor that waits, else by a new one: nobody could have it in a cache."""
        if first is None:
            check_rotates(record.purpose)
            first = nothing_first
        slot = record.slot or ""
        successor = self._slot(successor_slot(slot)) or self._announce(record, None, actor)
        if not self._succeed(record, successor, becomes, actor=actor, reason=reason, first=first):
            raise changed(record)

    def _agreed(self, act: Act, record: KeyRecord) -> First:
        """What to do first in the transaction of the act."""
        if not takes_two(record):
            return nothing_first

        def spend(connection: Connection) -> object:
            return two_person.spend(connection, self.ground.clock, act, record.kid)

        return spend


def changed(record: KeyRecord) -> KeystoreError:
    return KeystoreError(f"{record.kid} is no longer {record.state}: look again")
