"""The pages of an interaction, step by step and out of step."""

from __future__ import annotations


def test_signing_in_leads_back_to_the_page_that_asked(site, browser):
    path = site.begin(browser, "/me")
    assert b'id="sandbox-sign-in"' in browser.get(path).data
    answer = site.sign_in(browser, "somchai", path)
    assert (answer.status_code, answer.location) == (303, path)
    assert browser.get(path).location == "/me"
    assert browser.get("/me").text == "me"


def test_a_citizen_signs_in_consents_and_the_request_is_answered(site, browser):
    path = site.ask()
    assert site.sign_in(browser, "somchai", path).location == path.replace("interaction", "authorize")
    consent = browser.get(path)
    assert b'id="consent-allow"' in consent.data
    answer = browser.submit(path, {"step": "consent", "decision": "allow"})
    assert browser.get(answer.location).json["refused"] == ""
