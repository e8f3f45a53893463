"""Signed tokens that others made: JWS compact serialization (RFC 7515 section 7.1) around a JSON object.

Read strictly, with the algorithms allowed named by the caller, and the payload believed only after its signature.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from idp.models.client import KINDS
from idp.oauth2.parameters import NotStrictJson, read_json

MAX_TOKEN = 16 * 1024
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 4096  # RFC 7518 section 3.3; above it, checking costs more than it gives
PublicKey = ECKey | OKPKey | RSAKey
KEY_OF_ALGORITHM = {
    "ES256": ("EC", "P-256"),
    "PS256": ("RSA", ""),
    "RS256": ("RSA", ""),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),  # RFC 9864
}


class BadToken(ValueError):
    """The token is not what it must be; the message is safe for whoever sent it."""


@dataclass(frozen=True)
class UnverifiedToken:
    """Parsed, and nothing more: neither header nor claims may be believed yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parse_unverified(text: str) -> UnverifiedToken:
    """RFC 7515 section 5.2, steps 1 to 7. `crit` is refused: no extension is understood (step 5)."""
    if len(text) > MAX_TOKEN:
        raise BadToken("the token is too long")
    parts = text.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, payload, signature
        raise BadToken("the token is not a JWS in compact serialization")
    header, claims = (read_object(part) for part in parts[:2])
    decode(parts[2])
    if "crit" in header or "b64" in header:
        raise BadToken("the token has critical header parameters that are not understood")
    return UnverifiedToken(text, header, claims)


def verify(token: UnverifiedToken, key: PublicKey, *, algorithms: Sequence[str]) -> Mapping[str, Any]:
    """The claims, now believed. The key's own type decides whether it may verify this algorithm (RFC 8725 3.1)."""
    algorithm = check_algorithm(token, algorithms)
    if not fits(key, algorithm):
        raise BadToken(f"the key is not one for {algorithm}")
    signing_input, _, signature = token.text.rpartition(".")
    try:
        verified = JWSRegistry.algorithms[algorithm].verify(signing_input.encode(), decode(signature), key)
    except JoseError as error:  # use or key_ops say that the key is for something else
        raise BadToken("the key is not one to verify with") from error
    if not verified:
        raise BadToken("the signature does not verify")
    return token.claims


def check_algorithm(token: UnverifiedToken, algorithms: Sequence[str]) -> str:
    algorithm = token.header.get("alg")
    if not isinstance(algorithm, str) or algorithm not in algorithms:
        raise BadToken(f"alg must be one of {', '.join(algorithms)}")
    return algorithm


def fits(key: PublicKey, algorithm: str) -> bool:
    kty, crv = KEY_OF_ALGORITHM[algorithm]
    members = key.as_dict(private=False)
    return members["kty"] == kty and (not crv or members.get("crv") == crv)


def import_public_key(jwk: Any) -> PublicKey:
    """One public signing key, strong enough; raises BadToken saying what is wrong with it."""
    if not isinstance(jwk, dict):
        raise BadToken("a key must be a JSON object")
    if any(name in jwk for name in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")):
        raise BadToken("a private or symmetric key was sent; it is worth nothing now: make a new one")
    kind = KINDS.get(str(jwk.get("kty")))
    if kind is None:
        raise BadToken("kty must be EC, RSA or OKP")
    check_parameters(jwk)
    try:
        key: PublicKey = kind.import_key(jwk)
        key.public_key  # noqa: B018 - the library reads the numbers only now
    except (JoseError, ValueError, TypeError, KeyError) as error:
        raise BadToken("the key cannot be read") from error
    return key


def check_parameters(jwk: Mapping[str, Any]) -> None:
    """RFC 7518 section 6: the curves that our algorithms use, and RSA neither weak nor monstrous."""
    if jwk["kty"] == "RSA":
        modulus, exponent = read_integer(jwk.get("n")), read_integer(jwk.get("e"))
        if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
            raise BadToken(
                f"an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; this has {modulus.bit_length()}"
            )
        if exponent != 65537:  # noqa: PLR2004 - F4, the only one in use
            raise BadToken("an RSA key's exponent must be 65537")
    elif (jwk["kty"], jwk.get("crv")) not in KEY_OF_ALGORITHM.values():
        raise BadToken("crv must be P-256 for EC keys and Ed25519 for OKP keys")


def read_integer(value: Any) -> int:
    try:
        return int.from_bytes(decode(value if isinstance(value, str) else ""), "big")
    except BadToken as error:
        raise BadToken("n and e must be base64url without padding") from error


def read_object(part: str) -> Mapping[str, Any]:
    try:
        value = read_json(decode(part), longest=MAX_TOKEN)
    except NotStrictJson as error:
        raise BadToken(f"the token's JSON is refused: {error}") from error
    if not isinstance(value, dict):
        raise BadToken("the token's header and claims must be JSON objects")
    return value


def decode(part: str) -> bytes:
    """RFC 7515 section 2: base64url without padding, and nothing else."""
    try:
        data = urlsafe_b64decode(part.encode("ascii") + b"=" * (-len(part) % 4))
    except (NotBase64, ValueError) as error:
        raise BadToken("the token is not base64url") from error
    if urlsafe_b64encode(data).rstrip(b"=").decode() != part:
        raise BadToken("the token is not base64url without padding")
    return data


def numeric_date(claims: Mapping[str, Any], name: str) -> int:
    """RFC 7519 section 2; a boolean is no number."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e11:  # noqa: PLR2004
        raise BadToken(f"{name} must be a time in seconds since 1970")
    return int(value)


def short_text(claims: Mapping[str, Any], name: str, *, longest: int = 255) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= longest:
        raise BadToken(f"{name} must be a text of 1 to {longest} characters")
    return value
