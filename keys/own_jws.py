"""Reading back what we signed ourselves, with public keys alone: JWS compact serialization (RFC 7515 section 5.2).

Strict to the last bit: base64url has one form here (RFC 4648 section 3.5), so that no byte of a signed record can
change unseen. Which keys are believed is the caller's to say.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from core.errors import PrajakError

LONGEST = 16 * 1024
KINDS: Mapping[str, type[ECKey | RSAKey | OKPKey]] = {"EC": ECKey, "RSA": RSAKey, "OKP": OKPKey}
ALGORITHMS = {  # RFC 8725 section 3.1: the key's own type decides
    ("EC", "P-256"): ("ES256",),
    ("EC", "P-384"): ("ES384",),
    ("OKP", "Ed25519"): ("EdDSA",),
    ("RSA", ""): ("PS256", "RS256"),
    ("AKP", ""): ("ML-DSA-65",),
}

PublicJwks = Mapping[str, Mapping[str, str]]  # by kid


class NotSigned(PrajakError):
    """Not what a key that is believed here signed; the text says what is wrong."""


def read_jwks(text: str) -> PublicJwks:
    """RFC 7517 section 5: the keys of a file, by `kid`. Raises NotSigned; without a key nothing could be believed."""
    try:
        found = json.loads(text)["keys"]
        keys = {str(each["kid"]): {str(name): str(value) for name, value in each.items()} for each in found}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise NotSigned("this is no JSON Web Key Set") from error
    if not keys:
        raise NotSigned("the JSON Web Key Set has no keys")
    return keys


def verified_claims(jws: str, keys: PublicJwks, *, typ: str) -> Mapping[str, Any]:
    """The claims, believed. Raises NotSigned."""
    return json_object(verified_parts(jws, keys, typ=typ)[1])


def signing_kid(jws: str) -> str:
    """Which key a record says it was signed with, before anything of it is believed."""
    return str(json_object(decode(jws.partition(".")[0])).get("kid"))


def verified_parts(jws: str, keys: PublicJwks, *, typ: str) -> tuple[Mapping[str, Any], bytes]:
    """Header and payload once the signature is good: listed algorithm, known key, expected type (RFC 8725 3.11)."""
    parts = jws.split(".") if len(jws) <= LONGEST else []
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise NotSigned("it is no JWS in compact serialization")
    header, payload, signature = json_object(decode(parts[0])), decode(parts[1]), decode(parts[2])
    jwk = keys.get(str(header.get("kid")))
    if jwk is None:
        raise NotSigned("it is signed with a key that is not ours")
    if header.get("typ") != typ or set(header) != {"alg", "kid", "typ"}:
        raise NotSigned(f"it is no {typ}")
    algorithm = str(header["alg"])
    if algorithm not in ALGORITHMS.get((jwk.get("kty", ""), jwk.get("crv", "")), ()):
        raise NotSigned(f"its algorithm is not one of its key: {algorithm}")
    try:
        good = is_good(jwk, algorithm, f"{parts[0]}.{parts[1]}".encode(), signature)
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise NotSigned("its key cannot be used") from error
    if not good:
        raise NotSigned("its signature does not verify")
    return header, payload


def is_good(jwk: Mapping[str, str], algorithm: str, signed: bytes, signature: bytes) -> bool:
    """By joserfc, which knows no ML-DSA yet."""
    if jwk["kty"] != "AKP":
        key = KINDS[jwk["kty"]].import_key(dict(jwk))
        return bool(JWSRegistry.algorithms[algorithm].verify(signed, signature, key))
    try:
        MLDSA65PublicKey.from_public_bytes(decode(jwk["pub"])).verify(signature, signed)
    except InvalidSignature:
        return False
    return True


def json_object(data: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotSigned("it holds no JSON object") from error
    if not isinstance(found, dict):
        raise NotSigned("it holds no JSON object")
    return found


def decode(part: str) -> bytes:
    """RFC 7515 section 2: base64url without padding, in its one form."""
    try:
        data = urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except ValueError as error:
        raise NotSigned("it is not base64url") from error
    if urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise NotSigned("it is not base64url in its one form")
    return data
