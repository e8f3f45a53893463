"""The person's part of RP-Initiated Logout 1.0."""

from __future__ import annotations

from sqlalchemy import insert

from idp.models.session_client import SessionClient
from tests.protocol.requirement import requirement

AGENCY = "client_id=demo-a&post_logout_redirect_uri=http://agency-a.localhost:8081/signed-out&state=s1"


def got_tokens(site, browser) -> None:
    row = {"session_id": site.current(browser).sid, "client_id": "demo-a", "sid": "s", "sub": "p"}
    with site.ground.database.write() as connection:
        connection.execute(insert(SessionClient), row | {"first_at": site.ground.clock.now()})


@requirement("OIDC RP-Initiated Logout", "2", "MUST")
def test_asking_ends_nothing_and_names_the_services(site, browser):
    site.sign_in(browser, "somchai")
    got_tokens(site, browser)
    shown = browser.get(f"/logout?{AGENCY}")
    assert b'id="logout-confirm"' in shown.data
    assert "เบี้ยยังชีพผู้สูงอายุ" in shown.text
    assert site.current(browser) is not None


@requirement("OIDC RP-Initiated Logout", "3", "MUST")
def test_confirming_ends_the_session_tells_its_clients_and_leads_back_with_the_state(site, browser):
    site.sign_in(browser, "somchai")
    sid = site.current(browser).sid
    form = {
        "client_id": "demo-a",
        "post_logout_redirect_uri": "http://agency-a.localhost:8081/signed-out",
        "state": "s1",
    }
    answer = browser.submit("/logout/confirm", form)
    assert answer.location == "http://agency-a.localhost:8081/signed-out?state=s1"
    assert site.told == [(sid, site.ids["somchai"])]
    assert site.cookie(browser) == ""


def test_the_confirmation_may_lead_to_the_agency(site, browser):
    site.sign_in(browser, "somchai")
    policy = browser.get(f"/logout?{AGENCY}").headers["Content-Security-Policy"]
    assert "form-action 'self' http://agency-a.localhost:8081" in policy


def test_without_an_address_our_own_page_lists_the_services_left(site, browser):
    site.sign_in(browser, "somchai")
    got_tokens(site, browser)
    answer = browser.submit("/logout/confirm", {})
    shown = browser.get(answer.location).text
    assert "เบี้ยยังชีพผู้สูงอายุ" in shown


def test_a_second_click_tells_nobody_twice(site, browser):
    site.sign_in(browser, "somchai")
    for _ in range(2):
        assert browser.submit("/logout/confirm", {}).status_code == 303
    assert len(site.told) == 1


def test_nobody_signed_in_is_led_on_at_once(site, browser):
    assert browser.get(f"/logout?{AGENCY}").location == "http://agency-a.localhost:8081/signed-out?state=s1"


@requirement("OIDC RP-Initiated Logout", "3", "MUST NOT")
def test_an_address_that_is_not_registered_is_shown_and_not_followed(site, browser):
    site.sign_in(browser, "somchai")
    refused = browser.get("/logout?client_id=demo-a&post_logout_redirect_uri=https://evil.example/")
    assert refused.status_code == 400
    assert '<code id="error-code">invalid_request</code>' in refused.text
    assert site.current(browser) is not None


@requirement("OIDC RP-Initiated Logout", "2", "MUST")
def test_asking_by_post_from_another_site_goes_on_as_a_get(site, browser):
    answer = browser.post("/logout", data={"client_id": "demo-a", "state": "s1", "other": "x"})
    assert (answer.status_code, answer.location) == (303, "/logout?client_id=demo-a&state=s1")


def test_another_site_cannot_confirm(site, browser):
    site.sign_in(browser, "somchai")
    assert browser.post("/logout/confirm", data={}).status_code == 403
    assert site.current(browser) is not None
