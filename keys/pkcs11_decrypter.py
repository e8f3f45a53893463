"""Private keys in a token that decrypt: ECDH (CKM_ECDH1_DERIVE, v3.0 section 2.3.8) and RSA-OAEP (section 2.1.8).

The agreed secret Z leaves the token, since the key derivation of RFC 7518 section 4.6.2 is made outside: it belongs to
one message, and the private key stays. SoftHSM knows OAEP with SHA-1 alone: there the token does the RSA operation and
the padding is taken off here, without telling by which of its parts it failed.
"""

from __future__ import annotations

from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import KDF, MGF, Attribute, KeyType, Mechanism
from pkcs11.exceptions import ArgumentsBad, MechanismInvalid, MechanismParamInvalid

from keys.algorithms import PublicKey
from keys.decryption import OAEP_256, KeyManagementName, is_p256
from keys.errors import DecryptionError
from keys.oaep import unpadded
from keys.pkcs11_connection import TokenAddress
from keys.pkcs11_errors import NOT_OPENED
from keys.pkcs11_session import TokenSession
from keys.pkcs11_token import token_at

Z_BYTES = 32
OAEP = (Mechanism.SHA256, MGF.SHA256, None)
LEAVES = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True, Attribute.PRIVATE: False}


class TokenDecrypter:
    """`Decrypter` over a private key that never leaves its token."""

    def __init__(self, address: TokenAddress, kid: str, algorithm: KeyManagementName, public_key: PublicKey) -> None:
        self.kid = kid
        self.algorithm = str(algorithm)
        self.public_key = public_key
        self._address = address
        self._takes_off_padding: bool | None = None  # whether the token does; known after the first message

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        if self.algorithm != KeyManagementName.ECDH_ES or not is_p256(peer):
            raise DecryptionError("the ephemeral key does not go with the one that it was encrypted for")
        point = peer.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)

        def work(session: TokenSession) -> bytes:
            private_key = session.private_key(self.kid)
            agreed = private_key.derive_key(
                KeyType.GENERIC_SECRET,
                8 * Z_BYTES,
                mechanism=Mechanism.ECDH1_DERIVE,
                mechanism_param=(KDF.NULL, None, point),
                capabilities=0,
                template=LEAVES,
            )
            try:
                return bytes(agreed[Attribute.VALUE])
            finally:
                agreed.destroy()

        return token_at(self._address).run(work)

    def unwrap(self, encrypted_key: bytes) -> bytes:
        public_key = self.public_key
        if not isinstance(public_key, rsa.RSAPublicKey) or not fits(encrypted_key, public_key):
            raise DecryptionError("the encrypted key does not open")
        token = token_at(self._address)
        if self._takes_off_padding is None:
            own = public_key.encrypt(b"", OAEP_256)
            self._takes_off_padding = token.run(lambda session: takes_off_padding(session, self.kid, own))
        if self._takes_off_padding:
            return token.run(lambda session: decrypt_oaep(session, self.kid, encrypted_key, public_key))
        return unpadded(token.run(lambda session: decrypt_raw(session, self.kid, encrypted_key)))

    def __repr__(self) -> str:
        return f"<TokenDecrypter {self.algorithm} {self.kid}>"


def fits(encrypted_key: bytes, public_key: rsa.RSAPublicKey) -> bool:
    """RFC 8017 section 7.1.2 step 1 and section 5.1.2 step 1: the token is asked only what it can answer."""
    length = (public_key.key_size + 7) // 8
    return len(encrypted_key) == length and int.from_bytes(encrypted_key, "big") < public_key.public_numbers().n


def takes_off_padding(session: TokenSession, kid: str, own: bytes) -> bool:
    """Asked with a message of our own making, so that a refusal is one of the mechanism."""
    try:
        session.private_key(kid).decrypt(own, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=OAEP)
    except (ArgumentsBad, MechanismInvalid, MechanismParamInvalid):
        return False
    return True


def decrypt_oaep(session: TokenSession, kid: str, encrypted_key: bytes, public_key: rsa.RSAPublicKey) -> bytes:
    """What does not open is told from a token that is away by a message of our own."""
    key: Any = session.private_key(kid)
    try:
        return bytes(key.decrypt(encrypted_key, mechanism=Mechanism.RSA_PKCS_OAEP, mechanism_param=OAEP))
    except NOT_OPENED as error:
        takes_off_padding(session, kid, public_key.encrypt(b"", OAEP_256))
        raise DecryptionError("the encrypted key does not open") from error


def decrypt_raw(session: TokenSession, kid: str, encrypted_key: bytes) -> bytes:
    return bytes(session.private_key(kid).decrypt(encrypted_key, mechanism=Mechanism.RSA_X_509))
