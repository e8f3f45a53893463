"""idpyoidc over TLS: a relying party that discovers the provider and registers itself, as certification's does."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from idpyoidc.client.rp_handler import RPHandler

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT

SERVICES = {
    "discovery": {"class": "idpyoidc.client.oidc.provider_info_discovery.ProviderInfoDiscovery"},
    "registration": {"class": "idpyoidc.client.oidc.registration.Registration"},
    "authorization": {"class": "idpyoidc.client.oidc.authorization.Authorization"},
    "accesstoken": {"class": "idpyoidc.client.oidc.access_token.AccessToken"},
    "userinfo": {"class": "idpyoidc.client.oidc.userinfo.UserInfo"},
    "refresh_token": {"class": "idpyoidc.client.oidc.refresh_access_token.RefreshAccessToken"},
    "end_session": {"class": "idpyoidc.client.oidc.end_session.EndSession"},
}
PKCE = {"function": "idpyoidc.client.oauth2.add_on.pkce.add_support", "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"}}


@pytest.fixture
def handler(secure):
    configuration = {
        "issuer": secure.issuer,
        "client_type": "oidc",
        "redirect_uris": [REDIRECT_URI],
        "post_logout_redirect_uris": [SIGNED_OUT],
        "services": SERVICES,
        "preference": {
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token"],
            "scopes_supported": ["openid", "profile", "offline_access"],
            "token_endpoint_auth_methods_supported": ["private_key_jwt"],
            "id_token_signing_alg_values_supported": ["RS256"],
        },
        "add_ons": {"pkce": PKCE},
    }
    keys = {"key_defs": [{"type": "RSA", "use": ["sig"]}, {"type": "EC", "crv": "P-256", "use": ["sig"]}]}
    return RPHandler(
        base_url="https://rp.example",
        client_configs={"prajak": configuration},
        services=SERVICES,
        key_conf=keys,
        httpc_params={"verify": str(secure.authority.ca_file)},
    )


def test_a_citizen_signs_in_and_out(handler, citizen):
    url = handler.begin("prajak")
    citizen.open(url)
    arrived = str(citizen.sign_in_as("malee").url)
    answer = dict(parse_qsl(urlsplit(arrived).query))
    issuer = handler.get_client_from_session_key(answer["state"]).get_context().issuer
    released = handler.finalize(issuer, answer)
    assert released["id_token"]["sub"] == released["userinfo"]["sub"]
    citizen.open(handler.logout(answer["state"], post_logout_redirect_uri=SIGNED_OUT)["url"])
    assert str(citizen.press("logout-confirm").url).startswith(SIGNED_OUT)
