"""The authorization code, RFC 6749 sections 4.1.2 and 4.1.3: self-contained and sealed.

A code is everything the token endpoint needs, under AES-256-GCM with a key of its own purpose; nothing is stored
until it is redeemed. Its single use is one insert in the transaction that issues the tokens (core/one_time.py).
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hmac import compare_digest
from secrets import token_bytes

from idp.errors import InvalidGrant
from idp.oauth2.parameters import required
from keys.errors import DecryptionError, KeystoreError, TokenAway
from keys.keystore import Keystore
from keys.purposes import Purpose

MAX_CODE = 8000
KID_BYTES, NONCE_BYTES = 16, 12
compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
CONTEXT = b"prajak-authorization-code-v2"


@dataclass(frozen=True, kw_only=True)
class AuthorizationCode:
    """What was authorized, by whom, for whom. Times are NumericDates; absent values are ""."""

    id: str
    client_id: str
    redirect_uri: str
    account_id: str
    sub: str
    scope: str
    nonce: str
    s_hash: str
    code_challenge: str
    requested_claims: str  # the digest of a RequestedClaims row
    rich_authorization: str  # the id of a RichAuthorization row
    resource: str = ""  # RFC 8707, parted by spaces
    grant_id: str
    session_id: str
    auth_time: int
    acr: str
    amr: str
    dpop_jkt: str
    expires_at: int

    @property
    def expires_at_time(self) -> datetime:
        return datetime.fromtimestamp(self.expires_at, UTC)

    def is_expired(self, now: datetime) -> bool:
        return now >= self.expires_at_time


NAMES = tuple(AuthorizationCode.__dataclass_fields__)


class CodeSeal:
    """Seals and opens codes. The key's name goes in front, so that a rotation spoils no code on its way."""

    def __init__(self, keystore: Keystore) -> None:
        self.keystore = keystore

    def seal(self, code: AuthorizationCode) -> str:
        secret = self.keystore.secret(Purpose.CODE)
        prefix = urlsafe_b64decode(secret.kid + "==")
        nonce = token_bytes(NONCE_BYTES)
        text = compact([getattr(code, name) for name in NAMES])
        sealed = secret.encrypt(nonce, text.encode(), CONTEXT + prefix)
        return urlsafe_b64encode(prefix + nonce + sealed).rstrip(b"=").decode()

    def open(self, code: str) -> AuthorizationCode:
        """Raises InvalidGrant for everything that was not made here."""
        if len(code) > MAX_CODE:
            raise InvalidGrant("the code is not one of ours")
        try:
            raw = urlsafe_b64decode(code.encode("ascii") + b"=" * (-len(code) % 4))
            prefix, nonce, sealed = raw[:KID_BYTES], raw[KID_BYTES:][:NONCE_BYTES], raw[KID_BYTES + NONCE_BYTES :]
            kid = urlsafe_b64encode(prefix).rstrip(b"=").decode()
            text = self.keystore.secret_of(kid, Purpose.CODE).decrypt(nonce, sealed, CONTEXT + prefix)
        except TokenAway:  # the code is as good as before
            raise
        except (NotBase64, ValueError, DecryptionError, KeystoreError) as error:
            raise InvalidGrant("the code is not one of ours") from error
        return AuthorizationCode(**dict(zip(NAMES, json.loads(text), strict=True)))


def check_code(code: AuthorizationCode, parameters: Mapping[str, str], client_id: str) -> None:
    """Section 4.1.3: this client's code, for this redirect_uri. Whether it is spent is asked last, by spending it."""
    if code.client_id != client_id:
        raise InvalidGrant("the code was issued to another client")
    redirect_uri = required(parameters, "redirect_uri")
    if not compare_digest(redirect_uri.encode(), code.redirect_uri.encode()):
        raise InvalidGrant("redirect_uri is not the one of the authorization request")
