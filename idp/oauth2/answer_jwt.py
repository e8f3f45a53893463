"""An answer as a JWT for one client: signed, and encrypted where it registered so.

OpenID Connect Registration section 2, JARM section 3 and RFC 9701 section 6 name the same three members, each with a
prefix of its own: PREFIX_signed_response_alg, PREFIX_encrypted_response_alg, PREFIX_encrypted_response_enc.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp.errors import InvalidRequest
from idp.models.client import RegisteredClient
from idp.models.jose import DEFAULT_ENCRYPTION_METHOD, KEY_OF_ENCRYPTION
from idp.oauth2.compact_jwe import encrypt
from idp.oauth2.compact_jws import PublicKey
from keys.jwt import sign_jwt
from keys.keystore import Keystore
from keys.purposes import Purpose


def sign_for_client(
    keystore: Keystore, client: RegisteredClient, purpose: Purpose, claims: Mapping[str, Any], *, typ: str, prefix: str
) -> str:
    """By the algorithm that the client registered, else its profile's; then encrypted, if it registered that. May make
    a key: never call it within a transaction. Raises InvalidRequest where the client has no key to encrypt to.
    """
    own = keystore.own_algorithm(purpose)
    signed = sign_jwt(keystore.active(purpose, client.signed_response_alg(prefix, own)), claims, typ=typ)
    return encrypt_for_client(client, signed, prefix=prefix, cty="JWT")  # RFC 7519 section 5.2


def encrypt_for_client(client: RegisteredClient, plaintext: str, *, prefix: str, cty: str = "") -> str:
    """The same text where the client did not register encryption."""
    alg = client.get(f"{prefix}_encrypted_response_alg")
    if not alg:
        return plaintext
    enc = client.get(f"{prefix}_encrypted_response_enc") or DEFAULT_ENCRYPTION_METHOD
    return encrypt(plaintext, encryption_key(client, alg), alg=alg, enc=enc, cty=cty)


def encryption_key(client: RegisteredClient, alg: str) -> PublicKey:
    """RFC 7517 sections 4.2 and 4.4: a key may say what it is for; one that says `enc` goes before a mute one."""
    kty, crv = KEY_OF_ENCRYPTION[alg]
    for use in ("enc", None):
        for key in client.encryption_keys:
            members = key.as_dict(private=False)
            fits = members["kty"] == kty and members.get("crv", "") == crv
            if fits and members.get("use") == use and members.get("alg", alg) == alg:
                return key
    raise InvalidRequest(f"the client registered encryption with {alg}, and has no key for it")
