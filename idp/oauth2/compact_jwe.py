"""Encrypted tokens: JWE compact serialization (RFC 7516 section 7.1), opened for us and written for clients.

What is opened is a JWS within (RFC 7519 section 5.2, signed and then encrypted); the private operation is done in
`keys`. Every failure after the header is the same sentence, so that nobody learns which step failed (section 11.5).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry, encrypt_compact

from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS
from idp.oauth2.compact_jws import BadToken, PublicKey, decode, import_public_key, read_object
from keys.errors import DecryptionError
from keys.keystore import Keystore
from keys.purposes import Purpose

MAX_JWE = 32 * 1024
PARTS = 5  # header, encrypted key, initialization vector, ciphertext, tag
KEY_WRAP_BITS = {"ECDH-ES+A128KW": 128, "ECDH-ES+A256KW": 256}  # RFC 7518 section 4.6
TAG_BITS = {"A128GCM": 128, "A256GCM": 128, "A128CBC-HS256": 128, "A256CBC-HS512": 256}  # sections 5.2 and 5.3


def is_encrypted(token: str) -> bool:
    """RFC 7516 section 9: by the number of parts."""
    return token.count(".") == PARTS - 1


def decrypt(token: str, keystore: Keystore, purpose: Purpose) -> str:
    """RFC 7516 section 5.2: what was encrypted to a key of ours. Raises BadToken."""
    if len(token) > MAX_JWE:
        raise BadToken("the token is too long")
    parts = token.split(".")
    if len(parts) != PARTS:
        raise BadToken("the token is not a JWE in compact serialization")
    header = read_object(parts[0])
    check_header(header)
    encrypted_key, vector, ciphertext, tag = (decode(part) for part in parts[1:])
    check_lengths(header, vector, tag)
    try:
        key = content_key(header, encrypted_key, keystore, purpose)
        method = JWERegistry.algorithms["enc"][header["enc"]]
        return method.decrypt(ciphertext, tag, key, vector, parts[0].encode()).decode("ascii")
    except (DecryptionError, InvalidUnwrap, InvalidTag, JoseError, ValueError) as error:
        raise BadToken("the token does not decrypt with a key of ours") from error


def check_header(header: Mapping[str, Any]) -> None:
    """Named algorithms only. `zip` would open to any size (RFC 8725 section 3.6)."""
    if header.get("alg") not in ENCRYPTION_ALGORITHMS:
        raise BadToken(f"alg of the encryption must be one of {', '.join(ENCRYPTION_ALGORITHMS)}")
    if header.get("enc") not in ENCRYPTION_METHODS:
        raise BadToken(f"enc must be one of {', '.join(ENCRYPTION_METHODS)}")
    if "crit" in header or "zip" in header:
        raise BadToken("the token has critical or compression header parameters that are not understood")
    if not isinstance(header.get("kid"), str | None):
        raise BadToken("kid must be a text")


def check_lengths(header: Mapping[str, Any], vector: bytes, tag: bytes) -> None:
    """RFC 7518 sections 5.2.2.2 and 5.3: a shorter tag would be guessed sooner."""
    method = JWERegistry.algorithms["enc"][header["enc"]]
    if len(vector) * 8 != method.iv_size or len(tag) * 8 != TAG_BITS[header["enc"]]:
        raise BadToken("the token's initialization vector or tag is not as long as it must be")


def content_key(header: Mapping[str, Any], encrypted_key: bytes, keystore: Keystore, purpose: Purpose) -> bytes:
    """RFC 7516 section 5.2 steps 6 to 10, RFC 7518 section 4."""
    algorithm, bits = header["alg"], JWERegistry.algorithms["enc"][header["enc"]].cek_size
    if algorithm == "RSA-OAEP-256":
        key = keystore.decrypter(purpose, algorithm=algorithm, kid=header.get("kid")).unwrap(encrypted_key)
    else:
        decrypter = keystore.decrypter(purpose, algorithm="ECDH-ES", kid=header.get("kid"))
        secret = decrypter.agree(ephemeral_key(header.get("epk")))
        wrapping_bits = KEY_WRAP_BITS.get(algorithm)
        if wrapping_bits is None:
            if encrypted_key:
                raise DecryptionError("a direct agreement has no encrypted key")  # step 10
            return derive(secret, header, header["enc"], bits)
        key = aes_key_unwrap(derive(secret, header, algorithm, wrapping_bits), encrypted_key)
    if len(key) * 8 != bits:
        raise DecryptionError("the content encryption key is not as long as it must be")
    return key


def ephemeral_key(jwk: Any) -> ec.EllipticCurvePublicKey:
    """RFC 7518 section 4.6.1.1. A point that is not on the curve is no key (an invalid curve attack)."""
    key = import_public_key(jwk).public_key
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise DecryptionError("epk must be an EC key on P-256")
    return key


def derive(secret: bytes, header: Mapping[str, Any], algorithm: str, bits: int) -> bytes:
    """The Concat KDF of RFC 7518 section 4.6.2."""
    information = b"".join(
        len(part).to_bytes(4, "big") + part for part in (algorithm.encode(), party(header, "apu"), party(header, "apv"))
    )
    otherinfo = information + bits.to_bytes(4, "big")
    return ConcatKDFHash(SHA256(), length=bits // 8, otherinfo=otherinfo).derive(secret)


def party(header: Mapping[str, Any], name: str) -> bytes:
    value = header.get(name, "")
    if not isinstance(value, str):
        raise BadToken(f"{name} must be a text")
    return decode(value)


def encrypt(plaintext: str, key: PublicKey, *, alg: str, enc: str, cty: str = "") -> str:
    """RFC 7516 section 5.1, to a client's public key."""
    header = {"alg": alg, "enc": enc}
    if key.kid:
        header["kid"] = key.kid
    if cty:
        header["cty"] = cty
    return encrypt_compact(header, plaintext.encode(), key, algorithms=[alg, enc])
