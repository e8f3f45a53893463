"""Symmetric keys in a token: CKM_AES_GCM and CKM_SHA256_HMAC over keys that were made there and never leave."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, MechanismFlag
from pkcs11.exceptions import PKCS11Error

from keys.errors import DecryptionError, KeystoreError
from keys.pkcs11_connection import TokenAddress
from keys.pkcs11_errors import NOT_OPENED
from keys.pkcs11_objects import STAYS
from keys.pkcs11_session import TokenSession
from keys.pkcs11_token import token_at
from keys.secret import SECRET_BYTES, SecretName

NONCE_BYTES, TAG_BYTES = 12, 16
SECRETS: Mapping[SecretName, tuple[KeyType, MechanismFlag, Mechanism]] = {
    SecretName.A256GCM: (KeyType.AES, MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT, Mechanism.AES_GCM),
    SecretName.HS256: (KeyType.GENERIC_SECRET, MechanismFlag.SIGN | MechanismFlag.VERIFY, Mechanism.SHA256_HMAC),
}


class TokenSecret:
    """`Secret` over a key that never leaves its token."""

    def __init__(self, address: TokenAddress, kid: str, algorithm: SecretName) -> None:
        self.kid = kid
        self.algorithm = str(algorithm)
        self._address = address

    def encrypt(self, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        self._check(SecretName.A256GCM)
        check_nonce(nonce)
        return bytes(token_at(self._address).run(lambda session: gcm_encrypt(session, self.kid, nonce, plaintext, aad)))

    def decrypt(self, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        self._check(SecretName.A256GCM)
        if len(nonce) != NONCE_BYTES or len(ciphertext) < TAG_BYTES:
            raise DecryptionError("changed since it was sealed, or sealed for another place")
        return bytes(
            token_at(self._address).run(lambda session: gcm_decrypt(session, self.kid, nonce, ciphertext, aad))
        )

    def mac(self, data: bytes) -> bytes:
        self._check(SecretName.HS256)

        def work(session: TokenSession) -> Any:
            return session.secret_key(self.kid).sign(data, mechanism=Mechanism.SHA256_HMAC)

        return bytes(token_at(self._address).run(work))

    def _check(self, wanted: SecretName) -> None:
        if self.algorithm != wanted:
            raise KeystoreError(f"the secret {self.kid} is for {self.algorithm}, not for {wanted}")

    def __repr__(self) -> str:
        return f"<TokenSecret {self.algorithm} {self.kid}>"


def check_nonce(nonce: bytes) -> None:
    if len(nonce) != NONCE_BYTES:
        raise KeystoreError(f"a nonce has {NONCE_BYTES} bytes")


def gcm_encrypt(session: TokenSession, kid: str, nonce: bytes, plaintext: bytes, aad: bytes) -> Any:
    parameters = GCMParams(nonce, aad, 8 * TAG_BYTES)
    return session.secret_key(kid).encrypt(plaintext, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)


def gcm_decrypt(session: TokenSession, kid: str, nonce: bytes, ciphertext: bytes, aad: bytes) -> Any:
    """A wrong tag has no return value of its own before PKCS #11 v3.0: whether the token or what it was given is at
    fault is told by another operation with the same key, so that nobody restarts our connection with bad ciphertext.
    """
    parameters = GCMParams(nonce, aad, 8 * TAG_BYTES)
    key = session.secret_key(kid)
    try:
        return key.decrypt(ciphertext, mechanism=Mechanism.AES_GCM, mechanism_param=parameters)
    except NOT_OPENED as error:
        if not still_works(session, kid):
            raise
        raise DecryptionError("changed since it was sealed, or sealed for another place") from error


def still_works(session: TokenSession, kid: str) -> bool:
    """What comes out is thrown away, so its nonce cannot meet another one's."""
    try:
        gcm_encrypt(session, kid, secrets.token_bytes(NONCE_BYTES), b"", b"")
    except PKCS11Error:
        return False
    return True


def make_secret(session: TokenSession, kid: str, algorithm: SecretName) -> Any:
    key_type, does, _ = SECRETS[algorithm]
    return session.session.generate_key(
        key_type,
        8 * SECRET_BYTES,
        id=kid.encode(),
        label=f"prajak {algorithm} {kid}",
        store=True,
        capabilities=does,
        template={**STAYS, Attribute.PRIVATE: True},
    )
