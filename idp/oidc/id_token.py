"""The ID Token, OpenID Connect Core section 2."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256, sha512
from typing import Any

from joserfc.errors import JoseError

from core.clock import timestamp
from core.ground import Ground
from idp.errors import InvalidRequest
from idp.models.client import RegisteredClient
from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNING_ALGORITHMS
from idp.oauth2.answer_jwt import sign_for_client
from idp.oauth2.authorized import Authorized
from idp.oauth2.compact_jws import BadToken, UnverifiedToken, import_public_key, parse_unverified, verify
from keys.keystore import Keystore
from keys.purposes import Purpose

ALGORITHMS = SIGNING_ALGORITHMS
METADATA = {
    "id_token_signing_alg_values_supported": list(ALGORITHMS),
    "id_token_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
    "id_token_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
}
PREFIX = "id_token"


def issue_id_token(
    keystore: Keystore,
    ground: Ground,
    authorized: Authorized,
    *,
    sid: str,
    access_token: str,
    claims: Mapping[str, Any],
) -> str:
    """Sections 2 and 3.1.3.6. One audience, so no `azp`; what the person released comes first, so that it can never
    stand in for a protocol claim. Signed and encrypted as the client registered.
    """
    now = ground.clock.now()
    content: dict[str, Any] = {
        **claims,
        "iss": ground.settings.issuer,
        "sub": authorized.sub,
        "aud": authorized.client.client_id,
        "iat": timestamp(now),
        "exp": timestamp(now + ground.settings.id_token_lifetime),
        "auth_time": authorized.auth_time,
        "acr": authorized.acr,
        "amr": list(authorized.amr),
        "at_hash": half_hash(access_token, authorized.client.signed_response_alg(PREFIX)),
    }
    if sid:
        content["sid"] = sid
    if authorized.nonce:
        content["nonce"] = authorized.nonce
    if authorized.s_hash:
        content["s_hash"] = authorized.s_hash
    return sign_for_client(keystore, authorized.client, Purpose.ID_TOKEN, content, typ="JWT", prefix=PREFIX)


def state_hash(state: str, client: RegisteredClient) -> str:
    """`s_hash` (FAPI 1.0 Part 2 section 5.1, where ID tokens began to carry it): which request this answers."""
    return half_hash(state, client.signed_response_alg(PREFIX)) if state else ""


def half_hash(value: str, algorithm: str) -> str:
    """Section 3.1.3.6: the left half of the hash that the signature's algorithm uses (Ed25519: SHA-512)."""
    digest = (sha512 if algorithm in ("EdDSA", "Ed25519") else sha256)(value.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()


def verify_hint(
    id_token: str, *, issuer: str, client_id: str | None, keys: Sequence[Mapping[str, Any]]
) -> Mapping[str, Any]:
    """An ID token that comes back as a hint: ours, and for this client where one is named. RP-Initiated Logout
    section 2 and Core section 3.1.2.1: an expired hint still names its session, so expiry is not checked.
    """
    try:
        token = parse_unverified(id_token)
        claims = verify(token, import_public_key(signing_key(token, keys)), algorithms=ALGORITHMS)
    except (BadToken, JoseError) as error:
        raise InvalidRequest(f"id_token_hint: {error}") from error
    if claims.get("iss") != issuer or (client_id is not None and claims.get("aud") != client_id):
        raise InvalidRequest("id_token_hint: it was not issued to this client")
    return claims


def signing_key(token: UnverifiedToken, keys: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The key of ours that the token names; RFC 8725 section 3.11: a token of another type is none."""
    jwk = next((each for each in keys if each["kid"] == token.header.get("kid")), None)
    if jwk is None or token.header.get("typ", "JWT") != "JWT" or token.header.get("alg") != jwk["alg"]:
        raise BadToken("it was not signed by a key of ours")
    return dict(jwk)
