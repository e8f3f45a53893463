"""Journey 1, step 1: a citizen enrols, page by page; and everything that does not go in a straight line."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, update

from core.assurance import AAL, IAL
from core.clock import SetClock
from core.errors import PersonError
from enrollment.civil_registry.fictional_addresses import fictional_address
from enrollment.civil_registry.fictional_people import FictionalPerson
from enrollment.enrolment import Enrolment
from enrollment.models import Account, Evidence, Passkey, ProofingCase, RecoveryCode
from keys.data_key import ACCOUNT, WrappedKey
from tests.authenticator import SoftwareAuthenticator
from tests.enrollment.citizen import EMAIL, Citizen
from tests.enrollment.conftest import Provider


def test_a_citizen_enrolls_from_the_notice_to_a_signed_in_account(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    codes = citizen.enrolls(return_to="/authorize/abc")
    assert len(set(codes)) == 8
    identity = provider.services.accounts.identity(citizen.account_id)
    assert identity is not None
    assert identity.ial == IAL.IAL1_3
    assert identity.unverified_mapping
    attributes = provider.services.accounts.attributes(citizen.account_id)
    assert (attributes.given_name_th, attributes.citizen_number) == (person.given_name_th, person.citizen_number)
    assert attributes.email == EMAIL
    assert attributes.address == fictional_address(person.number).known()
    assert [each.aal for each in provider.signed_in] == [AAL.AAL2]
    assert b'href="/authorize/abc"' in citizen.browser.get("/enroll/done").data


def test_the_way_back_is_remembered_only_within_this_site(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.enrolls(return_to="https://evil.example/")
    page = citizen.browser.get("/enroll/done").get_data(as_text=True)
    assert "evil.example" not in page
    assert 'href="/me"' in page


def test_a_newer_place_to_return_to_takes_the_older_one_s_place(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees("/authorize/old")
    citizen.browser.get("/enroll?return_to=/authorize/new")
    citizen.shows_card()
    citizen.gives_contact()
    citizen.enters_code()
    citizen.creates_passkey()
    citizen.keeps_codes()
    assert b'href="/authorize/new"' in citizen.browser.get("/enroll/done").data


def test_the_citizen_is_notified_with_a_way_to_say_it_was_not_me(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.enrolls()
    notifications = [body for to, body in provider.letters() if "/enroll/not-me/" in body]
    assert len(notifications) == 1
    assert "IAL1.3" in notifications[0]
    assert "22 พฤศจิกายน 2569" in notifications[0]


def test_recovery_codes_are_shown_again_on_reload_and_never_after_they_were_kept(
    provider: Provider, person: FictionalPerson
):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    citizen.creates_passkey()
    codes = citizen.recovery_codes()
    assert citizen.recovery_codes() == codes
    citizen.keeps_codes()
    assert citizen.browser.get("/enroll/recovery-codes").headers["Location"] == "/enroll/done"
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(ProofingCase.codes)).scalar() is None
        stored = connection.execute(select(RecoveryCode.code_hash)).scalars().all()
    assert len(stored) == 8
    assert not any(code.replace("-", "").encode() in stored for code in codes)


def test_the_laser_code_is_kept_nowhere(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.enrolls()
    with provider.services.ground.database.read() as connection:
        case_id = connection.execute(select(ProofingCase.id)).scalar_one()
    case = provider.services.cases.load(case_id)
    assert case is not None
    with provider.services.ground.database.read() as connection:
        kept = provider.services.dossier.attributes(connection, case, "th_id_card_data")
    assert kept
    assert person.laser_code not in str(kept)


def test_no_personal_data_stand_in_clear_in_the_database(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.enrolls()
    file = provider.services.ground.settings.database_url.removeprefix("sqlite:///")
    stored = b"".join(Path(file + suffix).read_bytes() for suffix in ("", "-wal") if Path(file + suffix).exists())
    for secret in (person.citizen_number, person.given_name_th, person.family_name_th, EMAIL):
        assert secret.encode() not in stored


# ---------------------------------------------------------------- stale tabs, Back, double clicks


@pytest.mark.parametrize(
    "step", ["details", "contact", "code", "passkey", "recovery-codes", "done", "already-enrolled"]
)
def test_without_a_case_every_step_leads_to_the_beginning(provider: Provider, step: str):
    browser = provider.browser()
    assert browser.get(f"/enroll/{step}").headers["Location"] == "/enroll"
    assert browser.get("/enroll").status_code == 200


@pytest.mark.parametrize("step", ["contact", "code", "passkey", "recovery-codes", "done"])
def test_a_later_step_leads_back_to_the_one_that_is_next(provider: Provider, person: FictionalPerson, step: str):
    citizen = Citizen(person, provider)
    citizen.agrees()
    assert citizen.browser.get(f"/enroll/{step}").headers["Location"] == "/enroll/details"
    fields = {"contact": EMAIL, "code": "123456", "credential": "{}", "kept": "1"}
    if step != "done":
        answer = citizen.browser.submit(f"/enroll/{step}", fields)
        assert answer.headers["Location"] == "/enroll/details"


def test_a_double_click_on_each_step_leads_on(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    assert citizen.agrees().headers["Location"] == "/enroll/details"
    citizen.shows_card()
    citizen.gives_contact()
    code = provider.code_sent_to(EMAIL)
    citizen.enters_code(code)
    assert citizen.enters_code(code).headers["Location"] == "/enroll/passkey"
    credential = citizen.authenticator.create(citizen.options())
    citizen.browser.submit("/enroll/passkey", {"credential": credential})
    again = citizen.browser.submit("/enroll/passkey", {"credential": credential})
    assert again.headers["Location"] == "/enroll/recovery-codes"
    citizen.keeps_codes()
    assert citizen.keeps_codes().headers["Location"] == "/enroll/done"
    assert len(provider.signed_in) == 1


def test_two_tabs_of_the_passkey_page_both_work(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    first = citizen.options()
    citizen.options()
    answer = citizen.browser.submit("/enroll/passkey", {"credential": citizen.authenticator.create(first)})
    assert answer.status_code == 303


def test_the_details_can_be_looked_at_again_without_the_laser_code(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    citizen.shows_card()
    page = citizen.browser.get("/enroll/details").get_data(as_text=True)
    assert person.citizen_number in page
    assert person.laser_code not in page


def test_going_back_erases_what_came_later(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    old_code = provider.code_sent_to(EMAIL)
    assert citizen.gives_contact("other@example.com").headers["Location"] == "/enroll/code"
    with provider.services.ground.database.read() as connection:
        living = select(Evidence.type).where(Evidence.erased_at.is_(None))
        assert connection.execute(living).scalars().all() == ["th_id_card_data"]
        erased = select(Evidence.attributes).where(Evidence.erased_at.is_not(None))
        assert connection.execute(erased).scalars().all() == [b""]
    assert citizen.enters_code(old_code).status_code == 400


def test_going_back_to_the_card_erases_everything_after_it(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    citizen.shows_card()
    assert citizen.stands_at() == "/enroll/contact"
    with provider.services.ground.database.read() as connection:
        row = connection.execute(select(ProofingCase.contact, ProofingCase.state)).one()
    assert tuple(row) == (None, "identified")


def test_once_the_account_exists_there_is_no_way_back(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    citizen.creates_passkey()
    for answer in (citizen.shows_card(), citizen.gives_contact(), citizen.browser.get("/enroll/details")):
        assert answer.headers["Location"] == "/enroll/recovery-codes"


def test_an_expired_case_is_erased_and_leads_to_the_beginning(
    provider: Provider, person: FictionalPerson, clock: SetClock
):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    clock.advance(timedelta(hours=1))
    assert citizen.browser.get("/enroll/passkey").headers["Location"] == "/enroll"
    assert "หมดเวลา" in citizen.browser.get("/enroll").get_data(as_text=True)
    with provider.services.ground.database.read() as connection:
        case = connection.execute(select(ProofingCase.contact, ProofingCase.citizen_index)).one()
        keys = connection.execute(select(WrappedKey.owner_id).where(WrappedKey.owner_kind == ACCOUNT)).all()
        kept = connection.execute(select(Evidence.attributes)).scalars().all()
    assert tuple(case) == (None, None)
    assert keys == []
    assert set(kept) == {b""}
    assert citizen.agrees().headers["Location"] == "/enroll"


def test_cases_that_nobody_comes_back_to_are_erased_by_the_job(
    provider: Provider, person: FictionalPerson, clock: SetClock
):
    Citizen(person, provider).proves_identity()
    clock.advance(timedelta(hours=2))
    assert provider.services.cases.expire_due() == 1
    assert provider.services.cases.expire_due() == 0


def test_the_enrolment_goes_on_in_the_same_browser_and_in_no_other(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    citizen.shows_card()
    assert citizen.stands_at() == "/enroll/contact"
    assert provider.browser().get("/enroll/contact").headers["Location"] == "/enroll"


def test_stopping_erases_what_was_entered(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    assert citizen.browser.submit("/enroll/withdraw").status_code == 303
    assert citizen.stands_at() == "/enroll"
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(Evidence.attributes)).scalars().all() == [b"", b""]


# ---------------------------------------------------------------- one citizen, one account


def test_the_case_that_proved_itself_last_is_the_one_that_lives(provider: Provider, person: FictionalPerson):
    first, second = Citizen(person, provider), Citizen(person, provider, email="second@example.com")
    first.proves_identity()
    second.proves_identity()
    assert first.stands_at() == "/enroll"
    assert second.creates_passkey().status_code == 303


def test_a_second_enrolment_is_led_to_sign_in_and_the_holder_is_told(provider: Provider, person: FictionalPerson):
    Citizen(person, provider).enrolls()
    second = Citizen(person, provider, email="second@example.com")
    second.agrees("/authorize/x")
    second.shows_card()
    assert second.stands_at() == "/enroll/already-enrolled"
    assert b'href="/authorize/x"' in second.browser.get("/enroll/already-enrolled").data
    assert [to for to, body in provider.letters() if "ท่านมีบัญชีอยู่แล้ว" in body] == [EMAIL]


def test_two_cases_that_are_both_at_the_passkey_make_one_account(provider: Provider, person: FictionalPerson):
    """The unique index on live cases is taken away as after a failed release; the account's own key still holds."""
    first, second = Citizen(person, provider), Citizen(person, provider, email="second@example.com")
    first.proves_identity()
    with provider.services.ground.database.write() as connection:
        connection.execute(update(ProofingCase).values(citizen_index=None))
    second.proves_identity()
    assert first.creates_passkey().headers["Location"] == "/enroll/recovery-codes"
    assert second.creates_passkey().headers["Location"] == "/enroll/already-enrolled"
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(Account)).scalar() == 1
        assert connection.execute(select(func.count()).select_from(Passkey)).scalar() == 1


@pytest.mark.both_backends
def test_of_parallel_passkeys_of_one_case_one_is_bound(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    answers = [SoftwareAuthenticator().create(citizen.options()) for _ in range(6)]
    enrolment, cases = Enrolment(provider.services), provider.services.cases
    with provider.services.ground.database.read() as connection:
        case_id = connection.execute(select(ProofingCase.id)).scalar_one()
    case = cases.load(case_id)
    assert case is not None

    def bind(answer: str) -> bool:
        try:
            return enrolment.bind(case, answer, device="x") is not None
        except PersonError:
            return False

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(bind, answers)) == 1
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(Passkey)).scalar() == 1


@pytest.mark.both_backends
def test_of_parallel_cases_of_one_citizen_one_lives(provider: Provider, person: FictionalPerson):
    citizens = [Citizen(person, provider) for _ in range(4)]
    for citizen in citizens:
        citizen.agrees()
    with ThreadPoolExecutor(4) as pool:
        statuses = [each.status_code for each in pool.map(lambda citizen: citizen.shows_card(), citizens)]
    assert set(statuses) == {303}
    with provider.services.ground.database.read() as connection:
        states = connection.execute(select(ProofingCase.state)).scalars().all()
    assert states.count("identified") == 1
