"""Who may call a page of our own: the way through sign-in and back."""

from __future__ import annotations

from datetime import timedelta

from tests.idp.interaction.test_session import appoint


def test_a_stranger_is_led_through_the_sign_in_and_back(site, browser):
    asked = browser.get("/me?x=1")
    assert asked.status_code == 303
    site.sign_in(browser, "somchai", asked.location)
    assert browser.get(asked.location).location == "/me?x=1"


def test_a_careful_page_asks_for_the_passkey_again_when_it_was_a_while_ago(site, browser, clock):
    site.sign_in(browser, "somchai")
    assert browser.get("/me/careful").text == "careful"
    clock.advance(timedelta(minutes=6))
    asked = browser.get("/me/careful")
    assert b'id="use-passkey"' in browser.get(asked.location).data
    clock.advance(timedelta(seconds=1))
    site.sign_in(browser, "somchai", asked.location)
    assert browser.get(asked.location).location == "/me/careful"
    assert browser.get("/me/careful").text == "careful"


def test_a_form_that_came_too_late_leads_back_to_its_page(site, browser, clock):
    site.sign_in(browser, "somchai")
    clock.advance(timedelta(minutes=6))
    asked = browser.submit("/me/careful", {}, headers={"Referer": "http://localhost:8080/me/form?y=2"})
    clock.advance(timedelta(seconds=1))
    site.sign_in(browser, "somchai", asked.location)
    assert browser.get(asked.location).location == "/me/form?y=2"


def test_a_form_from_nowhere_leads_back_to_the_person_s_own_place(site, browser):
    asked = browser.submit("/me/careful", {}, headers={"Referer": "https://evil.example/me"})
    site.sign_in(browser, "somchai", asked.location)
    assert browser.get(asked.location).location == "/me"


def test_an_office_is_needed_where_the_page_says_so_and_ends_at_once(site, browser):
    site.sign_in(browser, "somchai")
    assert browser.get("/desk").status_code == 403
    appoint(site, "somchai", "proofing-officer")
    assert browser.get("/desk").text == "desk"
