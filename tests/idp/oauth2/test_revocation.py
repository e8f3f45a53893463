"""RFC 7009: a client gives its tokens back, and they count no more, on any worker, from the next call on."""

from __future__ import annotations

import pytest

from tests.idp.oauth2.protected_resource import ask_token, introspect, revoke
from tests.idp.provider import ISSUER
from tests.protocol.requirement import requirement

OFFLINE = "openid profile offline_access"


@pytest.fixture
def refreshing(provider):
    return provider.agency("refreshing", grant_types=["authorization_code", "refresh_token"], scope=OFFLINE)


@requirement("RFC 7009", "2.1", "MUST")
@requirement("RFC 7009", "2.2", "MUST")
def test_a_revoked_access_token_opens_nothing(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    answer = revoke(agency, token)
    assert (answer.status_code, answer.text, answer.mimetype) == (200, "", "text/plain")
    assert agency.userinfo(token).status_code == 401
    assert introspect(agency, token).json == {"active": False}


def test_an_access_token_goes_alone(refreshing, browser):
    tokens = refreshing.sign_in(browser, scope=OFFLINE)
    revoke(refreshing, tokens["access_token"])
    answer = ask_token(refreshing, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.status_code == 200


@requirement("RFC 7009", "2", "MUST")
@requirement("RFC 7009", "2.1", "SHOULD")
def test_with_a_refresh_token_goes_all_that_came_of_it(refreshing, browser):
    tokens = refreshing.sign_in(browser, scope=OFFLINE)
    assert revoke(refreshing, tokens["refresh_token"]).status_code == 200
    answer = ask_token(refreshing, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert answer.json["error"] == "invalid_grant"
    assert refreshing.userinfo(tokens["access_token"]).status_code == 401


def test_a_rotated_refresh_token_still_gives_its_family_back(refreshing, browser):
    first = refreshing.sign_in(browser, scope=OFFLINE)["refresh_token"]
    second = ask_token(refreshing, grant_type="refresh_token", refresh_token=first).json
    revoke(refreshing, first)
    assert refreshing.userinfo(second["access_token"]).status_code == 401


@requirement("RFC 7009", "2.2", "MUST")
@pytest.mark.parametrize("token", ["unknown", "a.b.c", "ก" * 50, "A" * 9000])
def test_an_unknown_token_is_revoked_already(agency, token):
    assert revoke(agency, token).status_code == 200


def test_twice_is_as_good_as_once(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    assert [revoke(agency, token).status_code for _ in range(2)] == [200, 200]


@requirement("RFC 7009", "2.1", "MUST")
def test_another_client_s_token_is_refused_and_stays(provider, refreshing, browser):
    tokens = refreshing.sign_in(browser, scope=OFFLINE)
    for token in (tokens["access_token"], tokens["refresh_token"]):
        answer = revoke(provider.agency("other"), token)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_grant")
    assert refreshing.userinfo(tokens["access_token"]).status_code == 200


@requirement("RFC 7009", "2.1", "MUST")
def test_a_confidential_client_must_authenticate(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    answer = agency.provider.browser().post("/revoke", data={"token": token, "client_id": agency.client_id})
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@requirement("RFC 7009", "2.1", "MUST")
def test_a_public_client_revokes_by_its_name(provider, browser):
    native = provider.agency(
        "native",
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/callback"],
    )
    token = native.sign_in(browser)["access_token"]
    assert revoke(native, token).status_code == 200
    assert native.userinfo(token).status_code == 401


@requirement("RFC 7009", "2.1", "MUST")
@pytest.mark.parametrize("hint", ["access_token", "refresh_token", "nonsense"])
def test_a_wrong_hint_changes_nothing(agency, browser, hint):
    token = agency.sign_in(browser)["access_token"]
    assert revoke(agency, token, token_type_hint=hint).status_code == 200
    assert agency.userinfo(token).status_code == 401


@requirement("RFC 7009", "2.1", "MUST")
def test_the_token_must_be_there(agency):
    answer = revoke(agency, "")
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@requirement("RFC 7009", "2", "MUST")
def test_discovery_names_the_endpoint(provider):
    assert provider.server.url("revocation_endpoint") == f"{ISSUER}/revoke"
    assert provider.browser().get("/revoke").status_code == 405
