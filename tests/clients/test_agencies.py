"""The demo's agencies, each a Flask and Authlib client of its own: single sign-on, pairwise subjects, logout."""

from __future__ import annotations

import html
import json
import re
import select
import time

WAIT = 10  # seconds within which a logout token arrives


def raw(page, name):
    return json.loads(html.unescape(re.search(rf'id="{name}">(.*?)</pre>', page.text, re.DOTALL)[1]))


def test_one_sign_in_serves_both_agencies_under_different_subjects(provider, visitor):
    citizen = visitor()
    citizen.open(f"{provider.agency_a}/login")
    at_a = citizen.sign_in_as("somchai")
    assert str(at_a.url) == f"{provider.agency_a}/", at_a.text
    citizen.open(f"{provider.agency_b}/login")
    assert not citizen.sees("sandbox-sign-in"), "no second sign-in"
    at_b = citizen.sign_in_as("nobody")
    assert str(at_b.url) == f"{provider.agency_b}/", at_b.text
    a, b = raw(at_a, "id-token"), raw(at_b, "id-token")
    assert a["sub"] != b["sub"]
    assert a["auth_time"] == b["auth_time"]
    assert raw(at_a, "userinfo")["verified_claims"]["claims"]["birthdate"]
    assert "birthdate" not in json.dumps(raw(at_b, "userinfo"))


def test_logging_out_at_one_agency_ends_the_session_at_the_other(provider, visitor):
    citizen = visitor()
    for agency in (provider.agency_a, provider.agency_b):
        citizen.open(f"{agency}/login")
        citizen.sign_in_as("malee")
        assert citizen.sees("logout"), citizen.page.text
    citizen.press("logout")
    page = citizen.press("logout-confirm")
    assert str(page.url).startswith(f"{provider.agency_b}/signed-out")
    assert ends(citizen, provider.agency_a)


def ends(citizen, agency):
    """The logout token travels beside the person: it is waited for, not slept for."""
    deadline = time.monotonic() + WAIT
    while 'id="session-ended"' not in citizen.open(agency).text:
        if time.monotonic() > deadline:
            return False
        select.select([], [], [], 0.1)
    return True


def test_an_agency_deletes_what_it_got_when_consent_is_withdrawn(provider, visitor):
    citizen = visitor()
    citizen.open(f"{provider.agency_a}/login")
    assert 'data-claim="birthdate"' in citizen.sign_in_as("user30").text
    citizen.open(f"{provider.issuer}/me/services")
    assert citizen.submit("/withdraw").status_code == 200
    citizen.open(provider.agency_a)
    page = citizen.press("refresh")
    assert 'id="withdrawn"' in page.text
    assert "data-claim" not in page.text


def test_who_refuses_at_an_agency_is_told_so_and_nothing_was_sent(provider, visitor):
    citizen = visitor("th")
    citizen.open(f"{provider.agency_b}/login")
    page = citizen.sign_in_as("user31", consent="deny")
    assert '<code id="error-code">access_denied</code>' in page.text


def test_an_answer_from_another_provider_is_thrown_away(provider, visitor):
    page = visitor().open(f"{provider.agency_a}/callback?code=x&state=y&iss=http://evil.localhost")
    assert page.status_code == 400
    assert "invalid_issuer" in page.text


def test_a_callback_that_was_not_asked_for_leads_on(provider, visitor):
    page = visitor().open(f"{provider.agency_a}/callback?code=x&state=y&iss={provider.issuer}")
    assert page.status_code == 400
    assert "mismatching_state" in page.text


def test_a_forged_logout_token_ends_nothing(provider, visitor):
    citizen = visitor()
    citizen.open(f"{provider.agency_a}/login")
    citizen.sign_in_as("somchai")
    answer = citizen.http.post(f"{provider.agency_a}/backchannel-logout", data={"logout_token": "a.b.c"})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert 'id="sub"' in citizen.open(provider.agency_a).text
