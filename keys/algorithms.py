"""The signature algorithms, one table: names of RFC 7518 section 3.1 and RFC 8037, X.509 forms of RFC 5758, 4055, 8410.

ML-DSA-65 (FIPS 204, RFC 9964) is an opt-in, `PRAJAK_ML_DSA=1`, for what must verify for decades: few know it yet.

To add one is to add a line. What is not in the table does not exist here: no `none`, no HMAC, nothing with SHA-1.
ECDSA has two forms: JOSE joins r and s at fixed length (RFC 7518 section 3.4), X.509 and WebAuthn encode them in DER.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeAlias

from asn1crypto.algos import SignedDigestAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, HashAlgorithm

from keys.errors import KeystoreError

PublicKey: TypeAlias = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey | mldsa.MLDSA65PublicKey
PrivateKey: TypeAlias = (
    ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey | mldsa.MLDSA65PrivateKey
)
Signing: TypeAlias = Callable[[Any, bytes], bytes]  # Any: the private key of just this algorithm's type
Verifying: TypeAlias = Callable[[Any, bytes, bytes], None]  # public key, signature, data; raises InvalidSignature

NEW_RSA_BITS = 3072  # SP 800-57 part 1 table 2: 128 bits of strength
SHA_256_PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)  # RFC 7518 section 3.5


class AlgorithmName(StrEnum):
    ES256 = "ES256"
    ES384 = "ES384"
    PS256 = "PS256"
    RS256 = "RS256"
    EDDSA = "EdDSA"
    ML_DSA_65 = "ML-DSA-65"


@dataclass(frozen=True)
class Algorithm:
    """`digest` is what CMS names beside the signature: SHA-512 with Ed25519 (RFC 8419 section 3.1) and with ML-DSA-65
    (RFC 9882 section 3.3). `opt_in`: no key of it is made unless the settings say so.
    """

    name: AlgorithmName
    digest: str
    x509_identifier: Mapping[str, Any]  # as asn1crypto's SignedDigestAlgorithm takes it
    generate: Callable[[], PrivateKey]
    sign: Signing
    sign_x509: Signing
    verify_x509: Verifying
    fits: Callable[[PublicKey], bool]
    opt_in: bool = False


def ecdsa(name: AlgorithmName, curve: ec.EllipticCurve, digest: HashAlgorithm) -> Algorithm:
    scheme, length = ec.ECDSA(digest), curve.key_size // 8

    def sign_x509(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        return key.sign(data, scheme)

    def sign(key: ec.EllipticCurvePrivateKey, data: bytes) -> bytes:
        r, s = decode_dss_signature(key.sign(data, scheme))
        return r.to_bytes(length, "big") + s.to_bytes(length, "big")

    def fits(key: PublicKey) -> bool:
        return isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name == curve.name

    def verify_x509(key: ec.EllipticCurvePublicKey, signature: bytes, data: bytes) -> None:
        key.verify(signature, data, scheme)

    return Algorithm(
        name=name,
        digest=digest.name,
        x509_identifier={"algorithm": f"{digest.name}_ecdsa"},
        generate=lambda: ec.generate_private_key(curve),
        sign=sign,
        sign_x509=sign_x509,
        verify_x509=verify_x509,
        fits=fits,
    )


def rsa_signature(name: AlgorithmName, scheme: padding.AsymmetricPadding, identifier: Mapping[str, Any]) -> Algorithm:
    def sign(key: rsa.RSAPrivateKey, data: bytes) -> bytes:
        return key.sign(data, scheme, SHA256())

    def fits(key: PublicKey) -> bool:
        return isinstance(key, rsa.RSAPublicKey) and key.key_size >= NEW_RSA_BITS

    def verify_x509(key: rsa.RSAPublicKey, signature: bytes, data: bytes) -> None:
        key.verify(signature, data, scheme, SHA256())

    return Algorithm(name, "sha256", identifier, new_rsa_key, sign, sign, verify_x509, fits)


def new_rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=NEW_RSA_BITS)


def ed25519_signature() -> Algorithm:
    def sign(key: ed25519.Ed25519PrivateKey, data: bytes) -> bytes:
        return key.sign(data)

    def fits(key: PublicKey) -> bool:
        return isinstance(key, ed25519.Ed25519PublicKey)

    def verify_x509(key: ed25519.Ed25519PublicKey, signature: bytes, data: bytes) -> None:
        key.verify(signature, data)

    return Algorithm(
        name=AlgorithmName.EDDSA,
        digest="sha512",
        x509_identifier={"algorithm": "ed25519"},
        generate=ed25519.Ed25519PrivateKey.generate,
        sign=sign,
        sign_x509=sign,
        verify_x509=verify_x509,
        fits=fits,
    )


def ml_dsa_65() -> Algorithm:
    """Pure ML-DSA with an empty context, as JOSE and X.509 have it (RFC 9881 section 3)."""

    def sign(key: mldsa.MLDSA65PrivateKey, data: bytes) -> bytes:
        return key.sign(data)

    def verify_x509(key: mldsa.MLDSA65PublicKey, signature: bytes, data: bytes) -> None:
        key.verify(signature, data)

    def fits(key: PublicKey) -> bool:
        return isinstance(key, mldsa.MLDSA65PublicKey)

    return Algorithm(
        name=AlgorithmName.ML_DSA_65,
        digest="sha512",
        x509_identifier={"algorithm": "2.16.840.1.101.3.4.3.18"},  # RFC 9881 section 2: without parameters
        generate=mldsa.MLDSA65PrivateKey.generate,
        sign=sign,
        sign_x509=sign,
        verify_x509=verify_x509,
        fits=fits,
        opt_in=True,
    )


SHA_256 = {"algorithm": "sha256"}
PSS_PARAMETERS = {
    "hash_algorithm": SHA_256,
    "mask_gen_algorithm": {"algorithm": "mgf1", "parameters": SHA_256},
    "salt_length": 32,
}

ALGORITHMS: Mapping[AlgorithmName, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        ecdsa(AlgorithmName.ES256, ec.SECP256R1(), SHA256()),
        ecdsa(AlgorithmName.ES384, ec.SECP384R1(), SHA384()),
        rsa_signature(AlgorithmName.PS256, SHA_256_PSS, {"algorithm": "rsassa_pss", "parameters": PSS_PARAMETERS}),
        rsa_signature(AlgorithmName.RS256, padding.PKCS1v15(), {"algorithm": "sha256_rsa"}),
        ed25519_signature(),
        ml_dsa_65(),
    )
}


@lru_cache
def x509_identifier(name: str) -> bytes:
    """The DER AlgorithmIdentifier of a signature (RFC 5280 section 4.1.1.2)."""
    return bytes(SignedDigestAlgorithm(algorithm_named(name).x509_identifier).dump())


def algorithm_named(name: str) -> Algorithm:
    """The table's entry, or KeystoreError: an algorithm nobody listed is refused, never guessed."""
    try:
        return ALGORITHMS[AlgorithmName(name)]
    except ValueError as error:
        raise KeystoreError(f"no such algorithm: {name}; there are {', '.join(AlgorithmName)}") from error


def check_new_public_key(key: object) -> PublicKey:
    """What a new certificate may be issued for: P-256, P-384, Ed25519, or RSA of 3072 bits and more. Not ML-DSA-65: who
    validates certificates today, and asn1crypto, which reads requests here, do not know its keys.
    """
    if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey, ed25519.Ed25519PublicKey)):
        raise KeystoreError("the public key must be EC P-256, EC P-384, Ed25519 or RSA")
    if not any(algorithm.fits(key) for algorithm in ALGORITHMS.values()):
        raise KeystoreError(f"the public key is too weak or on another curve: P-256, P-384, RSA from {NEW_RSA_BITS}")
    return key
