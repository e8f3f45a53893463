"""The console tries a service as its relying party would: the whole code flow, over the provider's own endpoints."""

from __future__ import annotations

import json
import re
from html import unescape
from urllib.parse import parse_qs, urlsplit

import pytest


@pytest.fixture
def client_id(site, developer):
    return site.register(developer)


def sign_in(site, browser, client_id, user="somchai", consent="allow"):
    """From the try page to the callback; returns the last answer."""
    answer = browser.submit(f"/console/clients/{client_id}/try")
    for _ in range(12):
        if "/try/callback" in (answer.location or ""):
            return browser.get(answer.location)
        if answer.location:
            answer = browser.get(answer.location)
        elif 'id="sandbox-sign-in"' in answer.text:
            answer = browser.submit(path_of(answer), {"step": "sandbox", "user": user})
        elif 'id="consent-allow"' in answer.text:
            answer = browser.submit(path_of(answer), {"step": "consent", "decision": consent})
        else:
            raise AssertionError(answer.text)
    raise AssertionError("it goes round in circles")


def path_of(answer):
    return re.search(r'action="(/interaction/[\w-]+)"', answer.text)[1]


def shown(page, name):
    return json.loads(unescape(re.search(rf'id="{name}"[^>]*><code>(.*?)</code>', page.text, re.DOTALL)[1]))


def test_a_test_citizen_s_sign_in_shows_what_the_service_would_receive(site, developer, client_id):
    page = sign_in(site, developer, client_id)
    id_token, userinfo = shown(page, "id-token"), shown(page, "userinfo")
    assert id_token["iss"] == "http://localhost:8080"
    assert id_token["acr"].startswith("urn:prajak:sandbox:")
    assert userinfo["sub"] == id_token["sub"]


def test_the_answer_works_once(site, developer, client_id):
    answer = developer.submit(f"/console/clients/{client_id}/try")
    assert parse_qs(urlsplit(answer.location).query)["client_id"] == [f"try-{client_id}"]
    forged = f"/console/clients/{client_id}/try/callback?code=x&state=y&iss=http://localhost:8080"
    assert developer.get(forged).status_code == 400


def test_a_person_who_refuses_is_told_as_the_service_would_be(site, developer, client_id):
    page = sign_in(site, developer, client_id, consent="deny")
    assert '<code id="trial-error">access_denied</code>' in page.text


def test_the_twin_is_in_nobody_s_list(site, client_id):
    developer = site.browser("dev-dao")
    developer.submit(f"/console/clients/{client_id}/try")
    developer.submit(f"/console/clients/{client_id}/try")
    assert "try-" not in site.browser("dev-dao").get("/console").text


def test_another_agency_tries_nothing_of_ours(site, client_id):
    assert site.browser("dev-boon").submit(f"/console/clients/{client_id}/try").status_code == 404
