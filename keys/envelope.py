"""Personal data at rest: everything is sealed under a data key, and data keys are wrapped by the envelope key.

Each person has a data key (`keys/data_key.py`), and so has the installation, for what belongs to no person. The
envelope key does nothing but wrap them, so that it can rotate, live in a token, and be taken out of use once all are
wrapped anew (`keys/rewrap.py`). `aad` says where the bytes belong, `account:ID:attributes` say: moved to another row
they do not open.

Within a transaction nobody waits for a keystore or a token: the envelope keys and the installation's data key are
learned before it begins (`Database.beforehand`), and a person's key is unwrapped by whoever loads it (`DataKey.ready`).
A person's unwrapped key lives as long as the object that holds it, which is one request; there is no cache of them.
"""

from __future__ import annotations

from secrets import token_bytes

import structlog
from sqlalchemy import Connection

from core.errors import PrajakError
from core.sealed_column import Erased
from keys.data_key import (
    ACCOUNT,
    INSTALLATION,
    Owner,
    insert_data_key,
    load_data_key,
    load_data_keys,
)
from keys.errors import EnvelopeError, KeystoreError, TokenAway
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.sealed import (
    BY_DATA_KEY,
    BY_INSTALLATION_KEY,
    DIRECT,
    WRAPPED,
    check_header,
    decrypt,
    encrypt,
    header_of,
    named_key,
)
from keys.secret import SECRET_BYTES, Secret, SecretName, SoftwareSecret

ONCE = "data-key"  # what earlier releases bound every wrapped key to

log = structlog.get_logger()


class DataKey:
    """One owner's data key, for one request or job; unwrapped when first used."""

    def __init__(self, envelope: Envelope, owner: Owner, wrapped: bytes | None, secret: Secret | None = None) -> None:
        self.envelope = envelope
        self.owner = owner
        self.wrapped = wrapped
        self._secret = secret

    @property
    def is_erased(self) -> bool:
        return not self.wrapped

    def ready(self) -> DataKey:
        """Unwraps it now: before the transaction that seals or opens with it. Nothing to do for an erased one."""
        if not self.is_erased:
            self._unwrapped()
        return self

    def seal(self, plaintext: bytes, *, aad: str) -> bytes:
        """Raises Erased when the owner's key is gone."""
        return encrypt(self._unwrapped(), BY_DATA_KEY, plaintext, aad)

    def open(self, sealed: bytes, *, aad: str) -> bytes:
        """EnvelopeError for bytes that were changed, or sealed for another place or owner; Erased when nobody ever
        opens them again.
        """
        if sealed[:1] == DIRECT:  # sealed before this column came under the owner's key
            return self.envelope.open(sealed, aad=aad)
        header = check_header(sealed, (BY_DATA_KEY,), 0)
        return decrypt(self._unwrapped(), header, sealed, aad)

    def _unwrapped(self) -> Secret:
        if self._secret is None:
            if not self.wrapped:
                raise Erased(f"the data key of {self.owner} is erased")
            self._secret = self.envelope.unwrap(self.owner, self.wrapped)
        return self._secret

    def __repr__(self) -> str:
        return f"<DataKey {self.owner}>"


