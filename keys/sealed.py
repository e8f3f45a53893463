"""Sealed bytes: AES-256-GCM (SP 800-38D) with a random nonce of 96 bits, behind a header that names format and key.

| first byte | then | what it is |
|---|---|---|
| 1 | kid, nonce, ciphertext | under the envelope key itself: what earlier releases made; opened, never made again |
| 2 | nonce, ciphertext | under an owner's data key |
| 3 | kid, nonce, ciphertext | a data key, wrapped by the envelope key `kid` and bound to its owner |
| 4 | id, nonce, ciphertext | under the installation's data key of that id |

The header is part of the associated data, before the place: a format is not taken for another.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from secrets import token_bytes

from keys.errors import DecryptionError, EnvelopeError
from keys.secret import Secret

DIRECT = b"\x01"
BY_DATA_KEY = b"\x02"
WRAPPED = b"\x03"
BY_INSTALLATION_KEY = b"\x04"
KID_BYTES = 16
NONCE_BYTES = 12


def encrypt(key: Secret, header: bytes, plaintext: bytes, aad: str) -> bytes:
    nonce = token_bytes(NONCE_BYTES)
    return header + nonce + key.encrypt(nonce, plaintext, header + aad.encode())


def decrypt(key: Secret, header: bytes, sealed: bytes, aad: str) -> bytes:
    """EnvelopeError for what was changed, cut, or sealed for another place."""
    start = len(header) + NONCE_BYTES
    try:
        return key.decrypt(sealed[len(header) : start], sealed[start:], header + aad.encode())
    except DecryptionError as error:
        raise EnvelopeError(str(error)) from error


def header_of(format_: bytes, kid: str) -> bytes:
    return format_ + urlsafe_b64decode(kid + "==")


def named_key(sealed: bytes, *formats: bytes) -> tuple[bytes, str]:
    """The header, and the id of the key that it names; EnvelopeError for bytes of none of these formats."""
    header = check_header(sealed, formats, KID_BYTES)
    return header, urlsafe_b64encode(header[1:]).rstrip(b"=").decode()


def check_header(sealed: bytes, formats: tuple[bytes, ...], length: int) -> bytes:
    if sealed[:1] not in formats or len(sealed) < 1 + length + NONCE_BYTES:
        raise EnvelopeError("these are no sealed bytes of this kind")
    return sealed[: 1 + length]
