"""The way back in: a saved code and a code at the confirmed contact, two classes (SP 800-63B section 4.2.2.2)."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from core.clock import SetClock
from core.errors import PersonError
from enrollment import recovery
from enrollment.civil_registry.fictional_people import FictionalPerson
from enrollment.models import Account, Passkey, RecoveryCode
from enrollment.recovery_journey import RecoveryJourney
from tests.authenticator import SoftwareAuthenticator
from tests.enrollment.citizen import Citizen
from tests.enrollment.conftest import Provider


def recovers(citizen: Citizen, code: str, **changed: str) -> Citizen:
    """The same person in a new browser with a new device, up to the code at the contact."""
    back = Citizen(citizen.person, citizen.provider, authenticator=SoftwareAuthenticator())
    fields = {"citizen_number": citizen.person.citizen_number, "recovery_code": code} | changed
    back.answer = back.browser.submit("/enroll/recover", fields)  # type: ignore[attr-defined]
    return back


def test_a_code_is_at_least_64_bits_of_letters_that_are_not_mistaken():
    code = recovery.new_codes()[0]
    assert len(code) * 5 >= 64
    assert not set(code) & set("ILOU")


@pytest.mark.parametrize("typed", ["{}", "{}\n", " {} "])
def test_a_code_is_understood_as_people_write_it(typed: str):
    code = "0123456789ABCDEF"
    for form in (code, recovery.grouped(code), code.lower(), "o1 23 4567-89ab-cdef", "OI23456789ABCDEF"):
        assert recovery.normalised(typed.format(form)) == code


@pytest.mark.parametrize("typed", ["", "123", "U123456789ABCDEF", "0123456789ABCDEFG", "๐123456789ABCDEF"])
def test_what_can_be_no_code_is_nothing(typed: str):
    assert recovery.normalised(typed) == ""


def test_somebody_who_lost_the_passkey_comes_back_with_two_codes(
    provider: Provider, person: FictionalPerson, clock: SetClock
):
    citizen = Citizen(person, provider)
    codes = citizen.enrolls()
    clock.advance(timedelta(days=1))
    back = recovers(citizen, codes[0].lower().replace("-", " "), return_to="/authorize/x")
    page = back.browser.get("/enroll/code").get_data(as_text=True)
    assert "ci•••@example.com" in page
    assert citizen.email not in page
    assert back.enters_code().status_code == 303
    assert back.creates_passkey(remove_others="1").status_code == 303
    new_codes = back.recovery_codes()
    assert set(new_codes).isdisjoint(codes)
    back.keeps_codes()
    assert b'href="/authorize/x"' in back.browser.get("/enroll/done").data
    assert provider.ended == [citizen.account_id]
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(func.count()).where(Passkey.revoked_at.is_(None))).scalar() == 1
        assert connection.execute(select(func.count()).where(RecoveryCode.spent_at.is_(None))).scalar() == 8
    assert any("กู้คืนบัญชี" in body for _, body in provider.letters())


def test_a_recovery_code_works_once(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    code = citizen.enrolls()[0]
    assert recovers(citizen, code).answer.status_code == 303  # type: ignore[attr-defined]
    assert recovers(citizen, code).answer.status_code == 400  # type: ignore[attr-defined]


@pytest.mark.both_backends
def test_of_parallel_uses_of_one_recovery_code_one_wins(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    code = citizen.enrolls()[0]
    journey = RecoveryJourney(provider.services)

    def use(number: int) -> bool:
        try:
            journey.begin(person.citizen_number, code, source=f"192.0.2.{number}", return_to="")
        except PersonError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(use, range(8))) == 1


def test_wrong_number_wrong_code_and_no_account_have_one_answer(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    code = citizen.enrolls()[0]
    somebody_else = "1101700203450"
    told = set()
    for fields in (
        {"recovery_code": "0000-0000-0000-0000"},
        {"citizen_number": somebody_else},
        {"recovery_code": "not a code"},
        {"recovery_code": "x" * 5000},
    ):
        answer = recovers(citizen, code, **fields).answer  # type: ignore[attr-defined]
        assert answer.status_code == 400
        told.update(re.findall(r'role="alert">.*?<li>(.*?)</li>', answer.get_data(as_text=True), re.DOTALL))
    assert len(told) == 1


def test_another_account_s_code_opens_nothing(provider: Provider, person: FictionalPerson):
    from enrollment.civil_registry.fictional_people import people

    other = Citizen(people()[101], provider, email="other@example.com")
    code = other.enrolls()[0]
    citizen = Citizen(person, provider)
    citizen.enrolls()
    assert recovers(citizen, code).answer.status_code == 400  # type: ignore[attr-defined]


def test_guessing_is_slowed_down(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    code = citizen.enrolls()[0]
    for _ in range(10):
        recovers(citizen, "0000-0000-0000-0000")
    assert recovers(citizen, code).answer.status_code == 429  # type: ignore[attr-defined]


def test_an_account_on_hold_is_not_recovered(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    code = citizen.enrolls()[0]
    with provider.services.ground.database.write() as connection:
        connection.execute(update(Account).values(status="suspended"))
    assert recovers(citizen, code).answer.status_code == 400  # type: ignore[attr-defined]


def test_a_recovery_can_not_go_back_to_another_contact(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    back = recovers(citizen, citizen.enrolls()[0])
    assert back.gives_contact("thief@example.com").headers["Location"] == "/enroll/code"
    assert back.shows_card().headers["Location"] == "/enroll/code"


def test_new_codes_end_the_old_ones(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    old = citizen.enrolls()
    ground = provider.services.ground
    new = recovery.reissue_codes(ground, citizen.account_id)
    assert recovery.codes_left(ground, citizen.account_id) == 8
    assert recovers(citizen, old[0]).answer.status_code == 400  # type: ignore[attr-defined]
    assert recovers(citizen, new[0]).answer.status_code == 303  # type: ignore[attr-defined]


# ---------------------------------------------------------------- this was not me


def test_the_link_in_a_notification_puts_the_account_on_hold_once(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.enrolls()
    body = next(body for _, body in provider.letters() if "/enroll/not-me/" in body)
    path = "/enroll/not-me/" + body.split("/enroll/not-me/")[1].split()[0]
    anybody = provider.browser()
    assert anybody.get(path).status_code == 200
    assert provider.services.accounts.is_active(citizen.account_id)
    assert anybody.submit(path).headers["Location"] == "/enroll/on-hold"
    assert not provider.services.accounts.is_active(citizen.account_id)
    assert provider.ended == [citizen.account_id]
    assert anybody.get(path).status_code == 404
    assert anybody.submit("/enroll/not-me/guessed").status_code == 404
