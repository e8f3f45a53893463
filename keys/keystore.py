"""Keys by purpose: which one signs now, which open, which are published.

Of a purpose that has one key, the row whose `slot` is the purpose is active, by uniqueness across all workers; where
clients choose the algorithm there is a slot for each other one, `PURPOSE:ALGORITHM`, and all below holds of each slot.
Every worker asks the database again after five seconds; between, a signature costs no query.

One class, told in chapters: `key_shelf.py` (rows, counts), `creation.py`, `rotation.py` (by schedule), `endings.py` (by
decision), and here what others ask for. What makes or changes keys has a transaction of its own: never call it within
another.
"""

from __future__ import annotations

from collections.abc import Sequence

from keys.decryption import Decrypter
from keys.endings import Endings
from keys.errors import DecryptionError, KeystoreError
from keys.jwks import public_jwk
from keys.key_rows import active_slot
from keys.key_shelf import LOOK_AGAIN, Current, is_fresh
from keys.key_states import State
from keys.key_use import check_algorithm, check_there, is_published, is_usable, public_key
from keys.own_algorithm import load_own_algorithms
from keys.purposes import RULES, Purpose
from keys.secret import Secret
from keys.signer import Signer

__all__ = ["LOOK_AGAIN", "Keystore"]

PUBLISHED_ORDER = (State.ACTIVE, State.PRE_ACTIVATION, State.DEACTIVATED, State.DESTROYED)


class Keystore(Endings):
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
        return self.ring.held_secret(kid) or self.ring.secret(check_there(self.record(kid)))

    def published(self, purposes: Sequence[Purpose]) -> list[dict[str, str]]:
        """The public JWKs (RFC 7517 section 5): those in use first, then the announced, then those on their way out."""
        now = self.ground.clock.now()
        records = [record for record in self.records(purposes) if is_published(record, now)]
        records.sort(key=lambda record: PUBLISHED_ORDER.index(record.state))
        return [
            public_jwk(public_key(each), algorithm=each.algorithm, use="enc" if RULES[each.purpose].decrypts else "sig")
            for each in records
        ]

    def own_algorithm(self, purpose: Purpose) -> str:
        """What it signs with for whoever chose nothing; another after `move`, on every worker within five seconds."""
        now = self.ground.clock.now()
        if self._own is None or not is_fresh(self._own[0], now):
            with self.ground.database.read() as connection:
                self._own = (now + LOOK_AGAIN, load_own_algorithms(connection, now))
        return self._own[1][purpose]

    def _current_kid(self, purpose: Purpose, algorithm: str | None) -> str:
        now, slot = self.ground.clock.now(), active_slot(purpose, algorithm)
        current = self._current.get(slot)
        if current is None or not is_fresh(current.look_again_at, now):
            current = Current(self._kid_in_use(purpose, algorithm), now + LOOK_AGAIN)
            self._current[slot] = current
        return current.kid

    def _kid_in_use(self, purpose: Purpose, algorithm: str | None) -> str:
        if algorithm is None:
            return self._active_record(purpose).kid
        return self.ensure(purpose, check_algorithm(purpose, algorithm))
