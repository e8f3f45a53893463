"""Proof Key for Code Exchange, RFC 7636. Only S256: `plain` protects nothing once the request has been seen
(section 7.2).
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64encode
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from idp.errors import InvalidGrant, InvalidRequest
from idp.oauth2.authorization_request import Asked

CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # section 4.1
S256_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # 32 bytes, base64url without padding
METADATA = {"code_challenge_methods_supported": ["S256"]}


def assign_code_challenge(asked: Asked) -> dict[str, Any]:
    """Section 4.3. Certification's Basic clients send none; then their `nonce` guards the code (see check_nonce)."""
    challenge, method = asked.parameters.get("code_challenge"), asked.parameters.get("code_challenge_method")
    if challenge is None and method is None and not asked.client.requires_pkce:
        return {}
    check_code_challenge(challenge, method)
    return {"code_challenge": challenge}


def check_code_challenge(challenge: str | None, method: str | None) -> None:
    """Section 4.3, when the client asks for a code."""
    if method != "S256":
        raise InvalidRequest("code_challenge_method must be S256")
    if not challenge or not S256_CHALLENGE.fullmatch(challenge):
        raise InvalidRequest("code_challenge must be 43 base64url characters")


def check_code_verifier(verifier: str | None, challenge: str) -> None:
    """Section 4.6, when the client redeems it. RFC 9700 section 4.8.2: a verifier without a challenge is refused."""
    if not challenge:
        if verifier is not None:
            raise InvalidGrant("code_verifier was sent, but no code_challenge had been")
        return
    if not verifier or not CODE_VERIFIER.fullmatch(verifier):
        raise InvalidGrant("code_verifier must be 43 to 128 unreserved characters")
    if not compare_digest(s256(verifier), challenge):
        raise InvalidGrant("code_verifier does not match the code_challenge")


def s256(verifier: str) -> str:
    return urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=").decode()