class Envelope:
    """One per process."""

    def __init__(self, keystore: Keystore) -> None:
        self.keystore = keystore
        self.ground = keystore.ground
        self._wrapping: Secret | None = None  # the envelope key in use
        self._installation: dict[str, Secret] = {}  # its data keys, by id: one for each envelope key, the newest in use
        self._index: Secret | None = None
        self._why_not: PrajakError = KeystoreError("there is no envelope key yet: the first start makes it")
        self.ground.database.beforehand.append(self.learn)

    # ------------------------------------------------------------ owners' keys

    def new_key(self, owner: Owner) -> DataKey:
        """Made and wrapped; it counts once `keep` has stored it. Not within a transaction."""
        key = token_bytes(SECRET_BYTES)
        secret = SoftwareSecret(str(owner), SecretName.A256GCM, key)
        return DataKey(self, owner, self._wrap(self._known(), owner, key), secret)

    def keep(self, connection: Connection, key: DataKey) -> bool:
        """In the transaction in which the owner comes to be; False where the owner has a key."""
        if not key.wrapped:
            raise Erased(f"the data key of {key.owner} is erased")
        kid = named_key(key.wrapped, WRAPPED, DIRECT)[1]
        return insert_data_key(connection, key.owner, key.wrapped, kid=kid, now=self.ground.clock.now())

    def load_key(self, owner: Owner) -> DataKey:
        """Ready to use within a transaction; an erased one for an owner without a key."""
        with self.ground.database.read() as connection:
            wrapped = load_data_key(connection, owner)
        return DataKey(self, owner, wrapped).ready()

    def ensure_key(self, owner: Owner) -> DataKey:
        """The owner's key, made where there is none. Not within a transaction."""
        found = self.load_key(owner)
        if not found.is_erased:
            return found
        made = self.new_key(owner)
        with self.ground.database.write() as connection:
            self.keep(connection, made)
        return self.load_key(owner)

    def unwrap(self, owner: Owner, wrapped: bytes) -> Secret:
        """EnvelopeError for another owner's key, or one that was changed."""
        header, kid = named_key(wrapped, WRAPPED, DIRECT)
        bound_to = ONCE if header[:1] == DIRECT else place_of(owner)
        return SoftwareSecret(
            str(owner), SecretName.A256GCM, decrypt(self._wrapping_key(kid), header, wrapped, bound_to)
        )

    def rewrapped(self, owner: Owner, wrapped: bytes) -> bytes | None:
        """The same data key under the envelope key in use, bound to its owner; None when it is so already."""
        current = self._known()
        if wrapped.startswith(header_of(WRAPPED, current.kid)):
            return None
        header, kid = named_key(wrapped, WRAPPED, DIRECT)
        bound_to = ONCE if header[:1] == DIRECT else place_of(owner)
        return self._wrap(current, owner, decrypt(self._wrapping_key(kid), header, wrapped, bound_to))

    def _wrap(self, key: Secret, owner: Owner, data_key: bytes) -> bytes:
        return encrypt(key, header_of(WRAPPED, key.kid), data_key, place_of(owner))

    # ------------------------------------------------------------ what belongs to no person

    def seal(self, plaintext: bytes, *, aad: str) -> bytes:
        """Under the installation's own data key."""
        kid = self._known().kid
        return encrypt(self._installation[kid], header_of(BY_INSTALLATION_KEY, kid), plaintext, aad)

    def open(self, sealed: bytes, *, aad: str) -> bytes:
        """EnvelopeError when the bytes were changed, cut, or sealed for another place."""
        header, key_id = named_key(sealed, BY_INSTALLATION_KEY, DIRECT)
        if header[:1] == DIRECT:
            return decrypt(self._wrapping_key(key_id), header, sealed, aad)
        if key_id not in self._installation:
            self._load_installation()  # another worker's, of the last few seconds
        if key_id not in self._installation:
            raise EnvelopeError("sealed under a key that is not here")
        return decrypt(self._installation[key_id], header, sealed, aad)

    def open_of(self, account_id: str, sealed: bytes, *, aad: str) -> bytes:
        """Under a person's own key; Erased when that is gone."""
        return self.load_key(Owner(ACCOUNT, account_id)).open(sealed, aad=aad)

    # ------------------------------------------------------------ look-ups

    def blind_index(self, kind: str, value: str) -> bytes:
        """HMAC-SHA-256: equal values of a kind meet, and without the key nobody can try values out."""
        if self._index is None:
            self._index = self.keystore.secret(Purpose.BLIND_INDEX)
        name = kind.encode()
        return self._index.mac(len(name).to_bytes(2, "big") + name + value.encode())

    # ------------------------------------------------------------ what a transaction must know

    def learn(self) -> None:
        """Before each transaction; costs a look at the clock, and a query every few seconds. What cannot be learned
        now (no key yet, its token is away) is said by whoever needs it.
        """
        try:
            current = self.keystore.secret(Purpose.ENVELOPE)
            if self._wrapping is None or current.kid != self._wrapping.kid:
                self._learn_wrapping()
                self._learn_installation(current)
                self._wrapping = current
            if self._index is None:
                self._index = self.keystore.secret(Purpose.BLIND_INDEX)
        except PrajakError as error:
            self._why_not = error

    def _learn_wrapping(self) -> None:
        """All that may still open something: none is met for the first time within a transaction."""
        for record in self.keystore.records([Purpose.ENVELOPE]):
            try:
                self.keystore.secret_of(record.kid, Purpose.ENVELOPE)
            except PrajakError as error:
                log.debug("envelope_key_does_not_load", kid=record.kid, why=str(error))

    def _learn_installation(self, current: Secret) -> None:
        self._load_installation()
        if current.kid not in self._installation:
            owner = Owner(INSTALLATION, current.kid)
            wrapped = self._wrap(current, owner, token_bytes(SECRET_BYTES))
            with self.ground.database.write() as connection:
                insert_data_key(connection, owner, wrapped, kid=current.kid, now=self.ground.clock.now())
            self._load_installation()

    def _load_installation(self) -> None:
        with self.ground.database.read() as connection:
            stored = load_data_keys(connection, INSTALLATION)
        for key_id, wrapped in stored:
            if key_id not in self._installation:
                self._installation[key_id] = self.unwrap(Owner(INSTALLATION, key_id), wrapped)

    def _known(self) -> Secret:
        if not self.ground.database.is_held:
            self.learn()
        if self._wrapping is None:
            away = isinstance(self._why_not, TokenAway)
            raise TokenAway(str(self._why_not)) if away else KeystoreError(str(self._why_not))
        return self._wrapping

    def _wrapping_key(self, kid: str) -> Secret:
        try:
            return self.keystore.secret_of(kid, Purpose.ENVELOPE)
        except TokenAway:
            raise
        except KeystoreError as error:
            raise EnvelopeError("sealed under a key that is not here") from error


def place_of(owner: Owner) -> str:
    """What a wrapped data key is bound to."""
    return f"data-key:{owner}"
