"""Personal data at rest: AES-256-GCM (SP 800-38D) under the envelope key or a person's own data key, and blind indexes.

Sealed bytes begin with a version and the id of the key that opens them, so that rotation leaves old rows readable.
`aad` says where the bytes belong, `account:ID:attributes` say: moved to another row they do not open.
A person's data key is stored wrapped; who deletes it has erased the person, in backups too.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import token_bytes

from keys.errors import DecryptionError, EnvelopeError, KeystoreError
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.secret import SECRET_BYTES, Secret, SecretName, SoftwareSecret

BY_ENVELOPE_KEY = b"\x01"
BY_DATA_KEY = b"\x02"
KID_BYTES = 16
NONCE_BYTES = 12
DATA_KEY_AAD = "data-key"


class Envelope:
    """Seals with the envelope key in use now, opens with whichever sealed."""

    def __init__(self, keystore: Keystore) -> None:
        self.keystore = keystore

    def seal(self, plaintext: bytes, *, aad: str) -> bytes:
        """Under the envelope key itself: for what belongs to no person, and for data keys."""
        key = self.keystore.secret(Purpose.ENVELOPE)
        return encrypt(key, BY_ENVELOPE_KEY + urlsafe_b64decode(key.kid + "=="), plaintext, aad)

    def open(self, sealed: bytes, *, aad: str) -> bytes:
        """EnvelopeError when the bytes were changed, cut, or sealed for another place."""
        header = check_header(sealed, BY_ENVELOPE_KEY, KID_BYTES)
        kid = urlsafe_b64encode(header[1:]).rstrip(b"=").decode()
        try:
            key = self.keystore.secret_of(kid, Purpose.ENVELOPE)
        except KeystoreError as error:
            raise EnvelopeError("sealed under a key that is not here") from error
        return decrypt(key, header, sealed, aad)

    def new_data_key(self) -> bytes:
        """A person's own key, wrapped: store these bytes in the person's row."""
        return self.seal(token_bytes(SECRET_BYTES), aad=DATA_KEY_AAD)

    def seal_for(self, wrapped_key: bytes, plaintext: bytes, aad: str) -> bytes:
        """Under a person's data key."""
        return encrypt(self._data_key(wrapped_key), BY_DATA_KEY, plaintext, aad)

    def open_for(self, wrapped_key: bytes, sealed: bytes, aad: str) -> bytes:
        """EnvelopeError also for another person's bytes."""
        header = check_header(sealed, BY_DATA_KEY, 0)
        return decrypt(self._data_key(wrapped_key), header, sealed, aad)

    def blind_index(self, kind: str, value: str) -> bytes:
        """HMAC-SHA-256: equal values of a kind meet, and without the key nobody can try values out."""
        name = kind.encode()
        return self.keystore.secret(Purpose.BLIND_INDEX).mac(len(name).to_bytes(2, "big") + name + value.encode())

    def _data_key(self, wrapped_key: bytes) -> Secret:
        return SoftwareSecret("data-key", SecretName.A256GCM, self.open(wrapped_key, aad=DATA_KEY_AAD))


def encrypt(key: Secret, header: bytes, plaintext: bytes, aad: str) -> bytes:
    nonce = token_bytes(NONCE_BYTES)
    return header + nonce + key.encrypt(nonce, plaintext, header + aad.encode())


def decrypt(key: Secret, header: bytes, sealed: bytes, aad: str) -> bytes:
    start = len(header) + NONCE_BYTES
    try:
        return key.decrypt(sealed[len(header) : start], sealed[start:], header + aad.encode())
    except DecryptionError as error:
        raise EnvelopeError(str(error)) from error


def check_header(sealed: bytes, version: bytes, length: int) -> bytes:
    if not sealed.startswith(version) or len(sealed) < 1 + length + NONCE_BYTES:
        raise EnvelopeError("these are no sealed bytes of this kind")
    return sealed[: 1 + length]
