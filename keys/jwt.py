"""Signing JSON Web Tokens: JWS compact serialization (RFC 7515 section 3.1), the shortest way there is.

Every login pays this several times, so the header is encoded once per key and type. Verification stands elsewhere.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from functools import lru_cache

from keys.signer import Signer

compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


def sign_jwt(signer: Signer, claims: Mapping[str, object], *, typ: str) -> str:
    """`typ` is explicit (RFC 8725 section 3.11), so that no token passes for one of another kind."""
    payload = urlsafe_b64encode(compact(claims).encode()).rstrip(b"=")
    signing_input = encoded_header(signer.algorithm, signer.kid, typ) + payload
    signature = urlsafe_b64encode(signer.sign(signing_input)).rstrip(b"=")
    return (signing_input + b"." + signature).decode()


@lru_cache(maxsize=256)
def encoded_header(alg: str, kid: str, typ: str) -> bytes:
    header = compact({"alg": alg, "kid": kid, "typ": typ})
    return urlsafe_b64encode(header.encode()).rstrip(b"=") + b"."
