"""The link by which somebody comes to hold an office: once, for a day, for whoever was invited."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from secrets import token_bytes

import pytest
from sqlalchemy import select

from core.errors import PersonError
from core.webauthn import encode
from idp.admin.invitation import OPERATOR_EN, invite
from idp.models.agency import Agency
from idp.models.membership import Membership, Role
from idp.sandbox.ceremony import registration
from keys.purposes import Purpose
from tests.idp.admin.site import errors

NAMES = {"given_name_th": "ใหม่", "family_name_th": "ตัวอย่าง", "given_name": "Mai", "family_name": "Tuayang"}


@pytest.fixture
def link(site):
    return invited(site)


def invited(site, **changed):
    arguments = {"email": "mai@example.test", "role": Role.ADMINISTRATOR, "invited_by": "cli"} | changed
    return invite(site.provider.ground, site.provider.trust.envelope, **arguments).removeprefix("http://localhost:8080")


def passkey(site, page):
    """What the browser would send for the options of this page."""
    options, credential_id = unescape(re.search(r"data-options='([^']*)'", page.text)[1]), encode(token_bytes(16))
    signer = site.provider.trust.keystore.create(Purpose.SANDBOX_AUTHENTICATOR, "ES256", "mai", actor="demo")
    origin = site.provider.ground.settings.issuer
    return registration(options, credential_id=credential_id, signer=signer, origin=origin, attestation=None)


def roles(site, account_id):
    with site.provider.ground.database.read() as connection:
        return list(connection.execute(select(Membership.role).where(Membership.account_id == account_id)).scalars())


def test_the_first_administrator_makes_an_account_with_a_passkey(site, link):
    browser = site.browser()
    page = browser.get(link)
    assert "mai@example.test" in page.text
    answer = browser.submit(link, NAMES | {"credential": passkey(site, page)})
    assert (answer.status_code, answer.location) == (303, "/console"), errors(answer)
    assert browser.get("/console/people").status_code == 200
    with site.provider.ground.database.read() as connection:
        assert connection.execute(select(Agency.name_en).where(Agency.name_en == OPERATOR_EN)).first()


def test_it_works_once(site, link):
    browser = site.browser()
    browser.submit(link, NAMES | {"credential": passkey(site, browser.get(link))})
    assert site.browser().get(link).status_code == 404


def test_it_is_over_after_a_day(site, link):
    clock = site.provider.ground.clock
    clock.advance(timedelta(hours=24, seconds=1))
    try:
        assert site.browser().get(link).status_code == 404
    finally:
        clock.advance(-timedelta(hours=24, seconds=1))


@pytest.mark.parametrize("token", ["x", "A" * 43, "%00", "é"])
def test_a_link_that_was_never_made_tells_nothing(site, token):
    answer = site.browser().get(f"/invitation/{token}")
    assert answer.status_code in (400, 404)


def test_a_name_that_is_missing_is_said_and_the_others_stay(site, link):
    browser = site.browser()
    answer = browser.submit(link, NAMES | {"family_name": "", "credential": passkey(site, browser.get(link))})
    assert set(errors(answer)) == {"family_name"}
    assert 'value="Mai"' in answer.text


def test_another_link_s_passkey_is_not_taken(site, link):
    browser, other = site.browser(), invited(site)
    answer = browser.submit(other, NAMES | {"credential": passkey(site, browser.get(link))})
    assert answer.status_code == 400
    assert site.browser().get(other).status_code == 200, "and the invitation is not spent"


def test_somebody_with_an_account_takes_the_office_with_it(site):
    link, citizen = invited(site, role=Role.AUDITOR), site.browser("somchai")
    assert 'id="use-my-account"' in citizen.get(link).text
    assert citizen.submit(link, {"account": "mine"}).status_code == 303
    assert roles(site, site.ids["somchai"]) == ["auditor"]


@pytest.mark.parametrize("email", ["", "mai", "mai@", "a b@example.test", "mai@example.test\n", "m" * 300 + "@x.test"])
def test_an_address_must_look_like_one(site, email):
    with pytest.raises(PersonError):
        invited(site, email=email)
