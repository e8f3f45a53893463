"""npm oauth4webapi over TLS: FAPI 2.0 with DPoP and the server's nonces, each step of the protocol called by itself."""

from __future__ import annotations

import httpx
import pytest

from tests.clients.relying_party import REDIRECT_URI, SIGNED_OUT, Refused, sign_in, sign_out, signing_key

SCRIPT = "oauth4webapi.mjs"
FAPI = {"prajak_profile": "fapi2-security", "token_endpoint_auth_method": "private_key_jwt"}


def test_a_citizen_signs_in_the_client_refreshes_and_both_sign_out(secure, citizen, relying_party):
    key = signing_key()
    registered = secure.register(
        redirect_uris=[REDIRECT_URI],
        post_logout_redirect_uris=[SIGNED_OUT],
        grant_types=["authorization_code", "refresh_token"],
        scope="openid profile offline_access",
        jwks={"keys": [key.as_dict(private=False)]},
        **FAPI,
    )
    party = relying_party(SCRIPT, registered, keys={"signing": key.as_dict(private=True)})
    tokens = sign_in(party, citizen, scope="openid profile offline_access", prompt="consent")
    assert tokens["token_type"] == "dpop"
    assert party.ask("userinfo")["sub"] == tokens["claims"]["sub"]
    assert party.ask("refresh")["access_token"] != tokens["access_token"]
    assert party.ask("userinfo")["sub"] == tokens["claims"]["sub"]
    assert party.ask("introspect", name="access_token")["active"] is True
    party.ask("revoke", name="access_token")
    assert party.ask("introspect", name="access_token")["active"] is False
    assert sign_out(party, citizen).startswith(SIGNED_OUT)


DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
CIBA = "urn:openid:params:grant-type:ciba"


@pytest.fixture
def without_browser(secure, relying_party):
    """A client that meets people on other devices, or nobody at all."""
    key = signing_key()
    registered = secure.register(
        grant_types=[DEVICE_CODE, CIBA, "client_credentials"],
        response_types=[],
        scope="openid profile",
        backchannel_token_delivery_mode="poll",
        token_endpoint_auth_method="private_key_jwt",
        jwks={"keys": [key.as_dict(private=False)]},
    )
    return relying_party(SCRIPT, registered, keys={"signing": key.as_dict(private=True)})


def test_a_device_gets_its_tokens_when_a_citizen_approved_elsewhere(citizen, without_browser):
    asked = without_browser.ask("device", parameters={"scope": "openid profile"})
    with pytest.raises(Refused, match="authorization_pending"):
        without_browser.ask("device_tokens")
    citizen.open(asked["verification_uri_complete"])
    citizen.submit("/device")
    while not citizen.sees("request-approve"):
        citizen.press("sign-in", user="malee")
    citizen.press("request-approve")
    tokens = without_browser.ask("device_tokens")
    assert without_browser.ask("userinfo")["sub"] == tokens["claims"]["sub"]


def test_a_service_at_a_counter_gets_its_tokens_when_the_citizen_decided(secure, without_browser):
    """CIBA in poll mode, decided as certification's suite decides it."""
    asked = without_browser.ask("backchannel", parameters={"scope": "openid profile", "login_hint": "somchai"})
    decision = {"auth_req_id": asked["auth_req_id"], "action": "allow"}
    with httpx.Client(verify=secure.tls) as http:
        assert http.post(f"{secure.issuer}/sandbox/ciba", params=decision).status_code == 200
    tokens = without_browser.ask("backchannel_tokens")
    assert without_browser.ask("userinfo")["sub"] == tokens["claims"]["sub"]


def test_a_client_acts_for_itself(without_browser):
    tokens = without_browser.ask("client_credentials", parameters={})
    assert tokens["token_type"] == "dpop"
    assert "refresh_token" not in tokens
