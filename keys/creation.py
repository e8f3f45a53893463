"""How keys come to be: the first of each purpose, those that clients may ask for, one for each holder.

A key is durable in custody before a row names it. Of several workers at once one makes it, by the uniqueness of its
slot, and the others throw theirs away.
"""

from __future__ import annotations

from collections.abc import Collection

from keys.errors import KeystoreError
from keys.key_rows import KeyRecord, active_slot
from keys.key_shelf import KeyShelf
from keys.purposes import RULES, Purpose
from keys.signer import Signer


class Creation(KeyShelf):
    _has_all = False  # every key that `make_ahead` makes

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
