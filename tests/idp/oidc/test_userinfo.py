"""OpenID Connect Core section 5.3 and RFC 6750: what is released, to whom, and how a token is refused."""

from __future__ import annotations

import json
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from idp.models.grant import load_grants, revoke_grant
from tests.idp.provider import claims_of
from tests.protocol.requirement import requirement


def challenge(answer):
    return answer.headers["WWW-Authenticate"]


@requirement("OIDC Core", "5.3.2", "MUST")
@requirement("OIDC Core", "5.4", "MAY")
@requirement("OIDC Core", "5.2", "MUST")
def test_it_releases_what_was_asked_registered_and_allowed(agency, browser):
    token = agency.sign_in(browser, scope="openid profile email")["access_token"]
    released = agency.userinfo(token)
    assert released.headers["Content-Type"] == "application/json"
    assert released.headers["Cache-Control"] == "no-store"
    assert released.json == {
        "sub": released.json["sub"],
        "name": "Mr. Somchai Sommutwong",
        "name#th": "นายสมชาย สมมติวงศ์",
        "given_name": "Somchai",
        "given_name#th": "สมชาย",
        "family_name": "Sommutwong",
        "family_name#th": "สมมติวงศ์",
        "birthdate": "1990-04-13",
        "email": "somchai@example.test",
        "email_verified": True,
    }


@requirement("OIDC Core", "5.3.2", "SHOULD")
def test_what_is_not_known_is_left_out(agency, browser):
    """Section 5.3.2: never null, never empty."""
    token = agency.sign_in(browser, "malee", scope="openid phone")["access_token"]
    assert set(agency.userinfo(token).json) == {"sub"}


@requirement("OIDC Core", "5.3.2", "MUST")
def test_openid_alone_releases_the_subject_alone(agency, browser):
    token = agency.sign_in(browser, scope="openid")["access_token"]
    assert set(agency.userinfo(token).json) == {"sub"}


def test_an_unregistered_claim_is_not_released(provider, browser):
    only_name = [{"claim": "name", "purpose": "x", "legal_basis": "consent"}]
    agency = provider.agency("frugal", prajak_claims=only_name)
    token = agency.sign_in(browser, scope="openid profile email")["access_token"]
    assert set(agency.userinfo(token).json) == {"sub", "name", "name#th"}


def test_the_citizen_number_is_for_those_who_registered_it(provider, browser):
    wanted = json.dumps({"userinfo": {"prajak_citizen_number": {"essential": True}}})
    for registered in (None, []):
        agency = provider.agency("curious", prajak_claims=registered)
        token = agency.sign_in(provider.browser(), scope="openid", claims=wanted)["access_token"]
        assert set(agency.userinfo(token).json) == {"sub"}
    entry = {"claim": "prajak_citizen_number", "purpose": "x", "legal_basis": "legal_obligation"}
    agency = provider.agency("lawful", prajak_claims=[entry])
    token = agency.sign_in(browser, scope="openid", claims=wanted)["access_token"]
    assert agency.userinfo(token).json["prajak_citizen_number"] == "1990000000019"


@requirement("OIDC Core", "5.5", "MAY")
@requirement("OIDC Core", "5.5.1", "MAY")
@requirement("OIDC Core", "5.5", "MUST")
def test_the_claims_parameter_asks_by_name_and_place(agency, browser):
    """Section 5.5."""
    wanted = {
        "id_token": {"birthdate": None, "auth_time": {"essential": True}},
        "userinfo": {"given_name#th": None, "unknown": None},
    }
    tokens = agency.sign_in(browser, scope="openid", claims=json.dumps(wanted))
    assert claims_of(tokens["id_token"])["birthdate"] == "1990-04-13"
    assert set(agency.userinfo(tokens["access_token"]).json) == {"sub", "given_name#th"}


@requirement("OIDC Core", "5.5", "MUST NOT")
def test_a_released_claim_never_stands_for_a_protocol_claim(agency, browser):
    wanted = {"id_token": {"sub": None, "iss": {"value": "x"}, "aud": None, "acr": None, "exp": None}}
    claims = claims_of(agency.sign_in(browser, scope="openid", claims=json.dumps(wanted))["id_token"])
    assert claims["aud"] == agency.client_id
    assert claims["iss"] == "http://localhost:8080"


