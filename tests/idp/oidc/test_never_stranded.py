"""A request lives in a row: tabs, Back, reload, double submits and late returns lead on, or back to the agency with the
registered error, its `state` and `iss` (OpenID Connect Core sections 3.1.2.3 to 3.1.2.6, RFC 9207).
"""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement

SIGN_IN = {"step": "sandbox", "user": "somchai"}
ALLOW = {"step": "consent", "decision": "allow"}


def begin(agency, browser, **parameters):
    """A request of the agency; the address of its interaction."""
    location = str(agency.authorize(browser, **parameters).location)
    assert location.startswith("/interaction/"), location
    return location


def answer(browser, location):
    """What the agency gets when the person is led on."""
    return query_of(browser.get(location.replace("/interaction/", "/authorize/")))


def prompt(browser, location):
    """Which page is due: by the marks of its forms."""
    text = browser.get(location).text
    marks = {"consent": "consent-allow", "select_account": "account-continue", "login": "sandbox-sign-in"}
    return next((name for name, mark in marks.items() if mark in text), "")


class TestTabs:
    def test_two_tabs_each_get_their_own_answer(self, agency, browser):
        first, second = begin(agency, browser, state="one"), begin(agency, browser, state="two")
        browser.submit(second, SIGN_IN)
        browser.submit(second, ALLOW)
        assert answer(browser, second)["state"] == "two"
        assert browser.submit(first, SIGN_IN).status_code == 303  # its sign-in page was left open
        assert answer(browser, first)["state"] == "one"

    def test_refusing_in_one_tab_is_no_refusal_in_another(self, agency, browser):
        first, second = begin(agency, browser, state="one"), begin(agency, browser, state="two")
        browser.submit(first, SIGN_IN)
        browser.submit(first, {"step": "consent", "decision": "deny"})
        assert answer(browser, first)["error"] == "access_denied"
        assert prompt(browser, second) == "consent"

    def test_signing_out_in_another_tab_asks_for_the_sign_in_again(self, agency, browser, provider):
        location = begin(agency, browser)
        browser.submit(location, SIGN_IN)
        with provider.ground.database.write() as connection:
            provider.sessions.end_all(connection, provider.ids["somchai"], reason="test")
        assert prompt(browser, location) == "login"
        assert browser.submit(location, ALLOW).status_code == 303  # a consent of nobody
        assert prompt(browser, location) == "login"


class TestAgain:
    @pytest.mark.parametrize("step", [[], [SIGN_IN], [SIGN_IN, ALLOW]])
    def test_a_reload_shows_the_same_page(self, agency, browser, step):
        location = begin(agency, browser)
        for form in step:
            browser.submit(location, form)
        shown = [(found.status_code, found.location) for found in (browser.get(location), browser.get(location))]
        assert shown[0] == shown[1]

    def test_a_double_click_on_every_button_leads_to_one_valid_answer(self, agency, browser):
        location = begin(agency, browser)
        for form in (SIGN_IN, ALLOW):
            assert [browser.submit(location, form).status_code for _ in range(2)] == [303, 303]
        codes = [answer(browser, location)["code"] for _ in range(2)]
        assert agency.redeem(codes[1]).status_code == 200  # the browser dropped the first answer

    def test_back_to_a_finished_step_says_so_and_shows_the_way_to_the_agency(self, agency, browser, clock):
        location = begin(agency, browser)
        browser.submit(location, SIGN_IN)
        browser.submit(location, ALLOW)
        answer(browser, location)
        clock.advance(timedelta(minutes=2))
        shown = browser.get(location)
        assert shown.status_code == 410
        assert 'href="https://agency-a.example/"' in shown.text

    def test_the_way_to_an_agency_that_can_be_told_to_begin_is_that(self, provider, browser, clock):
        agency = provider.agency(initiate_login_uri="https://agency-a.example/begin")
        location = begin(agency, browser)
        browser.submit(location, SIGN_IN)
        browser.submit(location, ALLOW)
        answer(browser, location)
        clock.advance(timedelta(minutes=2))
        assert 'href="https://agency-a.example/begin?iss=' in browser.get(location).text


