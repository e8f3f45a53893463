"""Demonstrating proof of possession, RFC 9449, from both sides: a proof made (4.2) and a proof checked (4.3)."""

from __future__ import annotations

import json
import secrets
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
LIFETIME = 60  # seconds on either side of now
MEMBERS = {"kty", "crv", "x", "y"}


class ProofError(ValueError):
    """The proof is refused; the text is safe to send back."""


def make_proof(key: ECKey, method: str, url: str, *, access_token: str = "", nonce: str = "") -> str:
    claims = {"jti": secrets.token_urlsafe(16), "htm": method, "htu": url, "iat": int(time.time())}
    if access_token:
        claims["ath"] = hash_of(access_token)
    if nonce:
        claims["nonce"] = nonce
    public = {name: value for name, value in key.as_dict(private=False).items() if name in MEMBERS}
    header = {"typ": "dpop+jwt", "alg": ALGORITHM, "jwk": public}
    return jws.serialize_compact(header, json.dumps(claims).encode(), key, algorithms=[ALGORITHM])


def check_proof(
    unverified_proof: str,
    *,
    method: str,
    url: str,
    access_token: str,
    expected_jkt: str,
    spend: Callable[[str], bool],
) -> None:
    """1. one JWS of the right type, by the key that its header shows   2. that key is the token's (RFC 7800)
    3. it is for this request and this token   4. it is of now, and was not here before
    """
    try:
        unverified = jws.extract_compact(unverified_proof.encode())
        header = unverified.headers()
        key = ECKey.import_key(public_half(header.get("jwk")))
        claims = json.loads(jws.deserialize_compact(unverified_proof, key, algorithms=[ALGORITHM]).payload)  # 1
    except (JoseError, ValueError, TypeError) as error:
        raise ProofError("the proof does not verify") from error
    if header.get("typ") != "dpop+jwt" or not isinstance(claims, dict):
        raise ProofError("the proof must be a dpop+jwt")
    if key.thumbprint() != expected_jkt:  # 2
        raise ProofError("the token is bound to another key")
    wanted = {"htm": method, "htu": url, "ath": hash_of(access_token)}  # 3
    if any(claims.get(name) != value for name, value in wanted.items()):
        raise ProofError("the proof is for another request")
    check_fresh(claims, spend)  # 4


def check_fresh(claims: dict[str, Any], spend: Callable[[str], bool]) -> None:
    iat, jti = claims.get("iat"), claims.get("jti")
    if type(iat) is not int or abs(time.time() - iat) > LIFETIME:
        raise ProofError("the proof is not of now")
    if not isinstance(jti, str) or not 0 < len(jti) <= 200 or not spend(jti):  # noqa: PLR2004 - more is nobody's
        raise ProofError("the proof was used before")


def public_half(jwk: Any) -> dict[str, str | list[str]]:
    """Section 4.3 step 7: no private key, and only the members of an EC key."""
    if not isinstance(jwk, dict) or "d" in jwk:
        raise ValueError("jwk must be a public key")
    return {name: jwk[name] for name in MEMBERS if isinstance(jwk.get(name), str)}


def hash_of(access_token: str) -> str:
    return urlsafe_b64encode(sha256(access_token.encode()).digest()).rstrip(b"=").decode()
