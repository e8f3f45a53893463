"""Whether a client's keys can do what the rest of its metadata says: sign, be encrypted to, hold a certificate.

Asked of keys by value when they are registered, and of those that its `jwks_uri` gave.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp.models.jose import KEY_OF_ENCRYPTION, RESPONSES
from idp.models.profile import PROFILES, Profile, ProfileName
from idp.oauth2.compact_jws import KEY_OF_ALGORITHM
from idp.registration.problems import Problem

ENCRYPTED = tuple(f"{response}_encrypted_response_alg" for response in RESPONSES)
SIGNED_BY_CLIENT = (
    "token_endpoint_auth_signing_alg",
    "request_object_signing_alg",
    "backchannel_authentication_request_signing_alg",
)


def profile_of(metadata: Mapping[str, Any]) -> Profile:
    return PROFILES[ProfileName(metadata["prajak_profile"])]


def key_problems(metadata: Mapping[str, Any], jwks: Mapping[str, Any], field: str) -> list[Problem]:
    """Each kind of key that is needed and not there; `field` is where the keys came from."""
    keys = jwks["keys"]
    problems = []
    for algorithms in signing_needs(metadata):
        if not any(can_sign(key, algorithms) for key in keys):
            values = {"values": ", ".join(algorithms)}
            problems.append(Problem(field, "No key is one for signing with: %(values)s.", values))
    for name in ENCRYPTED:
        algorithm = metadata.get(name)
        if algorithm and not any(can_decrypt(key, algorithm) for key in keys):
            problems.append(Problem(field, "No key is one for encrypting with: %(values)s.", {"values": algorithm}))
    method = metadata["token_endpoint_auth_method"]
    if method == "self_signed_tls_client_auth" and not any(key.get("x5c") for key in keys):
        problems.append(Problem(field, "self_signed_tls_client_auth needs a key with its certificate in x5c."))
    return problems[:1]


def signing_needs(metadata: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """For each thing that it signs, the algorithms of which one key must have one."""
    usual = profile_of(metadata).assertion_algorithms
    needs = []
    if metadata["token_endpoint_auth_method"] == "private_key_jwt":  # noqa: S105 - the registered word
        named = metadata.get("token_endpoint_auth_signing_alg")
        needs.append((named,) if named else usual)
    if metadata.get("require_signed_request_object") or "request_object_signing_alg" in metadata:
        named = metadata.get("request_object_signing_alg")
        needs.append((named,) if named else usual)
    if "backchannel_authentication_request_signing_alg" in metadata:
        needs.append((metadata["backchannel_authentication_request_signing_alg"],))
    return needs


def needs_keys(metadata: Mapping[str, Any]) -> bool:
    certificate = metadata["token_endpoint_auth_method"] == "self_signed_tls_client_auth"  # noqa: S105
    return bool(signing_needs(metadata) or certificate or any(name in metadata for name in ENCRYPTED))


def can_sign(key: Mapping[str, Any], algorithms: tuple[str, ...]) -> bool:
    kinds = {KEY_OF_ALGORITHM[each] for each in algorithms}
    return key.get("use", "sig") == "sig" and kind_of(key) in kinds and key.get("alg", algorithms[0]) in algorithms


def can_decrypt(key: Mapping[str, Any], algorithm: str) -> bool:
    """RFC 7517 sections 4.2 and 4.4: a key may say what it is for, and for which algorithm."""
    fits = kind_of(key) == KEY_OF_ENCRYPTION[algorithm]
    return fits and key.get("use", "enc") == "enc" and key.get("alg", algorithm) == algorithm


def kind_of(key: Mapping[str, Any]) -> tuple[Any, Any]:
    return key.get("kty"), "" if key.get("kty") == "RSA" else key.get("crv", "")
