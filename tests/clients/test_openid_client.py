"""npm openid-client over TLS: every way to connect, each from signing in to signing out, all its checks switched on."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT, sign_in, sign_out, signing_key

SCRIPT = "openid_client.mjs"
GRANTS = {"grant_types": ["authorization_code", "refresh_token"], "scope": "openid profile offline_access"}
KEYED = {"token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": "ES256"}
CERTIFIED = {"tls_client_certificate_bound_access_tokens": True}
ENCRYPTED = {
    f"{answer}_encrypted_response_{what}": value
    for answer in ("id_token", "userinfo", "authorization")
    for what, value in {"alg": "ECDH-ES", "enc": "A256GCM"}.items()
}


@dataclass(frozen=True)
class Way:
    """How a client connects: what it registers, what it uses, what it asks for."""

    metadata: dict[str, Any]
    use: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, str] = field(default_factory=dict)
    token_type: str = "bearer"


WAYS = {
    "client_secret_basic": Way({"token_endpoint_auth_method": "client_secret_basic"}),
    "client_secret_post": Way({"token_endpoint_auth_method": "client_secret_post"}),
    "ID tokens by PS256": Way(KEYED | {"id_token_signed_response_alg": "PS256"}),
    "ID tokens by EdDSA": Way(KEYED | {"id_token_signed_response_alg": "EdDSA"}),
    "signed userinfo": Way(KEYED | {"userinfo_signed_response_alg": "ES256"}),
    "form_post": Way(KEYED, parameters={"response_mode": "form_post"}),
    "PAR": Way(KEYED, {"par": True}),
    "request object": Way(KEYED | {"request_object_signing_alg": "ES256"}, {"jar": True}),
    "request object, pushed": Way(KEYED, {"jar": True, "par": True}),
    "JARM": Way(KEYED | {"authorization_signed_response_alg": "ES256"}, {"jarm": True}),
    "all encrypted": Way(
        KEYED | ENCRYPTED | {"userinfo_signed_response_alg": "ES256", "authorization_signed_response_alg": "ES256"},
        {"jarm": True, "enc": ["A256GCM"]},
    ),
    "DPoP": Way(KEYED, {"dpop": "ES256"}, token_type="dpop"),
    "DPoP by EdDSA": Way(KEYED, {"dpop": "Ed25519"}, token_type="dpop"),
    "tls_client_auth": Way(CERTIFIED | {"token_endpoint_auth_method": "tls_client_auth"}, {"certificate": True}),
    "private_key_jwt, tokens bound by mutual TLS": Way(KEYED | CERTIFIED, {"certificate": True}),
    "FAPI 2.0 Security Profile": Way(
        {"prajak_profile": "fapi2-security", **KEYED}, {"par": True, "dpop": "ES256"}, token_type="dpop"
    ),
    "FAPI 2.0 Security Profile by mutual TLS": Way(
        {"prajak_profile": "fapi2-security", "token_endpoint_auth_method": "tls_client_auth", **CERTIFIED},
        {"par": True, "certificate": True},
    ),
    "FAPI 2.0 Message Signing": Way(
        {
            "prajak_profile": "fapi2-message-signing",
            "request_object_signing_alg": "ES256",
            "authorization_signed_response_alg": "ES256",
            "introspection_signed_response_alg": "ES256",
            **KEYED,
        },
        {"par": True, "jar": True, "jarm": True, "dpop": "ES256"},
        token_type="dpop",
    ),
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.fixture
def party(secure, relying_party, way):
    """The client, registered as it connects, with the keys and the certificate that this takes."""
    signing, decryption = signing_key(), decryption_key()
    metadata = {"redirect_uris": [REDIRECT_URI], "post_logout_redirect_uris": [SIGNED_OUT]} | GRANTS | way.metadata
    use = dict(way.use)
    if metadata["token_endpoint_auth_method"] == "private_key_jwt":
        metadata["jwks"] = {"keys": [key.as_dict(private=False) for key in (signing, decryption)]}
    if "certificate" in use:
        certificate, key = secure.authority.certify("rp.example")
        use["certificate"] = {"ca": text(secure.authority.ca_file), "cert": text(certificate), "key": text(key)}
        if metadata["token_endpoint_auth_method"] == "tls_client_auth":
            metadata["tls_client_auth_san_dns"] = "rp.example"
    keys = {"signing": signing.as_dict(private=True)}
    if "enc" in use:
        keys["decryption"] = decryption.as_dict(private=True)
    return relying_party(SCRIPT, secure.register(**metadata), keys=keys, use=use)


def decryption_key():
    return ECKey.generate_key("P-256", {"use": "enc", "alg": "ECDH-ES"}, auto_kid=True)


def text(path: Path) -> str:
    return path.read_text("utf-8")


def test_a_citizen_signs_in_the_client_refreshes_and_both_sign_out(citizen, party, way):
    tokens = sign_in(party, citizen, scope="openid profile offline_access", prompt="consent", **way.parameters)
    assert tokens["token_type"] == way.token_type
    assert tokens["claims"]["acr"].startswith("urn:prajak:sandbox:ial")
    assert party.ask("userinfo")["name"]
    refreshed = party.ask("refresh")
    assert refreshed["access_token"] != tokens["access_token"]
    assert party.ask("userinfo")["sub"] == tokens["claims"]["sub"]
    assert party.ask("introspect")["active"] is True
    assert sign_out(party, citizen).startswith(SIGNED_OUT)
    party.ask("revoke", name="refresh_token")
    assert party.ask("introspect")["active"] is False
