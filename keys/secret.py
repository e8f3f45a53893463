"""Symmetric keys in use: AES-256-GCM (SP 800-38D) for what is sealed, HMAC-SHA-256 (FIPS 198-1) for what is recognised.

A secret does its work where it lives and is never handed out: a token's stays in the token.
"""

from __future__ import annotations

import hmac
from enum import StrEnum
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keys.errors import DecryptionError, KeystoreError

SECRET_BYTES = 32


class SecretName(StrEnum):
    """JWA names (RFC 7518 sections 5.3 and 3.2); what a secret of one name does, none of another does."""

    A256GCM = "A256GCM"
    HS256 = "HS256"


class Secret(Protocol):
    """A symmetric key in use, wherever it lives."""

    @property
    def kid(self) -> str: ...

    @property
    def algorithm(self) -> str: ...

    def encrypt(self, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """AES-256-GCM: the ciphertext with its tag of 16 bytes. `nonce`: 12 bytes, never twice under one key."""

    def decrypt(self, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        """DecryptionError for what was changed, cut, or made for another `aad` or key."""

    def mac(self, data: bytes) -> bytes:
        """HMAC-SHA-256, 32 bytes."""


class SoftwareSecret:
    """A symmetric key in this process's memory."""

    def __init__(self, kid: str, algorithm: SecretName, key: bytes) -> None:
        if len(key) != SECRET_BYTES:
            raise KeystoreError(f"the secret {kid} is not one of {8 * SECRET_BYTES} bits")
        self.kid = kid
        self.algorithm = str(algorithm)
        self._cipher = AESGCM(key) if algorithm is SecretName.A256GCM else None
        self._key = key if algorithm is SecretName.HS256 else None

    def encrypt(self, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return self._checked_cipher().encrypt(nonce, plaintext, aad)

    def decrypt(self, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        try:
            return self._checked_cipher().decrypt(nonce, ciphertext, aad)
        except (InvalidTag, ValueError) as error:
            raise DecryptionError("changed since it was sealed, or sealed for another place") from error

    def mac(self, data: bytes) -> bytes:
        if self._key is None:
            raise KeystoreError(f"the secret {self.kid} is for {self.algorithm}, not for {SecretName.HS256}")
        return hmac.digest(self._key, data, "sha256")

    def _checked_cipher(self) -> AESGCM:
        if self._cipher is None:
            raise KeystoreError(f"the secret {self.kid} is for {self.algorithm}, not for {SecretName.A256GCM}")
        return self._cipher

    def __repr__(self) -> str:
        return f"<SoftwareSecret {self.algorithm} {self.kid}>"
