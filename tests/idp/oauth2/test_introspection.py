"""RFC 7662 and RFC 9701: whom a token concerns may ask what it stands for, and nobody else learns a thing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from joserfc import jws
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey, KeySet
from sqlalchemy import update

from enrollment.models.account import Account, AccountStatus
from tests.idp.oauth2.protected_resource import CONTACTS, MEDIA_TYPE, introspect, register_api
from tests.idp.provider import ISSUER, claims_of, header_of
from tests.protocol.requirement import requirement

GRANTS = ["authorization_code", "refresh_token"]
INACTIVE = {"active": False}


@pytest.fixture
def refreshing(provider):
    return provider.agency("refreshing", grant_types=GRANTS, scope="openid profile offline_access")


@requirement("RFC 7662", "2.2", "MUST")
def test_the_client_reads_what_its_token_stands_for(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    answer = introspect(agency, token)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json == {"active": True, "token_type": "Bearer", **claims_of(token)}
    assert {"iss", "sub", "aud", "exp", "iat", "jti", "scope", "client_id", "auth_time", "acr"} <= set(answer.json)


@requirement("RFC 7662", "2.1", "MUST")
@requirement("RFC 7662", "4", "MUST")
def test_nobody_asks_without_authenticating(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    answer = provider.browser().post("/introspect", data={"token": token})
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@requirement("RFC 7662", "4", "MUST")
def test_a_client_without_credentials_cannot_scan_tokens(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    native = provider.agency(
        "native",
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback"],
    )
    answer = introspect(native, token)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@requirement("RFC 7662", "2.3", "MUST")
def test_wrong_credentials_are_invalid_client(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    answer = introspect(agency, token, client_assertion="x.y.z")
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@requirement("RFC 7523", "3", "MUST")
def test_a_replayed_assertion_learns_nothing(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    proof = agency.authentication()
    assert introspect(agency, token, **proof).json["active"] is True
    again = introspect(agency, token, **proof)
    assert (again.status_code, again.json["error"]) == (401, "invalid_client")


@requirement("RFC 7662", "2.1", "MUST")
def test_the_token_must_be_there(agency):
    answer = introspect(agency, "")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@requirement("RFC 7662", "2.2", "SHOULD NOT")
@pytest.mark.parametrize("token", ["x", "a.b.c", "ก" * 50, "A" * 9000, " "])
def test_what_is_no_token_is_inactive_and_no_error(agency, token):
    answer = introspect(agency, token)
    assert (answer.status_code, answer.json) == (200, INACTIVE)


@requirement("RFC 7662", "2.2", "SHOULD NOT")
def test_another_client_learns_nothing(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    assert introspect(provider.agency("curious"), token).json == INACTIVE


@requirement("RFC 7662", "2.2", "MUST")
def test_the_server_of_the_resource_may_ask(provider, agency, browser):
    api = register_api(provider)
    token = agency.redeem(agency.code(browser, resource=CONTACTS)).json["access_token"]
    known = introspect(api.agency, token).json
    assert (known["active"], known["aud"], known["client_id"]) == (True, CONTACTS, agency.client_id)
    other = register_api(provider, "https://api.example/other")
    assert introspect(other.agency, token).json == INACTIVE


@requirement("RFC 7662", "2.2", "MUST")
def test_an_expired_token_is_inactive(agency, browser, clock):
    token = agency.sign_in(browser)["access_token"]
    clock.advance(timedelta(minutes=5))
    assert introspect(agency, token).json == INACTIVE


@requirement("RFC 7662", "2.2", "MUST")
def test_after_logout_a_token_is_inactive(agency, browser, provider):
    token = agency.sign_in(browser)["access_token"]
    with provider.ground.database.write() as connection:
        account_id = provider.accounts.find_by_name("somchai")
        provider.sessions.end_all(connection, account_id, reason="signed out")
    assert introspect(agency, token).json == INACTIVE


def test_the_token_of_a_suspended_account_is_inactive(agency, browser, provider):
    token = agency.sign_in(browser)["access_token"]
    with provider.ground.database.write() as connection:
        connection.execute(update(Account).values(status=AccountStatus.SUSPENDED))
    assert introspect(agency, token).json == INACTIVE


def test_the_token_of_a_client_that_was_removed_is_inactive(agency, browser, provider):
    api = register_api(provider)
    token = agency.redeem(agency.code(browser, resource=CONTACTS)).json["access_token"]
    assert provider.registration.remove(agency.client_id, by="test")
    assert introspect(api.agency, token).json == INACTIVE


@requirement("RFC 7662", "2.1", "MAY")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "anything"])
def test_a_wrong_hint_hides_nothing(refreshing, browser, hint):
    tokens = refreshing.sign_in(browser, scope="openid offline_access")
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert introspect(refreshing, token, token_type_hint=hint).json["active"] is True


def test_a_refresh_token_concerns_its_client_alone(provider, refreshing, browser):
    token = refreshing.sign_in(browser, scope="openid offline_access")["refresh_token"]
    known = introspect(refreshing, token).json
    assert (known["client_id"], known["scope"]) == (refreshing.client_id, "openid offline_access")
    assert introspect(provider.agency("curious"), token).json == INACTIVE
    assert introspect(refreshing, token[:22] + "A" * 43).json == INACTIVE


@requirement("RFC 9449", "6.2", "MUST")
def test_a_bound_token_says_which_key_it_is_bound_to(agency, browser):
    tokens = agency.redeem(agency.code(browser), dpop=agency.proof("POST", "/token")).json
    known = introspect(agency, tokens["access_token"]).json
    assert (known["token_type"], known["cnf"]) == ("DPoP", {"jkt": agency.dpop_key.thumbprint()})


# RFC 9701 -----------------------------------------------------------------------------------------------------------


def verified(provider, token, algorithm):
    keys = KeySet.import_key_set(provider.browser().get("/jwks").json)
    jws.deserialize_compact(token, keys, algorithms=[algorithm])
    return claims_of(token)


@requirement("RFC 9701", "4", "MUST")
@requirement("RFC 9701", "5", "MUST")
def test_who_asks_for_a_jwt_gets_one_signed_for_it_alone(provider, browser):
    asking = provider.agency("asking", introspection_signed_response_alg="ES256")
    token = asking.sign_in(browser)["access_token"]
    answer = introspect(asking, token, accept=MEDIA_TYPE)
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert header_of(answer.text)["typ"] == "token-introspection+jwt"
    claims = verified(provider, answer.text, "ES256")
    assert (claims["iss"], claims["aud"]) == (ISSUER, asking.client_id)
    assert claims["iat"] == asking.now
    assert claims["token_introspection"]["active"] is True
    assert claims["token_introspection"]["sub"] == claims_of(token)["sub"]


@requirement("RFC 9701", "5", "SHOULD NOT")
def test_the_jwt_never_passes_for_an_access_token(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    claims = claims_of(introspect(agency, token, accept=MEDIA_TYPE).text)
    assert set(claims) == {"iss", "aud", "iat", "token_introspection"}


@requirement("RFC 9701", "5", "MUST")
def test_an_inactive_token_is_told_so_in_a_jwt_too(agency):
    claims = claims_of(introspect(agency, "unknown", accept=MEDIA_TYPE).text)
    assert claims["token_introspection"] == INACTIVE


@requirement("FAPI 2.0 MS", "5.5.1", "MUST")
def test_a_client_that_registered_a_signature_never_gets_plain_json(provider, browser):
    asking = provider.agency("asking", introspection_signed_response_alg="PS256")
    answer = introspect(asking, asking.sign_in(browser)["access_token"], accept="application/json")
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    assert verified(provider, answer.text, "PS256")["token_introspection"]["active"] is True


@requirement("RFC 9701", "5", "MUST")
@requirement("RFC 9701", "6", "MUST")
def test_a_client_that_registered_encryption_never_gets_it_in_the_clear(provider, browser):
    key = ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}, private=True)
    signing = ECKey.generate_key("P-256", {"kid": "sig", "use": "sig"}, private=True)
    asking = provider.agency(
        "secret",
        jwks={"keys": [each.as_dict(private=False) for each in (signing, key)]},
        introspection_encrypted_response_alg="ECDH-ES",
        introspection_encrypted_response_enc="A256GCM",
    )
    asking.key = signing
    answer = introspect(asking, asking.sign_in(browser)["access_token"])
    assert answer.headers["Content-Type"] == MEDIA_TYPE
    opened = decrypt_compact(answer.text, key, algorithms=["ECDH-ES", "A256GCM"])
    assert verified(provider, opened.plaintext.decode(), "RS256")["token_introspection"]["active"] is True


@requirement("RFC 9701", "5", "MUST")
def test_errors_stay_json(agency):
    answer = introspect(agency, "", accept=MEDIA_TYPE)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@requirement("RFC 8414", "2", "MAY")
def test_discovery_names_the_endpoint_and_who_may_call_it(provider):
    metadata = provider.browser().get("/.well-known/oauth-authorization-server").json
    assert metadata["introspection_endpoint"] == f"{ISSUER}/introspect"
    assert "none" not in metadata["introspection_endpoint_auth_methods_supported"]
    assert "ES256" in metadata["introspection_signing_alg_values_supported"]
