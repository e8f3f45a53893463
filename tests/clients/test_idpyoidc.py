"""idpyoidc over TLS: a relying party that discovers everything, with a registration of ours or by its own."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT

# It takes any certificate for the keys of a provider on localhost, and of no other.
pytestmark = pytest.mark.filterwarnings("ignore:Unverified HTTPS request:urllib3.exceptions.InsecureRequestWarning")

OIDC = "idpyoidc.client.oidc"
SERVICES = {
    "discovery": {"class": f"{OIDC}.provider_info_discovery.ProviderInfoDiscovery"},
    "registration": {"class": f"{OIDC}.registration.Registration"},
    "authorization": {"class": f"{OIDC}.authorization.Authorization"},
    "accesstoken": {"class": f"{OIDC}.access_token.AccessToken"},
    "userinfo": {"class": f"{OIDC}.userinfo.UserInfo"},
    "refresh_token": {"class": f"{OIDC}.refresh_access_token.RefreshAccessToken"},
    "end_session": {"class": f"{OIDC}.end_session.EndSession"},
}
PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}
SCOPE = ["openid", "profile", "offline_access"]


def relying_party(secure, **told):
    trust = {"verify": str(secure.authority.ca_file)}
    preference = {
        "response_types_supported": ["code"],
        "scopes_supported": SCOPE,
        "id_token_signing_alg_values_supported": ["RS256"],
    }
    made = StandAloneClient(
        services=SERVICES,
        httpc_params=trust,
        config={
            "issuer": secure.issuer,
            "client_type": "oidc",
            "base_url": "https://rp.example",
            "redirect_uris": [REDIRECT_URI],
            "post_logout_redirect_uris": [SIGNED_OUT],
            "preference": preference | told.pop("preference"),
            "add_ons": {"pkce": PKCE},
            **told,
        },
    )
    made.do_provider_info()
    return made


def sign_in(client, citizen, **asked):
    citizen.open(client.init_authorization(req_args=asked))
    arrived = str(citizen.sign_in_as("malee").url)
    return client.finalize(dict(parse_qsl(urlsplit(arrived).query)))


def test_a_citizen_signs_in_the_client_refreshes_and_both_sign_out(secure, citizen):
    registered = secure.register(
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[SIGNED_OUT],
        grant_types=["authorization_code", "refresh_token"],
        scope=" ".join(SCOPE),
        token_endpoint_auth_method="client_secret_basic",
        id_token_signed_response_alg="RS256",
    )
    client = relying_party(
        secure,
        preference={"token_endpoint_auth_methods_supported": ["client_secret_basic"]},
        client_id=registered["client_id"],
        client_secret=registered["client_secret"],
        client_authn_methods=["client_secret_basic"],
    )
    client.do_client_registration()
    released = sign_in(client, citizen, scope=SCOPE, prompt="consent")
    assert released["id_token"]["sub"] == released["userinfo"]["sub"]
    refreshed = client.refresh_access_token(released["state"])
    assert refreshed["access_token"] != released["token"]
    again = client.get_user_info(released["state"], access_token=refreshed["access_token"])
    assert again["sub"] == released["userinfo"]["sub"]
    ended = client.logout(released["state"], post_logout_redirect_uri=SIGNED_OUT)
    citizen.open(ended["url"])
    assert str(citizen.press("logout-confirm").url).startswith(SIGNED_OUT)


def test_a_client_that_registers_itself_signs_a_citizen_in(secure, citizen):
    """With keys of its own and signed userinfo. Of what was registered it understands a scope of one word alone."""
    client = relying_party(
        secure,
        preference={
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
            "userinfo_signing_alg_values_supported": ["ES256"],
        },
        key_conf={"key_defs": [{"type": "RSA", "use": ["sig"]}]},
        client_authn_methods=["client_secret_basic"],
    )
    client.do_client_registration(request_args={"scope": "openid"})
    released = sign_in(client, citizen, scope=["openid"])
    assert released["id_token"]["sub"] == released["userinfo"]["sub"]