class TestLate:
    def test_a_form_that_was_open_for_too_long_leads_to_its_page(self, agency, browser):
        """The browser dropped our cookie, say: the request still waits in its row."""
        location = begin(agency, browser)
        refused = browser.post(location, data=SIGN_IN)
        assert refused.status_code == 403
        assert f'href="{location}"' in refused.text
        assert prompt(browser, location) == "login"

    @requirement("OIDC Core", "3.1.2.6", "MUST")
    @requirement("RFC 9207", "2", "MUST")
    @pytest.mark.parametrize("step", [[], [SIGN_IN]])
    def test_an_expired_request_goes_back_with_its_state_and_iss(self, agency, browser, clock, step):
        location = begin(agency, browser, state="kept")
        for form in step:
            browser.submit(location, form)
        clock.advance(timedelta(minutes=31))
        shown = browser.get(location)
        assert shown.status_code == 410
        assert 'id="go-back"' in shown.text
        browser.submit(location, {"step": "leave"})
        returned = answer(browser, location)
        assert (returned["error"], returned["state"], returned["iss"]) == ("access_denied", "kept", ISSUER)

    def test_a_step_of_an_expired_request_does_nothing(self, agency, browser, clock):
        location = begin(agency, browser)
        clock.advance(timedelta(minutes=31))
        assert browser.submit(location, SIGN_IN).status_code == 410

    @requirement("OIDC Core", "3.1.2.6", "MUST")
    def test_leaving_at_every_step_goes_back_to_the_agency(self, agency, browser):
        for forms in ([], [SIGN_IN]):
            location = begin(agency, browser, prompt="login consent")
            for form in forms:
                browser.submit(location, form)
            browser.submit(location, {"step": "leave"})
            assert answer(browser, location)["error"] == "access_denied"


class TestWho:
    @requirement("OIDC Core", "3.1.2.1", "MUST")
    def test_select_account_lets_another_person_go_on(self, agency, browser, clock):
        mine = agency.sign_in(browser)
        clock.advance(timedelta(seconds=1))
        location = begin(agency, browser, prompt="select_account")
        assert prompt(browser, location) == "select_account"
        browser.submit(location, {"step": "sandbox", "user": "malee"})
        assert prompt(browser, location) == "consent"
        browser.submit(location, ALLOW)
        theirs = agency.redeem(answer(browser, location)["code"]).json
        assert claims_of(theirs["id_token"])["sub"] != claims_of(mine["id_token"])["sub"]

    @requirement("OIDC Core", "3.1.2.1", "MUST")
    def test_select_account_lets_the_same_person_go_on(self, agency, browser, clock):
        agency.sign_in(browser)
        clock.advance(timedelta(seconds=1))
        location = begin(agency, browser, prompt="select_account")
        assert prompt(browser, location) == "select_account"
        browser.submit(location, {"step": "account"})
        assert "code" in answer(browser, location)

    @requirement("OIDC Core", "3.1.2.1", "MUST")
    def test_an_id_token_hint_asks_for_the_one_who_is_named(self, agency, browser, provider):
        hint = agency.sign_in(browser)["id_token"]
        other = provider.browser()
        agency.sign_in(other, "malee")
        location = begin(agency, other, id_token_hint=hint)
        assert "This request is for another person" in other.get(location).text
        other.submit(location, SIGN_IN)
        assert "code" in answer(other, location)

    @requirement("OIDC Core", "3.1.2.1", "SHOULD")
    def test_a_login_hint_is_shown_as_text_and_chosen_in_the_list(self, agency, browser):
        shown = browser.get(begin(agency, browser, login_hint="malee")).text
        assert re.search(r'<option value="malee" selected>', shown)
        assert "<b>x</b>" not in browser.get(begin(agency, browser, login_hint="<b>x</b>")).text

    @pytest.mark.parametrize("display", ["page", "popup", "touch", "wap"])
    def test_every_display_is_a_page_that_works(self, agency, browser, display):
        assert prompt(browser, begin(agency, browser, display=display)) == "login"
