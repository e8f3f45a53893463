"""Signatures made in a token. It is given digests, whatever the length of what is signed; PKCS #11 v3.0 section 2.

ECDSA comes out as r||s, which is the form of JWS; X.509 wants it in DER.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256, sha384
from typing import Any

from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11 import MGF, Mechanism

from keys.algorithms import AlgorithmName, PublicKey
from keys.errors import KeystoreError
from keys.pkcs11_connection import TokenAddress
from keys.pkcs11_session import TokenSession
from keys.pkcs11_token import token_at

SHA_256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")  # RFC 8017 section 9.2, note 1


@dataclass(frozen=True)
class Signing:
    """`prepare` is what the mechanism is given of the data; `length` that of the signature, where it is fixed."""

    mechanism: Mechanism
    prepare: Callable[[bytes], bytes]
    parameter: object = None
    length: int | None = None
    is_ecdsa: bool = False


def sha_256(data: bytes) -> bytes:
    return sha256(data).digest()


SIGNINGS: Mapping[str, Signing] = {
    AlgorithmName.ES256: Signing(Mechanism.ECDSA, sha_256, length=64, is_ecdsa=True),
    AlgorithmName.ES384: Signing(Mechanism.ECDSA, lambda data: sha384(data).digest(), length=96, is_ecdsa=True),
    AlgorithmName.PS256: Signing(Mechanism.RSA_PKCS_PSS, sha_256, (Mechanism.SHA256, MGF.SHA256, 32)),
    AlgorithmName.RS256: Signing(Mechanism.RSA_PKCS, lambda data: SHA_256_DIGEST_INFO + sha_256(data)),
    AlgorithmName.EDDSA: Signing(Mechanism.EDDSA, lambda data: data, length=64),
}


class TokenSigner:
    """`Signer` over a private key that never leaves its token."""

    def __init__(self, address: TokenAddress, kid: str, algorithm: AlgorithmName, public_key: PublicKey) -> None:
        self.kid = kid
        self.algorithm = str(algorithm)
        self.public_key = public_key
        self._address = address
        self._signing = SIGNINGS[algorithm]

    def sign(self, data: bytes) -> bytes:
        prepared, signing = self._signing.prepare(data), self._signing

        def work(session: TokenSession) -> Any:
            key = session.private_key(self.kid)
            return key.sign(prepared, mechanism=signing.mechanism, mechanism_param=signing.parameter)

        signature = bytes(token_at(self._address).run(work))
        if signing.length not in (None, len(signature)):
            raise KeystoreError(f"the token made a signature of {len(signature)} bytes for {self.algorithm}")
        return signature

    def sign_x509(self, data: bytes) -> bytes:
        signature = self.sign(data)
        if not self._signing.is_ecdsa:
            return signature
        half = len(signature) // 2
        return encode_dss_signature(int.from_bytes(signature[:half], "big"), int.from_bytes(signature[half:], "big"))

    def __repr__(self) -> str:
        return f"<TokenSigner {self.algorithm} {self.kid}>"
