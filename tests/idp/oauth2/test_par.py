"""RFC 9126: pushed requests, their refusals as JSON, their binding, and their single use."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.idp.provider import query_of
from tests.protocol.requirement import requirement


def visit(agency, browser, request_uri, **more):
    return browser.get("/authorize?" + urlencode({"client_id": agency.client_id, "request_uri": request_uri} | more))


@requirement("RFC 9126", "2.2", "MUST")
def test_a_pushed_request_gets_a_reference(agency):
    """Section 2.2."""
    answer = agency.push()
    assert answer.status_code == 201
    assert answer.json["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert answer.json["expires_in"] == 90
    assert answer.headers["Cache-Control"] == "no-store"


@requirement("RFC 9126", "4", "MUST")
def test_it_is_walked_like_any_other(agency, browser):
    answer = query_of(agency.walk(browser, browser.get(agency.pushed_url())))
    assert answer["state"] == "st"
    assert agency.redeem(answer["code"]).status_code == 200


@pytest.mark.parametrize(
    ("error", "changed"),
    [
        ("invalid_request", {"redirect_uri": "https://agency-a.example/callbacK"}),
        ("invalid_request", {"redirect_uri": None}),
        ("unsupported_response_type", {"response_type": "token"}),
        ("invalid_request", {"response_type": None}),
        ("invalid_scope", {"scope": "openid unknown"}),
        ("invalid_request", {"code_challenge": "short"}),
        ("invalid_request", {"code_challenge_method": "plain"}),
        ("invalid_request", {"request_uri": "urn:ietf:params:oauth:request_uri:x"}),
        ("invalid_request_object", {"request": "a.b.c"}),
        ("registration_not_supported", {"registration": "{}"}),
        ("invalid_request", {"prompt": "none login"}),
        ("invalid_request", {"max_age": "-1"}),
        ("invalid_request", {"claims": "["}),
        ("invalid_authorization_details", {"authorization_details": "[]"}),
    ],
)
@requirement("RFC 9126", "2.3", "MUST")
@requirement("RFC 9126", "2.1", "MUST")
@requirement("RFC 9126", "2.1", "MUST NOT")
def test_refusals_are_json_and_never_redirects(refusing, error, changed):
    """Section 2.3."""
    answer = refusing.push(**changed)
    assert answer.status_code == 400
    assert answer.json["error"] == error
    assert "Location" not in answer.headers


@requirement("RFC 9126", "2", "MUST")
@requirement("RFC 9126", "2.1", "MUST")
def test_the_client_authenticates(agency):
    answer = agency.provider.browser().post("/par", data=agency.request())
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@requirement("RFC 9126", "2.2", "MUST")
def test_another_client_cannot_use_it(provider, agency, browser):
    """Section 2.2: bound to the client that pushed it."""
    request_uri = agency.push().json["request_uri"]
    thief = provider.agency("thief")
    answer = visit(thief, browser, request_uri)
    assert answer.status_code == 400
    assert "invalid_request_uri" in answer.text
    assert visit(agency, browser, request_uri).status_code == 303


@requirement("RFC 9126", "4", "MUST")
@requirement("RFC 9126", "7.3", "SHOULD")
def test_it_expires(agency, browser, clock):
    url = agency.pushed_url()
    clock.advance(timedelta(seconds=90))
    answer = browser.get(url)
    assert answer.status_code == 400
    assert 'id="error-code">invalid_request_uri' in answer.text


def test_a_login_may_take_longer_than_it_lives(agency, browser, clock):
    begun = browser.get(agency.pushed_url())
    clock.advance(timedelta(minutes=20))
    assert "code" in query_of(agency.walk(browser, begun))


@pytest.mark.both_backends
@requirement("RFC 9126", "4", "SHOULD")
@requirement("RFC 9126", "7.3", "SHOULD")
def test_it_is_answered_once(agency, browser):
    url = agency.pushed_url()
    assert "code" in query_of(agency.walk(browser, browser.get(url)))
    again = browser.get(url)
    assert again.status_code == 400
    assert "invalid_request_uri" in again.text


@requirement("RFC 9126", "4", "MAY")
def test_a_reload_before_the_answer_leads_on(agency, browser):
    """Section 4: a reload is no replay."""
    url = agency.pushed_url()
    assert browser.get(url).status_code == 303
    assert "code" in query_of(agency.walk(browser, browser.get(url)))


def test_a_double_click_on_the_last_step_leads_on(agency, browser, clock):
    begun = browser.get(agency.pushed_url())
    interaction = begun.location
    first = query_of(agency.walk(browser, begun))
    resume = interaction.replace("/interaction/", "/authorize/")
    second = query_of(browser.get(resume))
    assert "code" in second
    assert second["code"] != first["code"]
    clock.advance(timedelta(seconds=61))
    assert browser.get(resume).location == interaction


@requirement("RFC 9126", "4", "MUST")
def test_what_stands_beside_the_reference_does_not_count(agency, browser):
    """Section 4."""
    request_uri = agency.push(scope="openid").json["request_uri"]
    answer = visit(
        agency, browser, request_uri, scope="openid email", redirect_uri="https://evil.example/", state="other"
    )
    done = agency.walk(browser, answer)
    assert done.location.startswith(agency.redirect_uri)
    assert query_of(done)["state"] == "st"


@pytest.mark.parametrize("reference", ["", "x", "x" * 5000, "%00", "A" * 22, "ก" * 22])
def test_an_unknown_reference_is_a_page(refusing, reference):
    answer = visit(refusing, refusing.provider.browser(), f"urn:ietf:params:oauth:request_uri:{reference}")
    assert answer.status_code == 400
    assert "invalid_request_uri" in answer.text


def test_a_foreign_reference_is_never_fetched(agency, browser):
    answer = agency.authorize(browser, request_uri="https://agency-a.example/request.jwt")
    assert query_of(answer)["error"] == "invalid_request_uri"


@requirement("RFC 9126", "6", "MUST")
def test_a_client_that_must_push_cannot_do_otherwise(provider, browser):
    """Section 6."""
    agency = provider.agency("pushing", require_pushed_authorization_requests=True)
    assert query_of(agency.authorize(browser))["error"] == "invalid_request"
    assert "code" in query_of(agency.walk(browser, browser.get(agency.pushed_url())))


@requirement("FAPI 2.0 SP", "5.3.2.2", "MUST")
@requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
def test_the_strict_profile_pushes_and_binds(provider, browser):
    """FAPI 2.0 section 5.3.2.2."""
    agency = provider.agency("strict", prajak_profile="fapi2-security")
    assert query_of(agency.authorize(browser))["error"] == "invalid_request"
    code = query_of(agency.walk(browser, browser.get(agency.pushed_url())))["code"]
    assert agency.redeem(code).json["error"] == "invalid_request"
    assert agency.redeem(code, dpop=agency.proof("POST", "/token")).json["token_type"] == "DPoP"


@requirement("RFC 9126", "2.3", "MUST")
@requirement("RFC 9126", "2.1", "MUST")
def test_requests_are_pushed_by_post_as_a_form(agency):
    browser = agency.provider.browser()
    assert browser.get("/par").status_code == 405
    answer = browser.post("/par", json=agency.request() | agency.authentication())
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@requirement("RFC 9126", "7.1", "MUST")
@requirement("RFC 9126", "2.2", "MUST")
def test_a_reference_cannot_be_guessed_and_says_how_long_it_lives(agency):
    first, second = (agency.push().json for _ in range(2))
    random = first["request_uri"].rpartition(":")[2]
    assert len(random) * 6 >= 128
    assert first["request_uri"] != second["request_uri"]
    assert type(first["expires_in"]) is int
    assert 5 <= first["expires_in"] < 600


@requirement("RFC 9126", "2.1", "MUST")
@requirement("RFC 9126", "7.5", "MUST")
def test_nobody_pushes_in_anothers_name(provider, agency):
    other = provider.agency("agency-b")
    form = other.request() | agency.authentication()
    answer = provider.browser().post("/par", data=form)
    assert answer.status_code in (400, 401)
    assert answer.json["error"] in ("invalid_client", "invalid_request")


@requirement("RFC 9126", "2.1", "MUST NOT")
def test_a_reference_is_not_pushed(agency):
    request_uri = agency.push().json["request_uri"]
    assert agency.push(request_uri=request_uri).json["error"] == "invalid_request"
