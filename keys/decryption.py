"""Private keys that decrypt: the key management algorithms of RFC 7518 section 4 for what others encrypt to us.

Only the private operation stands here: the agreement of ECDH-ES (section 4.6) and the unwrapping of RSA-OAEP-256
(section 4.3). What surrounds it, the JWE itself, needs no key and is read by whoever asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from keys.algorithms import NEW_RSA_BITS, PublicKey, new_rsa_key
from keys.errors import DecryptionError, KeystoreError
from keys.jwks import thumbprint

DecryptionKey: TypeAlias = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
OAEP_256 = padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=None)


class KeyManagementName(StrEnum):
    ECDH_ES = "ECDH-ES"
    RSA_OAEP_256 = "RSA-OAEP-256"


class Decrypter(Protocol):
    """A private key in use, wherever it lives, of the one algorithm it is for."""

    @property
    def kid(self) -> str: ...

    @property
    def algorithm(self) -> str: ...

    @property
    def public_key(self) -> PublicKey: ...

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        """The shared secret Z with a sender's ephemeral key; DecryptionError for a key on another curve."""

    def unwrap(self, encrypted_key: bytes) -> bytes:
        """The content encryption key; DecryptionError where it does not open."""


@dataclass(frozen=True)
class KeyManagement:
    name: KeyManagementName
    generate: Callable[[], DecryptionKey]
    fits: Callable[[PublicKey], bool]


def is_p256(key: PublicKey) -> bool:
    return isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1)


def is_strong_rsa(key: PublicKey) -> bool:
    return isinstance(key, rsa.RSAPublicKey) and key.key_size >= NEW_RSA_BITS


KEY_MANAGEMENT: Mapping[KeyManagementName, KeyManagement] = {
    each.name: each
    for each in (
        KeyManagement(KeyManagementName.ECDH_ES, lambda: ec.generate_private_key(ec.SECP256R1()), is_p256),
        KeyManagement(KeyManagementName.RSA_OAEP_256, new_rsa_key, is_strong_rsa),
    )
}


def key_management_named(name: str) -> KeyManagement:
    """The table's entry, or KeystoreError: no RSA1_5, no RSA-OAEP with SHA-1, nothing with a password."""
    try:
        return KEY_MANAGEMENT[KeyManagementName(name)]
    except ValueError as error:
        raise KeystoreError(f"no such algorithm: {name}; there are {', '.join(KeyManagementName)}") from error


class SoftwareDecrypter:
    """A private key in this process's memory."""

    def __init__(self, private_key: DecryptionKey, management: KeyManagement) -> None:
        self.public_key: PublicKey = private_key.public_key()
        if not management.fits(self.public_key):
            raise KeystoreError(f"this key is not one for {management.name}, or too weak")
        self.kid = thumbprint(self.public_key)
        self.algorithm = str(management.name)
        self._private_key = private_key

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        if not isinstance(self._private_key, ec.EllipticCurvePrivateKey) or not is_p256(peer):
            raise DecryptionError("the ephemeral key does not go with the one that it was encrypted for")
        return self._private_key.exchange(ec.ECDH(), peer)

    def unwrap(self, encrypted_key: bytes) -> bytes:
        if not isinstance(self._private_key, rsa.RSAPrivateKey):
            raise DecryptionError("the encrypted key does not open")
        try:
            return self._private_key.decrypt(encrypted_key, OAEP_256)
        except ValueError as error:
            raise DecryptionError("the encrypted key does not open") from error

    def __repr__(self) -> str:
        return f"<SoftwareDecrypter {self.algorithm} {self.kid}>"
