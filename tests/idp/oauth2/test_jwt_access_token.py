"""RFC 9068: what an access token says, and that nothing else passes for one."""

from __future__ import annotations

import pytest

from idp.oauth2.jwt_access_token import read_own_claims
from tests.idp.oauth2.protected_resource import CONTACTS, ask_token, register_api
from tests.idp.provider import ISSUER, claims_of, header_of
from tests.protocol.requirement import requirement


@pytest.fixture
def token(agency, browser) -> str:
    return str(agency.sign_in(browser)["access_token"])


@requirement("RFC 9068", "2.1", "MUST")
@requirement("RFC 9068", "2.1", "MUST NOT")
def test_it_is_signed_by_a_published_key_and_says_its_type(agency, token):
    header = header_of(token)
    assert (header["typ"], header["alg"]) == ("at+jwt", "ES256")
    assert agency.verified(token) == read_own_claims(token)


@requirement("RFC 9068", "2.2", "MUST")
def test_every_required_claim_is_there(agency, token):
    claims = claims_of(token)
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= set(claims)
    assert (claims["iss"], claims["client_id"]) == (ISSUER, agency.client_id)
    assert claims["exp"] - claims["iat"] == 300
    assert claims["iat"] == agency.now


@requirement("RFC 9068", "2.2", "MUST")
def test_no_two_have_the_same_jti(agency, browser):
    found = {claims_of(agency.sign_in(browser)["access_token"])["jti"] for _ in range(3)}
    assert len(found) == 3


@requirement("RFC 9068", "2.2.1", "MAY")
def test_it_says_how_the_person_authenticated(agency, browser):
    tokens = agency.sign_in(browser)
    ours, theirs = claims_of(tokens["access_token"]), claims_of(tokens["id_token"])
    assert {name: ours[name] for name in ("auth_time", "acr", "amr")} == {
        name: theirs[name] for name in ("auth_time", "acr", "amr")
    }


@requirement("RFC 9068", "2.2.3", "SHOULD")
def test_it_has_the_scope_that_was_asked_for(agency, browser):
    assert claims_of(agency.sign_in(browser, scope="openid email")["access_token"])["scope"] == "openid email"


@requirement("RFC 9068", "6", "SHOULD")
def test_it_has_no_personal_data(token):
    known = {"iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "auth_time", "acr", "amr"}
    assert set(claims_of(token)) == known


@requirement("RFC 9068", "5", "SHOULD")
def test_a_client_is_never_taken_for_a_person(provider, agency, browser):
    """Section 5: the `sub` of a client that acts for itself is none that a person could have."""
    machine = provider.agency("machine", grant_types=["client_credentials"])
    claims = claims_of(ask_token(machine, grant_type="client_credentials").json["access_token"])
    assert claims["sub"] == claims["client_id"] == machine.client_id
    assert claims_of(agency.sign_in(browser)["access_token"])["sub"] != agency.client_id


@requirement("RFC 9068", "4", "MUST")
def test_an_id_token_is_no_access_token(agency, browser):
    answer = agency.userinfo(agency.sign_in(browser)["id_token"])
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@requirement("RFC 9068", "4", "MUST")
def test_a_token_for_another_audience_is_refused(provider, agency, browser):
    register_api(provider)
    token = agency.redeem(agency.code(browser, resource=CONTACTS)).json["access_token"]
    assert agency.userinfo(token).status_code == 401


@requirement("RFC 9068", "4", "MUST")
def test_a_changed_token_is_refused(agency, token):
    header, payload, signature = token.split(".")
    for changed in (f"{header}.{payload}x.{signature}", f"{header}.{payload}.", f"{token}x", token[:-1]):
        assert agency.userinfo(changed).status_code == 401
