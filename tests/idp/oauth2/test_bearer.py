"""RFC 6750: how a token is presented, and how its refusal is told."""

from __future__ import annotations

import re

import pytest

from tests.protocol.requirement import requirement

QUOTED = re.compile(r'(error|error_description|scope)="([\x20-\x21\x23-\x5B\x5D-\x7E]*)"')


@requirement("RFC 6750", "2.2", "MUST NOT")
@requirement("RFC 6750", "2.2", "MUST")
def test_a_token_in_a_body_comes_by_a_form_and_by_post(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    by_form = browser.post("/userinfo", data={"access_token": token})
    assert by_form.status_code == 200
    assert browser.post("/userinfo", json={"access_token": token}).status_code == 400
    got = browser.get("/userinfo", data={"access_token": token}, content_type="application/x-www-form-urlencoded")
    assert got.status_code == 401


@requirement("RFC 6750", "2", "MUST NOT")
def test_a_token_twice_is_a_bad_request(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    answer = browser.post("/userinfo", data={"access_token": token}, headers=header)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@requirement("RFC 6750", "3", "MUST NOT")
@pytest.mark.parametrize("authorization", ['Bearer a"b\\c', "Bearer x", "Bearer " + "x" * 20000])
def test_the_challenge_has_no_other_characters_and_each_attribute_once(refusing, authorization):
    answer = refusing.provider.browser().get("/userinfo", headers={"Authorization": authorization})
    bearer = answer.headers["WWW-Authenticate"].partition(", DPoP")[0]
    attributes = QUOTED.findall(bearer)
    assert bearer == "Bearer " + ", ".join(f'{name}="{value}"' for name, value in attributes)
    assert len(dict(attributes)) == len(attributes)


@requirement("RFC 6750", "3.1", "SHOULD")
def test_each_error_has_its_status(refusing):
    browser = refusing.provider.browser()
    token = refusing.redeem(refusing.code(browser, scope="profile")).json["access_token"]
    assert refusing.userinfo(token).status_code == 403
    assert refusing.userinfo("x").status_code == 401
    assert browser.get("/userinfo?access_token=x").status_code == 400


@requirement("RFC 6750", "5.3", "MUST")
def test_answers_to_bearers_are_not_kept(agency, browser):
    answer = agency.userinfo(agency.sign_in(browser)["access_token"])
    assert answer.headers["Cache-Control"] == "no-store"
