"""OpenID Connect Core, Discovery and the response modes: rules that no other file of tests is about."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from keys.purposes import Purpose
from tests.idp.provider import ISSUER, claims_of, header_of, query_of
from tests.protocol.requirement import requirement

DISCOVERY = "/.well-known/openid-configuration"


@requirement("OIDC Core", "2", "MUST")
@requirement("OIDC Discovery", "4.3", "MUST")
@requirement("OIDC Discovery", "3", "MUST")
def test_the_issuer_is_the_same_in_the_address_the_metadata_and_the_id_token(agency, browser):
    metadata = browser.get(DISCOVERY).json
    assert metadata["issuer"] == ISSUER
    assert claims_of(agency.sign_in(browser)["id_token"])["iss"] == ISSUER


@requirement("OIDC Core", "2", "MUST")
@pytest.mark.parametrize("nonce", ["n", "n" * 512, "a b+c&d=e%20", "สวัสดี", "{}"])
def test_the_nonce_comes_back_as_it_was_sent(agency, browser, nonce):
    assert claims_of(agency.sign_in(browser, nonce=nonce)["id_token"])["nonce"] == nonce


@requirement("OIDC Core", "2", "MUST")
@requirement("OIDC Core", "2", "MUST NOT")
def test_the_claims_of_an_id_token_have_their_types(agency, browser):
    claims = claims_of(agency.sign_in(browser, max_age=1000)["id_token"])
    assert all(type(claims[name]) is int for name in ("exp", "iat", "auth_time"))
    assert claims["exp"] > claims["iat"] >= claims["auth_time"]
    assert len(claims["sub"]) <= 255
    assert claims["sub"].isascii()
    assert claims["aud"] == agency.client_id
    assert isinstance(claims["acr"], str)
    assert all(isinstance(each, str) for each in claims["amr"])


@requirement("OIDC Core", "2", "MUST")
@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_auth_time_is_told_to_who_asked_with_max_age_or_registered_it(provider, browser):
    agency = provider.agency(require_auth_time=True)
    assert claims_of(agency.sign_in(browser)["id_token"])["auth_time"]
    plain = provider.agency("agency-b")
    assert claims_of(plain.sign_in(browser, max_age=1000)["id_token"])["auth_time"]
    wanted = json.dumps({"id_token": {"auth_time": {"essential": True}}})
    assert claims_of(plain.sign_in(browser, claims=wanted)["id_token"])["auth_time"]


@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_max_age_zero_signs_in_again(agency, browser, clock):
    first = claims_of(agency.sign_in(browser)["id_token"])["auth_time"]
    clock.advance(timedelta(seconds=5))
    assert claims_of(agency.sign_in(browser, max_age=0)["id_token"])["auth_time"] == first + 5


@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_the_registered_max_age_holds_where_the_request_names_none(provider, browser, clock):
    agency = provider.agency(default_max_age=60)
    agency.sign_in(browser)
    clock.advance(timedelta(seconds=61))
    assert query_of(agency.authorize(browser, prompt="none"))["error"] == "login_required"
    assert "code" in query_of(agency.authorize(browser, prompt="none", max_age=1000))


@requirement("OIDC Core", "3.1.2.3", "MUST NOT")
@requirement("OIDC Core", "3.1.2.1", "MUST NOT")
@requirement("OIDC Core", "3.1.2.6", "MUST")
def test_prompt_none_shows_nobody_a_page(provider, agency, browser, clock):
    def error(**changed):
        return query_of(agency.authorize(browser, prompt="none", **changed))["error"]

    assert error() == "login_required"
    provider.agency("agency-b").sign_in(browser)
    assert error() == "consent_required"
    agency.sign_in(browser)
    clock.advance(timedelta(seconds=1))
    assert error(max_age=0) == "login_required"
    assert error(scope="openid profile email") == "consent_required"
    assert "code" in query_of(agency.authorize(browser, prompt="none"))


@requirement("OIDC Core", "3.1.2.1", "MUST")
@pytest.mark.parametrize("prompt", ["none login", "none consent", "none select_account", "login none consent"])
def test_prompt_none_stands_alone(refusing, prompt):
    answer = query_of(refusing.authorize(refusing.provider.browser(), prompt=prompt))
    assert answer["error"] == "invalid_request"


@requirement("OIDC Core", "3.1.2.1", "SHOULD NOT")
@requirement("OIDC Core", "5.2", "SHOULD NOT")
@pytest.mark.parametrize("name", ["ui_locales", "claims_locales"])
def test_a_language_that_nobody_speaks_here_is_no_error(agency, browser, name):
    answer = agency.walk(browser, agency.authorize(browser, **{name: "fr-CA tlh"}))
    assert "code" in query_of(answer)


@requirement("OIDC Core", "3.1.2.1", "MAY")
@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap"])
def test_every_registered_display_is_taken(agency, browser, display):
    assert agency.authorize(browser, display=display).status_code == 303


@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_without_openid_it_is_no_authentication_request(agency, browser):
    tokens = agency.redeem(agency.code(browser, scope="profile")).json
    assert "id_token" not in tokens


@requirement("OIDC Core", "3.1.2.4", "MUST")
def test_nothing_is_released_before_the_person_agreed(agency, browser):
    begun = agency.step(browser, agency.authorize(browser).location, "somchai")
    page = browser.get(browser.get(begun.location).location)
    assert "consent-allow" in page.text
    assert "consent-deny" in page.text


@requirement("OIDC Core", "5.3.2", "MUST")
@requirement("OIDC Core", "5.3.1", "MUST")
def test_userinfo_speaks_of_the_person_of_the_id_token(agency, browser):
    tokens = agency.sign_in(browser)
    answer = agency.userinfo(tokens["access_token"])
    assert answer.json["sub"] == claims_of(tokens["id_token"])["sub"]
    assert answer.headers["Content-Type"] == "application/json"


@requirement("OIDC Core", "5.1", "MUST")
def test_standard_claims_have_their_types(agency, browser):
    token = agency.sign_in(browser, scope="openid profile email")["access_token"]
    released = agency.userinfo(token).json
    assert released["email_verified"] is True
    assert all(isinstance(released[name], str) for name in ("name", "given_name", "family_name", "email", "birthdate"))
    assert len(released["birthdate"]) == len("1990-04-13")


@requirement("OIDC Core", "5.3.2", "SHOULD")
def test_a_claim_without_a_value_is_left_out_and_never_null(agency, browser):
    token = agency.sign_in(browser, "malee", scope="openid profile email")["access_token"]
    assert all(value not in (None, "") for value in agency.userinfo(token).json.values())


@requirement("OIDC Core", "5.5", "MUST")
def test_claims_that_are_not_understood_are_ignored(agency, browser):
    wanted = {"userinfo": {"shoe_size": {"essential": True}, "name": {"prajak": 1}}, "elsewhere": {"x": None}}
    tokens = agency.sign_in(browser, scope="openid", claims=json.dumps(wanted))
    released = agency.userinfo(tokens["access_token"]).json
    assert released["name"]
    assert "shoe_size" not in released


@requirement("OIDC Core", "5.5.1", "MUST NOT")
def test_an_essential_claim_that_is_not_known_is_no_error(agency, browser):
    wanted = json.dumps({"id_token": {"phone_number": {"essential": True}}})
    claims = claims_of(agency.sign_in(browser, "malee", scope="openid", claims=wanted)["id_token"])
    assert "phone_number" not in claims


@requirement("OIDC Core", "8.1", "MUST NOT")
def test_a_pairwise_subject_is_not_made_of_anything_that_is_known(provider, browser):
    """It is random and stored: nobody can compute or reverse it."""
    sub = claims_of(provider.agency().sign_in(browser)["id_token"])["sub"]
    assert provider.ids["somchai"] not in sub
    assert sub not in provider.ids.values()


@requirement("OIDC Core", "10.1.1", "MUST")
@requirement("OIDC Core", "10.1", "MUST")
def test_after_a_rotation_what_was_signed_before_can_still_be_verified(provider, agency, browser, clock):
    before = agency.sign_in(browser)["id_token"]
    provider.keystore.rotate(Purpose.ID_TOKEN, at_once=True)
    clock.advance(timedelta(seconds=6))
    after = agency.sign_in(browser)["id_token"]
    assert header_of(before)["kid"] != header_of(after)["kid"]
    published = {key["kid"] for key in browser.get("/jwks").json["keys"]}
    assert {header_of(before)["kid"], header_of(after)["kid"]} <= published


@requirement("OIDC Discovery", "4.2", "MUST")
@requirement("RFC 8414", "3.2", "MUST")
@pytest.mark.parametrize("address", [DISCOVERY, "/.well-known/oauth-authorization-server"])
def test_metadata_is_json_and_names_no_empty_list(refusing, address):
    answer = refusing.provider.browser().get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert all(value != [] for value in answer.json.values())


@requirement("OIDC Discovery", "3", "MUST")
@requirement("RFC 8414", "2", "MUST")
def test_metadata_says_what_a_client_would_otherwise_assume(refusing):
    """Defaults that are not ours: request_uri is true by default, the response modes are query and fragment."""
    metadata = refusing.provider.browser().get(DISCOVERY).json
    named = ("request_uri_parameter_supported", "response_modes_supported", "grant_types_supported")
    assert all(name in metadata for name in named)
    assert metadata["claims_parameter_supported"] is True
    assert "none" not in metadata["token_endpoint_auth_signing_alg_values_supported"]


@requirement("OAuth Multiple Response Types", "2.1", "MUST")
def test_the_code_comes_in_the_query_unless_something_else_is_asked_for(agency, browser):
    answer = agency.walk(browser, agency.authorize(browser))
    assert "code=" in answer.location.partition("?")[2]
    assert "#" not in answer.location


@requirement("OAuth Multiple Response Types", "2.1", "MUST")
def test_a_response_mode_that_is_not_known_is_an_error(refusing):
    answer = query_of(refusing.authorize(refusing.provider.browser(), response_mode="hologram"))
    assert answer["error"] == "invalid_request"


@requirement("OAuth Form Post", "2", "MUST")
@requirement("OAuth Form Post", "4", "MUST")
def test_a_form_post_carries_everything_in_its_body_and_nothing_in_its_address(agency, browser):
    page = agency.walk(browser, agency.authorize(browser, response_mode="form_post"))
    assert page.status_code == 200
    assert page.headers["Content-Type"].startswith("text/html")
    assert 'method="post"' in page.text.lower()
    assert f'action="{agency.redirect_uri}"' in page.text
    for name in ("code", "state", "iss"):
        assert page.text.count(f'name="{name}"') == 1
    assert page.headers["Cache-Control"] == "no-store"
    assert "<button" in page.text, "without JavaScript a person sends it"
