"""An administrator invites, ends offices and adds agencies; nobody else does."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from tests.idp.admin.site import PEOPLE, errors

PAGE = "/console/people"


@pytest.fixture
def administrator(site):
    return site.browser("admin-anong")


@pytest.mark.parametrize("name", [name for name, *_, role in PEOPLE if role != "administrator"])
def test_only_an_administrator_opens_it(site, name):
    assert site.browser(name).get(PAGE).status_code == 403


def test_an_invitation_goes_by_mail_to_the_one_invited(site, administrator):
    typed = {"act": "invite", "email": "nok@example.test", "role": "developer", "agency": "agency-b"}
    answer = administrator.submit(PAGE, typed)
    assert answer.status_code == 303, errors(answer)
    message = site.provider.outbox.messages()[0]
    assert message.recipient == "nok@example.test"
    assert site.browser().get(re.search(r"/invitation/\S+", message.body)[0]).status_code == 200
    assert "/invitation/" not in administrator.get(answer.location).text


def test_an_open_session_is_not_enough_to_let_somebody_in(site, administrator):
    clock = site.provider.ground.clock
    clock.advance(timedelta(minutes=5, seconds=1))
    try:
        before = len(site.provider.outbox.messages())
        typed = {"act": "invite", "email": "nok@example.test", "role": "administrator", "agency": "agency-b"}
        assert "/interaction/" in administrator.submit(PAGE, typed).location
        assert len(site.provider.outbox.messages()) == before
    finally:
        clock.advance(-timedelta(minutes=5, seconds=1))


@pytest.mark.parametrize("changed", [{"email": "nok"}, {"role": "king"}, {"agency": "agency-z"}])
def test_a_bad_invitation_is_told_at_its_field(administrator, changed):
    typed = {"act": "invite", "email": "nok@example.test", "role": "developer", "agency": "agency-b"} | changed
    answer = administrator.submit(PAGE, typed)
    assert list(errors(answer)) == list(changed)
    assert typed["email"] in answer.text


def test_an_ended_office_opens_nothing_any_more(site, administrator):
    site.grant("somchai", "developer")
    assert site.browser("somchai").get("/console").status_code == 200
    (membership,) = site.memberships("somchai", "developer")
    assert administrator.submit(PAGE, {"act": "end", "membership": membership}).status_code == 303
    assert site.memberships("somchai", "developer") == []


def test_the_last_administrator_stays(site, administrator):
    *others, last = site.memberships(None, "administrator")
    assert all(administrator.submit(PAGE, {"act": "end", "membership": each}).status_code == 303 for each in others)
    answer = administrator.submit(PAGE, {"act": "end", "membership": last})
    assert "last administrator" in answer.text


def test_an_agency_is_added_once(administrator):
    typed = {"act": "add-agency", "name_th": "กรมใหม่ตัวอย่าง", "name_en": "New example", "sector": "health"}
    assert administrator.submit(PAGE, typed).status_code == 303
    assert "New example" in administrator.get(PAGE).text
    assert list(errors(administrator.submit(PAGE, typed))) == ["name_th"]


def test_an_agency_needs_both_names(administrator):
    assert list(errors(administrator.submit(PAGE, {"act": "add-agency", "name_th": "กรม", "sector": "health"}))) == [
        "name_en"
    ]
