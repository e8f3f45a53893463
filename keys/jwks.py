"""Public keys as JSON Web Keys (RFC 7517, RFC 8037, RFC 9964); the key identifier is the thumbprint of RFC 7638."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.algorithms import PublicKey

CURVES = {"secp256r1": "P-256", "secp384r1": "P-384"}
REQUIRED_MEMBERS = {  # RFC 7638 section 3.2, RFC 8037 section 2, RFC 9964
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
    "AKP": ("alg", "kty", "pub"),
}


def public_jwk(key: PublicKey, *, algorithm: str, use: str = "sig") -> dict[str, str]:
    """The whole public JWK: `kty` and its members, `use` (RFC 7517 section 4.2), `alg`, `kid`."""
    members = key_members(key)
    return {**members, "use": use, "alg": algorithm, "kid": jwk_thumbprint(members)}


def thumbprint(key: PublicKey) -> str:
    """The `kid` of a key: 43 base64url characters, the same on every worker and in every format."""
    return jwk_thumbprint(key_members(key))


def jwk_thumbprint(jwk: Mapping[str, str]) -> str:
    """RFC 7638 section 3: SHA-256 over the required members alone, sorted, without spaces."""
    required = {name: jwk[name] for name in REQUIRED_MEMBERS[jwk["kty"]]}
    return base64url(sha256(json.dumps(required, separators=(",", ":"), sort_keys=True).encode()).digest())


def key_members(key: PublicKey) -> dict[str, str]:
    """RFC 7518 sections 6.2.1 and 6.3.1, RFC 8037 section 2: coordinates at full length, integers without zeros."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        numbers, length = key.public_numbers(), (key.key_size + 7) // 8
        x, y = (base64url(number.to_bytes(length, "big")) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": CURVES[key.curve.name], "x": x, "y": y}
    if isinstance(key, rsa.RSAPublicKey):
        modulus = key.public_numbers()
        return {"kty": "RSA", "n": base64url_integer(modulus.n), "e": base64url_integer(modulus.e)}
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    if isinstance(key, mldsa.MLDSA65PublicKey):
        return {"kty": "AKP", "alg": "ML-DSA-65", "pub": base64url(key.public_bytes(Encoding.Raw, PublicFormat.Raw))}
    raise TypeError(f"no JWK for {type(key).__name__}")


def base64url_integer(number: int) -> str:
    return base64url(number.to_bytes((number.bit_length() + 7) // 8, "big"))


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
