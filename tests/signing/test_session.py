"""The desk's own sessions: begun by an ID Token, ended here, by time, or by the provider.

OpenID Connect Core section 3.1.3.7, Back-Channel Logout section 2, RFC 6749 section 10.12.
"""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.signing.conftest import OfficerAtDesk

WELCOME = 'id="sign-in-to-desk"'


@pytest.fixture
def visitor(desk_app, double):
    return OfficerAtDesk(desk_app.test_client(), double)


def is_signed_in(person):
    return WELCOME not in person.browser.get("/sign").text


def test_an_officer_signs_in_and_is_greeted_by_name(visitor):
    assert visitor.signs_in().location == "/sign"
    assert "อนันต์ ทดสอบ" in visitor.browser.get("/sign").text
    visitor.browser.set_cookie("prajak-lang", "en", domain="localhost")
    assert "Anan Test" in visitor.browser.get("/sign").text


def test_the_session_is_in_a_cookie_that_scripts_cannot_read(visitor):
    response = visitor.signs_in()
    (cookie,) = [each for each in response.headers.getlist("Set-Cookie") if each.startswith("prajak-sign=")]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


def test_the_wanted_page_opens_after_the_sign_in(visitor):
    away = visitor.browser.submit("/sign/sign-in", {"return_to": "/sign/documents/abc"})
    assert visitor.browser.get(visitor.returns(away)).location == "/sign/documents/abc"


@pytest.mark.parametrize("elsewhere", ["https://evil.example", "//evil.example", "/\\evil.example", "javascript:x"])
def test_the_wanted_page_is_one_of_ours(visitor, elsewhere):
    away = visitor.browser.submit("/sign/sign-in", {"return_to": elsewhere})
    assert visitor.browser.get(visitor.returns(away)).location == "/sign"


def test_an_answer_is_taken_once(visitor, desk_app):
    away = visitor.browser.submit("/sign/sign-in")
    back = visitor.returns(away)
    visitor.browser.get(back)
    again = desk_app.test_client()
    assert again.get(back).location == "/sign?notice=stale"
    assert visitor.browser.get(back).location == "/sign"
    assert is_signed_in(visitor)


def test_a_sign_in_begun_in_another_browser_is_not_taken(visitor, desk_app, double):
    """Login CSRF: an attacker's answer in a victim's browser."""
    attacker = OfficerAtDesk(desk_app.test_client(), double)
    back = attacker.returns(attacker.browser.submit("/sign/sign-in"))
    assert visitor.browser.get(back).location == "/sign?notice=stale"
    assert not is_signed_in(visitor)


@pytest.mark.parametrize(
    "change",
    [{"nonce": "x"}, {"aud": "demo-a"}, {"acr": "urn:prajak:ial2.1:aal3"}, {"acr": None}, {"iss": "x"}, {"exp": 1}],
)
def test_an_id_token_that_is_not_for_this_sign_in_is_refused(visitor, double, change):
    double.lies.id_token = lambda claims: claims | change
    assert visitor.signs_in().location == "/sign?notice=not-signed-in"
    assert not is_signed_in(visitor)


def test_userinfo_of_another_person_is_refused(visitor, double):
    """OpenID Connect Core section 5.3.2."""
    double.names = {"sub": "somebody else", "name": "Somebody Else"}
    assert visitor.signs_in().location == "/sign?notice=not-signed-in"


def test_a_refused_sign_in_is_told_plainly(visitor, double):
    double.refuses = "access_denied"
    response = visitor.signs_in()
    assert response.location == "/sign?notice=not-signed-in"
    assert "ยังไม่ได้เข้าสู่ระบบ" in visitor.browser.get(response.location).text


def test_a_provider_that_is_away_is_told_plainly(visitor, double):
    double.discovery = lambda _request: {}
    assert visitor.browser.submit("/sign/sign-in").location == "/sign?notice=unavailable"


def test_signing_out_ends_the_session_and_leads_to_the_provider(officer):
    cookie = officer.browser.get_cookie("prajak-sign").value
    response = officer.browser.submit("/sign/sign-out")
    assert response.location.startswith("http://localhost:8080/end?client_id=prajak-signing")
    officer.browser.set_cookie("prajak-sign", cookie, domain="localhost")
    assert not is_signed_in(officer)


def test_a_session_ends_when_nobody_is_there(officer, clock):
    clock.advance(timedelta(minutes=29))
    assert is_signed_in(officer)
    clock.advance(timedelta(minutes=31))
    assert not is_signed_in(officer)


def test_a_session_ends_after_twelve_hours_of_work(officer, clock):
    for _ in range(25):
        clock.advance(timedelta(minutes=29))
        if not is_signed_in(officer):
            break
    assert not is_signed_in(officer)


@pytest.mark.parametrize("cookie", ["", "x", "ก", "a" * 3000])
def test_a_cookie_of_nonsense_is_nobody(desk_app, cookie):
    browser = desk_app.test_client()
    browser.set_cookie("prajak-sign", cookie, domain="localhost")
    assert WELCOME in browser.get("/sign").text


# ---------------------------------------------------------------- back-channel logout


def logs_out(officer, **changes):
    token = officer.double.logout_token(**changes)
    return officer.browser.post("/sign/backchannel-logout", data={"logout_token": token})


def test_the_providers_logout_ends_the_session(officer):
    response = logs_out(officer)
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"
    assert not is_signed_in(officer)


def test_a_logout_by_sub_ends_every_session_of_the_officer(officer, visitor):
    officer.double.sid = "sid-2"
    visitor.signs_in()
    logs_out(officer, sid=None)
    assert not is_signed_in(officer)
    assert not is_signed_in(visitor)


def test_the_logout_of_another_session_ends_nothing_here(officer):
    assert logs_out(officer, sid="another").status_code == 200
    assert is_signed_in(officer)


def test_a_logout_token_is_taken_once(officer, visitor):
    assert logs_out(officer, jti="once").status_code == 200
    officer.signs_in()
    assert logs_out(officer, jti="once").status_code == 400
    assert is_signed_in(officer)


@pytest.mark.parametrize("change", [{"typ": "JWT"}, {"aud": "demo-a"}, {"nonce": "n"}, {"events": None}, {"exp": 1}])
def test_a_false_logout_token_ends_nothing(officer, change):
    assert logs_out(officer, **change).status_code == 400
    assert is_signed_in(officer)


def test_a_logout_without_a_token_is_a_bad_request(desk_app):
    response = desk_app.test_client().post("/sign/backchannel-logout")
    assert response.status_code == 400
    assert response.json["error"] == "invalid_request"
