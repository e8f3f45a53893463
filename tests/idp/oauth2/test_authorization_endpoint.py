"""RFC 6749 sections 3.1 and 4.1, RFC 9207 and RFC 9700: what holds of every authorization request and its answer."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.idp.provider import ISSUER, query_of
from tests.protocol.requirement import requirement

DESCRIPTION = re.compile(r"[\x20-\x21\x23-\x5B\x5D-\x7E]*")  # RFC 6749 section 4.1.2.1


@requirement("RFC 6749", "3.1", "MUST")
@requirement("OIDC Core", "3.1.2.1", "MUST")
def test_a_parameter_that_is_not_known_is_ignored(agency, browser):
    answer = agency.walk(browser, agency.authorize(browser, unknown="x", resource_owner="y"))
    assert set(query_of(answer)) == {"code", "iss", "state"}


@requirement("RFC 6749", "3.1", "MUST")
def test_a_parameter_without_a_value_is_left_out(agency, browser):
    answer = query_of(agency.walk(browser, agency.authorize(browser, state="", prompt="", max_age="", nonce="")))
    assert set(answer) == {"code", "iss"}


@requirement("RFC 6749", "3.1", "MUST NOT")
@pytest.mark.parametrize("name", ["state", "scope", "client_id", "redirect_uri", "nonce"])
def test_no_parameter_is_there_twice(refusing, name):
    query = "&".join([f"client_id={refusing.client_id}", f"redirect_uri={refusing.redirect_uri}", f"{name}=x"] * 2)
    assert refusing.provider.browser().get(f"/authorize?{query}").status_code == 400


@requirement("RFC 6749", "3.1", "MUST NOT")
@requirement("RFC 6749", "3.2", "MUST NOT")
@requirement("RFC 6749", "3.1", "MUST")
def test_no_endpoint_has_a_fragment_and_the_authorization_endpoint_is_read_by_get(refusing):
    metadata = refusing.provider.browser().get("/.well-known/openid-configuration").json
    endpoints = [value for name, value in metadata.items() if name.endswith("_endpoint")]
    assert all("#" not in each for each in endpoints)
    assert refusing.authorize(refusing.provider.browser()).status_code == 303


@requirement("RFC 6749", "3.1.2", "MUST NOT")
@requirement("RFC 6749", "3.1.2", "MUST")
@pytest.mark.parametrize("uri", ["https://agency-a.example/callback#part", "/callback", "agency-a.example/callback"])
def test_a_redirect_uri_is_absolute_and_has_no_fragment(refusing, uri):
    assert refusing.authorize(refusing.provider.browser(), redirect_uri=uri).status_code == 400


@requirement("RFC 6749", "3.1.2.3", "MUST")
def test_of_several_redirect_uris_the_request_names_one(provider, browser):
    uris = ["https://agency-a.example/one", "https://agency-a.example/two"]
    agency = provider.agency(redirect_uris=uris)
    assert agency.authorize(browser, redirect_uri=None).status_code == 400
    for uri in uris:
        assert agency.authorize(browser, redirect_uri=uri, prompt="none").location.startswith(f"{uri}?error=")


@requirement("RFC 6749", "3.1.2.4", "SHOULD")
def test_who_came_with_a_wrong_address_is_told(refusing):
    page = refusing.authorize(refusing.provider.browser(), redirect_uri="https://evil.example/")
    assert page.status_code == 400
    assert 'href="https://evil.example' not in page.text
    assert 'id="error-code">invalid_request' in page.text


@requirement("RFC 6749", "3.3", "MUST")
def test_a_request_without_scope_fails_and_says_so(refusing):
    answer = query_of(refusing.authorize(refusing.provider.browser(), scope=None))
    assert answer["error"] == "invalid_scope"


@requirement("RFC 6749", "4.1.2", "MUST")
@pytest.mark.parametrize("state", ["x", "สวัสดี", "a b+c&d=e#f%20", "x" * 512, '"><script>'])
def test_the_state_comes_back_as_it_was_sent(agency, browser, state):
    assert query_of(agency.walk(browser, agency.authorize(browser, state=state)))["state"] == state
    assert query_of(agency.authorize(browser, state=state, prompt="none", max_age=0))["state"] == state


@requirement("RFC 6749", "4.1.2", "MUST")
def test_without_a_state_none_comes_back(agency, browser):
    assert "state" not in query_of(agency.walk(browser, agency.authorize(browser, state=None)))


@requirement("RFC 6749", "4.1.2.1", "MUST NOT")
@pytest.mark.parametrize("changed", [{"scope": 'openid "\\ก'}, {"prompt": "\u2028"}, {"max_age": "\"\\'"}])
def test_an_error_description_has_no_other_characters_whatever_was_sent(refusing, changed):
    answer = query_of(refusing.authorize(refusing.provider.browser(), **changed))
    assert DESCRIPTION.fullmatch(answer["error_description"])


@requirement("RFC 6749", "10.10", "MUST")
def test_a_code_cannot_be_guessed(agency, browser):
    first, second = (agency.code(browser) for _ in range(2))
    shared = sum(a == b for a, b in zip(first, second, strict=False))
    assert len(first) - shared > 128 / 6, "at least 128 bits differ"


@requirement("RFC 6749", "10.13", "SHOULD")
@requirement("RFC 9700", "4.16", "MUST")
@requirement("OIDC Core", "3.1.2.3", "MUST")
def test_no_page_of_the_endpoint_can_be_framed(agency, browser):
    page = browser.get(agency.authorize(browser).location)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]


@requirement("RFC 6749", "10.12", "MUST")
@requirement("OIDC Core", "3.1.2.3", "MUST")
def test_another_site_cannot_decide_for_the_person(agency, browser):
    begun = agency.step(browser, agency.authorize(browser).location, "somchai")
    consent = browser.get(begun.location).location
    form = {"step": "consent", "decision": "allow"}
    assert browser.post(consent, data=form).status_code in (400, 403)
    assert browser.post(consent, data=form | {"csrf_token": "x"}).status_code in (400, 403)


@requirement("RFC 9700", "2.1.2", "SHOULD NOT")
@pytest.mark.parametrize("response_type", ["token", "id_token", "id_token token", "code token", "code id_token token"])
def test_no_token_travels_by_the_front_channel(refusing, response_type):
    answer = query_of(refusing.authorize(refusing.provider.browser(), response_type=response_type))
    assert answer["error"] == "unsupported_response_type"
    metadata = refusing.provider.browser().get("/.well-known/openid-configuration").json
    assert metadata["response_types_supported"] == ["code"]


@requirement("RFC 9700", "2.6", "MUST NOT")
@requirement("RFC 9700", "4.12", "MUST NOT")
@requirement("RFC 9700", "4.12", "SHOULD")
def test_the_endpoint_redirects_by_303_and_is_not_for_scripts_of_other_sites(agency, browser):
    origin = {"Origin": "https://agency-a.example"}
    begun = browser.get(f"/authorize?client_id={agency.client_id}", headers=origin)
    assert "Access-Control-Allow-Origin" not in begun.headers
    answer = agency.walk(browser, agency.authorize(browser))
    assert answer.status_code == 303


@requirement("RFC 9700", "4.2.4", "SHOULD")
def test_its_pages_tell_no_other_site_where_they_came_from(agency, browser):
    begun = agency.authorize(browser)
    for page in (begun, browser.get(begun.location)):
        assert page.headers["Referrer-Policy"] in ("no-referrer", "same-origin")


@requirement("RFC 9700", "4.4.2", "MUST")
@requirement("RFC 9207", "2.3", "MUST")
def test_the_iss_of_the_answer_is_the_issuer_of_the_metadata_to_the_letter(agency, browser):
    metadata = browser.get("/.well-known/openid-configuration").json
    assert metadata["authorization_response_iss_parameter_supported"] is True
    granted = query_of(agency.walk(browser, agency.authorize(browser)))
    refused = query_of(agency.authorize(browser, prompt="none", max_age=0))
    assert granted["iss"] == refused["iss"] == metadata["issuer"] == ISSUER


@requirement("RFC 9207", "2", "MUST")
def test_the_answer_has_one_iss_even_beside_one_of_the_clients_own(provider, browser):
    agency = provider.agency(redirect_uris=["https://agency-a.example/callback?iss=mine"])
    answer = agency.authorize(browser, prompt="none")
    assert parse_qsl(urlsplit(answer.location).query).count(("iss", ISSUER)) == 1


class TestChangedRegistration:
    """A request lives for half an hour, and what its client was registered for may end meanwhile."""

    @pytest.fixture
    def change(self, agency):
        def changed(**metadata):
            registration, given = agency.provider.registration, dict(agency.registered) | metadata
            with agency.provider.ground.database.write() as connection:
                assert registration.change(connection, agency.client_id, registration.prepare(given), by="test")
            agency.provider.server.clients.forget(agency.client_id)

        return changed

    @requirement("RFC 9700", "2.1", "MUST")
    @pytest.mark.parametrize("pushed", [True, False])
    def test_an_address_that_was_taken_away_gets_no_answer(self, agency, browser, change, pushed):
        url = agency.pushed_url()
        begun = agency.authorize(browser)
        change(redirect_uris=["https://agency-a.example/another"])
        answer = browser.get(url) if pushed else agency.walk(browser, begun)
        assert answer.status_code == 400
        assert agency.redirect_uri not in answer.text

    def test_a_scope_that_was_taken_away_is_not_given(self, agency, browser, change):
        begun = agency.authorize(browser)
        change(scope="openid")
        assert query_of(agency.walk(browser, begun))["error"] == "invalid_scope"
