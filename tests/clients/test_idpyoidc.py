"""idpyoidc over TLS: a relying party that discovers the provider and registers itself."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient

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
PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}


@pytest.fixture
def client(secure):
    trust = {"verify": str(secure.authority.ca_file)}
    made = StandAloneClient(
        services=SERVICES,
        httpc_params=trust,
        config={
            "issuer": secure.issuer,
            "client_type": "oidc",
            "key_conf": {"key_defs": [{"type": "RSA", "use": ["sig"]}]},
            "base_url": "https://rp.example",
            "redirect_uris": [REDIRECT_URI],
            "post_logout_redirect_uris": [SIGNED_OUT],
            "preference": {
                "response_types_supported": ["code"],
                "scopes_supported": ["openid", "profile"],
                "token_endpoint_auth_methods_supported": ["client_secret_basic"],
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            "add_ons": {"pkce": PKCE},
        },
    )
    made.get_attribute("keyjar").httpc_params.update(trust)
    made.do_provider_info()
    made.do_client_registration()
    return made


def test_a_citizen_signs_in_and_out(client, citizen):
    citizen.open(client.init_authorization())
    arrived = str(citizen.sign_in_as("malee").url)
    released = client.finalize(dict(parse_qsl(urlsplit(arrived).query)))
    assert released["id_token"]["sub"] == released["userinfo"]["sub"]
    ended = client.logout(released["state"], post_logout_redirect_uri=SIGNED_OUT)
    citizen.open(ended["url"])
    assert str(citizen.press("logout-confirm").url).startswith(SIGNED_OUT)
