"""Erasing a person in the console: the command asks, two administrators agree, and it is done."""

from __future__ import annotations

import pytest

from core.errors import NotFound
from enrollment.account import PersonAttributes
from idp.app import person_erasure
from keys.two_person import COMMAND

SECOND = "approver-kaew"


@pytest.fixture
def anong(site):
    return site.browser("admin-anong")


@pytest.fixture
def second(site):
    site.grant(SECOND, "administrator")
    yield site.browser(SECOND)
    site.end_role(SECOND, "administrator")


@pytest.fixture
def citizen(site):
    return site.provider.accounts.create(PersonAttributes(given_name_th="สมหญิง", citizen_number="1990100001005"))


def test_what_the_command_asks_for_two_administrators_agree_to(site, anong, second, citizen):
    accounts = site.provider.accounts
    approval = person_erasure(site.provider).ask(citizen, by=COMMAND, reason="asked by letter")
    path = f"/console/keys/approvals/{approval}"
    page = anong.get(path)
    assert citizen in page.text
    assert "สมหญิง" not in page.text
    assert anong.submit(path, {"decision": "agree"}).status_code == 303
    assert accounts.is_active(citizen)
    assert anong.submit(path, {"decision": "agree"}).status_code == 403
    assert accounts.is_active(citizen)
    assert second.submit(path, {"decision": "agree"}).status_code == 303
    assert accounts.attributes(citizen) == PersonAttributes()
    assert second.get(path).status_code == 200
    assert [each.account_id for each in site.provider.trust.erasures.listed()] == [citizen]


def test_what_one_refuses_is_not_done(site, anong, citizen):
    approval = person_erasure(site.provider).ask(citizen, by=COMMAND, reason="asked by letter")
    path = f"/console/keys/approvals/{approval}"
    assert anong.submit(path, {"decision": "refuse", "reason": "the letter is not theirs"}).status_code == 303
    assert site.provider.accounts.is_active(citizen)


def test_nobody_asks_for_somebody_who_is_not_there(site):
    with pytest.raises(NotFound):
        person_erasure(site.provider).ask("nobody", by=COMMAND, reason="a slip")