@requirement("OIDC Core", "5.3", "MUST")
@requirement("RFC 6750", "2.1", "MUST")
@requirement("RFC 6750", "2.2", "MAY")
@requirement("RFC 6750", "2", "MUST NOT")
def test_post_works_with_the_token_in_header_or_body(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    assert browser.post("/userinfo", headers=header).status_code == 200
    assert browser.post("/userinfo", data={"access_token": token}).status_code == 200
    assert browser.post("/userinfo", data={"access_token": token}, headers=header).json["error"] == "invalid_request"


@requirement("RFC 6750", "2.3", "SHOULD NOT")
@requirement("RFC 9700", "4.3.2", "MUST NOT")
def test_a_token_in_the_url_is_refused(agency, browser):
    """RFC 6750 section 2.3 and RFC 9700 section 4.3.2."""
    answer = browser.get(f"/userinfo?access_token={agency.sign_in(browser)['access_token']}")
    assert answer.status_code == 400
    assert "URL" in answer.json["error_description"]


@requirement("RFC 6750", "3", "MUST")
@requirement("RFC 6750", "3.1", "SHOULD NOT")
def test_no_token_gets_a_challenge_without_an_error(refusing):
    """RFC 6750 section 3.1."""
    answer = refusing.provider.browser().get("/userinfo")
    assert answer.status_code == 401
    assert answer.json == {}
    assert challenge(answer) == 'Bearer, DPoP algs="ES256 PS256 EdDSA Ed25519"'


@pytest.mark.parametrize(
    "authorization",
    ["Bearer", "Bearer ", "Bearer x y", "Bearer \xe0", "bearer x", "Bearer " + "x" * 20000, "Bearer a.b.c"],
)
@requirement("RFC 6750", "3.1", "SHOULD")
@requirement("RFC 6750", "3", "MUST")
@requirement("OIDC Core", "5.3.3", "MUST")
def test_what_is_no_token_of_ours_is_invalid(refusing, authorization):
    answer = refusing.provider.browser().get("/userinfo", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert 'Bearer error="invalid_token"' in challenge(answer)


@pytest.mark.parametrize("authorization", ["Basic eDp5", "Digest x", "x", ""])
@requirement("RFC 6750", "3", "MUST")
def test_other_schemes_get_the_bare_challenge(refusing, authorization):
    answer = refusing.provider.browser().get("/userinfo", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert "error" not in challenge(answer)


@requirement("RFC 6750", "3.1", "SHOULD")
@requirement("RFC 6750", "5.3", "SHOULD")
def test_a_token_expires(agency, browser, clock):
    token = agency.sign_in(browser)["access_token"]
    clock.advance(timedelta(seconds=300))
    assert agency.userinfo(token).json["error"] == "invalid_token"


@requirement("RFC 9068", "4", "MUST")
def test_an_id_token_is_no_access_token(agency, browser):
    assert agency.userinfo(agency.sign_in(browser)["id_token"]).json["error"] == "invalid_token"


@requirement("RFC 6750", "3.1", "SHOULD")
@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_a_token_without_openid_is_not_enough(agency, browser):
    tokens = agency.redeem(agency.code(browser, scope="profile")).json
    assert "id_token" not in tokens
    answer = agency.userinfo(tokens["access_token"])
    assert answer.status_code == 403
    assert answer.json["error"] == "insufficient_scope"
    assert 'scope="openid"' in challenge(answer)


@pytest.mark.both_backends
@requirement("OIDC Core", "5.3.3", "MUST")
def test_a_withdrawn_consent_is_in_force_at_once(provider, agency, browser, clock):
    token = agency.sign_in(browser)["access_token"]
    account_id = provider.ids["somchai"]
    with provider.ground.database.write() as connection:
        (grant,) = load_grants(connection, account_id)
        assert not revoke_grant(connection, grant.id, account_id=provider.ids["malee"], now=clock.now())
        assert revoke_grant(connection, grant.id, account_id=account_id, now=clock.now())
        assert not revoke_grant(connection, grant.id, account_id=account_id, now=clock.now())
    assert agency.userinfo(token).status_code == 401


def test_a_suspended_account_releases_nothing(provider, agency, browser):
    token = agency.sign_in(browser)["access_token"]
    provider.suspend("somchai")
    assert agency.userinfo(token).status_code == 401


def test_a_removed_client_reads_nothing(provider, agency, browser, clock):
    token = agency.sign_in(browser)["access_token"]
    provider.registration.remove(agency.client_id, by="test")
    clock.advance(timedelta(seconds=4))
    assert agency.userinfo(token).status_code == 401


@requirement("FAPI-CIBA", "5.2.2", "MUST")
@pytest.mark.parametrize("token", [None, "not one of ours"])
def test_every_answer_bears_the_name_that_the_client_gave_its_call(provider, agency, browser, token):
    """FAPI 1.0 Baseline section 6.2.1, items 11 and 12."""
    token = token or agency.sign_in(browser)["access_token"]
    headers = {"Authorization": f"Bearer {token}", "x-fapi-interaction-id": str(uuid4())}
    answer = provider.browser().get("/userinfo", headers=headers)
    assert answer.headers["x-fapi-interaction-id"] == headers["x-fapi-interaction-id"]


@pytest.mark.parametrize("given", ["", "1234", "not-a-uuid", f"{UUID(int=1)}0", f"{{{UUID(int=1)}}}"])
def test_a_call_without_a_good_name_gets_a_new_one(agency, provider, given):
    answer = provider.browser().get("/userinfo", headers={"x-fapi-interaction-id": given})
    assert UUID(answer.headers["x-fapi-interaction-id"]).version == 4
