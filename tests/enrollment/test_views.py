"""Bad input at the pages: a sentence beside its field, nothing typed lost, never a 500, never an oracle."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.clock import SetClock
from core.i18n import COOKIE
from enrollment.civil_registry.fictional_people import FictionalPerson, Standing, people
from enrollment.civil_registry.simulator import Mode
from enrollment.models import ConfirmationCode, Evidence
from tests.enrollment.citizen import EMAIL, Citizen
from tests.enrollment.conftest import Provider, Registry

ODD = [
    "",
    " ",
    "x" * 5000,
    "<script>alert(1)</script>",
    "'; DROP TABLE account; --",
    "\u202e\u0e33",
    "%s%n{0}{{7*7}}",
    "🙂",
]


def test_the_notice_must_be_agreed_to(provider: Provider):
    answer = provider.browser().submit("/enroll", {"return_to": "/authorize/x"})
    assert answer.status_code == 400
    assert 'value="/authorize/x"' in answer.get_data(as_text=True)


def test_every_wrong_field_is_told_at_once_and_nothing_typed_is_lost(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    wrong = {
        "citizen_number": "1234567890123",
        "given_name_th": "Somchai",
        "family_name_th": "<b>",
        "birth_day": "31",
        "birth_month": "2",
        "birth_year": "2538",
        "laser_code": "AB",
    }
    answer = citizen.browser.submit("/enroll/details", wrong)
    page = answer.get_data(as_text=True)
    assert answer.status_code == 400
    for field in ("citizen_number", "given_name_th", "family_name_th", "birth_day", "laser_code"):
        assert f'href="#{field}"' in page
    for typed in ("1234567890123", "Somchai", "&lt;b&gt;", 'value="31"', 'value="AB"'):
        assert typed in page


@pytest.mark.parametrize(
    "wrong",
    [
        {"laser_code": "ZT0000000000"},
        {"given_name_th": "อื่น"},
        {"family_name_th": "อื่น"},
        {"birth_year": "2500"},
        {"citizen_number": people()[101].citizen_number},
    ],
)
def test_whichever_field_does_not_match_the_answer_is_the_same(
    provider: Provider, person: FictionalPerson, wrong: dict[str, str]
):
    citizen = Citizen(person, provider)
    citizen.agrees()
    citizen.browser.set_cookie(COOKIE, "en", domain="localhost")
    answer = citizen.shows_card(**wrong)
    assert answer.status_code == 400
    assert "These details could not be confirmed." in answer.get_data(as_text=True)
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(Evidence)).scalar() == 0


@pytest.mark.parametrize("standing", [each for each in Standing if each != Standing.ALIVE])
def test_the_dead_and_cards_out_of_force_get_that_answer_too(provider: Provider, standing: Standing):
    citizen = Citizen(next(each for each in people() if each.standing == standing), provider)
    citizen.agrees()
    assert citizen.shows_card().status_code == 400


def test_a_single_name_and_an_unknown_birthday_can_enrol(provider: Provider):
    for note in ("a single name", "day and month of birth unknown", "marks above marks", "a name with paiyannoi"):
        citizen = Citizen(next(each for each in people() if each.note == note), provider)
        citizen.agrees()
        assert citizen.shows_card().headers.get("Location") == "/enroll/contact", note


def test_thai_digits_and_a_title_written_into_the_name_are_understood(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    thai = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
    card = {name: value.translate(thai) for name, value in citizen.card().items()}
    card["given_name_th"] = f"{person.title_th} {person.given_name_th}"
    assert citizen.browser.submit("/enroll/details", card).status_code == 303


def test_a_register_that_is_closed_counts_as_no_attempt(
    provider: Provider, person: FictionalPerson, registry: Registry, clock: SetClock
):
    citizen = Citizen(person, provider)
    citizen.agrees()
    registry.simulator.mode = Mode.MAINTENANCE
    for _ in range(8):
        answer = citizen.shows_card()
        assert answer.status_code == 503
        assert person.laser_code in answer.get_data(as_text=True)
        clock.advance(timedelta(seconds=20))
    registry.simulator.mode = Mode.ANSWERS
    assert citizen.shows_card().status_code == 303


def test_guessing_at_one_citizen_from_one_source_is_stopped(
    provider: Provider, person: FictionalPerson, clock: SetClock
):
    citizen = Citizen(person, provider)
    citizen.agrees()
    for _ in range(5):
        assert citizen.shows_card(laser_code="ZT0000000000").status_code == 400
        clock.advance(timedelta(seconds=30))
    answer = citizen.shows_card()
    assert answer.status_code == 429
    assert answer.headers["Retry-After"] == "3600"
    assert person.citizen_number in answer.get_data(as_text=True)


def test_an_outsider_s_guesses_do_not_lock_the_citizen_out(
    provider: Provider, person: FictionalPerson, clock: SetClock
):
    outsider, citizen = Citizen(person, provider), Citizen(person, provider)
    outsider.agrees()
    for _ in range(5):
        outsider.shows_card(laser_code="ZT0000000000")
        clock.advance(timedelta(seconds=30))
    citizen.agrees()
    elsewhere = {"REMOTE_ADDR": "192.0.2.9"}
    answer = citizen.browser.submit("/enroll/details", citizen.card(), environ_base=elsewhere)
    assert answer.status_code == 303


def test_a_burst_of_parallel_guesses_cannot_outrun_the_count(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    statuses = [citizen.shows_card(laser_code="ZT0000000000").status_code for _ in range(9)]
    assert statuses.count(400) <= 6
    assert statuses[-1] == 429


# ---------------------------------------------------------------- contact and code


@pytest.mark.parametrize("typed", ["", "not an address", "02 123 4567", "a@b\r\nBcc: c@example.com"])
def test_a_wrong_address_is_said_beside_its_field(provider: Provider, person: FictionalPerson, typed: str):
    citizen = Citizen(person, provider)
    citizen.agrees()
    citizen.shows_card()
    answer = citizen.browser.submit("/enroll/contact", {"contact": typed})
    assert answer.status_code == 400
    assert 'href="#contact"' in answer.get_data(as_text=True)


def test_a_phone_number_gets_an_sms_bound_to_our_origin(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    citizen.shows_card()
    citizen.gives_contact("081 234 5678")
    code = provider.code_sent_to("+66812345678")
    assert provider.letters()[0][1].endswith(f"@localhost #{code}")
    assert citizen.enters_code(code).status_code == 303


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "１２３４５６", "123456x"])
def test_a_code_of_another_form_costs_no_try(provider: Provider, person: FictionalPerson, typed: str):
    citizen = at_the_code(provider, person)
    assert citizen.browser.submit("/enroll/code", {"code": typed}).status_code == 400
    with provider.services.ground.database.read() as connection:
        assert connection.execute(select(ConfirmationCode.attempts)).scalars().all() == [0]


def test_a_code_may_be_typed_in_thai_digits_and_groups(provider: Provider, person: FictionalPerson):
    citizen = at_the_code(provider, person)
    code = provider.code_sent_to(EMAIL).translate(str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙"))
    assert citizen.enters_code(f" {code[:3]} {code[3:]} ").status_code == 303


def test_a_code_that_is_wrong_five_times_is_dead(provider: Provider, person: FictionalPerson, clock: SetClock):
    citizen = at_the_code(provider, person)
    code = provider.code_sent_to(EMAIL)
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    for _ in range(5):
        assert citizen.enters_code(wrong).status_code == 400
    assert citizen.enters_code(code).status_code == 400
    clock.advance(timedelta(seconds=1))
    assert citizen.browser.submit("/enroll/code/again").headers["Location"] == "/enroll/code?sent=again"
    assert citizen.enters_code().status_code == 303


def test_a_code_dies_after_ten_minutes(provider: Provider, person: FictionalPerson, clock: SetClock):
    citizen = at_the_code(provider, person)
    clock.advance(timedelta(minutes=10))
    assert citizen.enters_code().status_code == 400


def test_only_the_newest_code_works(provider: Provider, person: FictionalPerson, clock: SetClock):
    citizen = at_the_code(provider, person)
    old = provider.code_sent_to(EMAIL)
    clock.advance(timedelta(seconds=1))
    citizen.browser.submit("/enroll/code/again")
    assert citizen.enters_code(old).status_code == 400
    assert citizen.enters_code().status_code == 303


def test_nobody_s_inbox_is_flooded(provider: Provider, person: FictionalPerson):
    citizen = at_the_code(provider, person)
    statuses = [citizen.browser.submit("/enroll/code/again").status_code for _ in range(5)]
    assert statuses == [303, 303, 303, 303, 429]


def test_the_code_is_stored_only_as_a_keyed_hash(provider: Provider, person: FictionalPerson):
    at_the_code(provider, person)
    with provider.services.ground.database.read() as connection:
        stored = connection.execute(select(ConfirmationCode.code_hash)).scalar_one()
    assert len(stored) == 32
    assert provider.code_sent_to(EMAIL).encode() not in stored


def at_the_code(provider: Provider, person: FictionalPerson) -> Citizen:
    citizen = Citizen(person, provider)
    citizen.agrees()
    citizen.shows_card()
    citizen.gives_contact()
    return citizen


# ---------------------------------------------------------------- passkey, codes, everything else


@pytest.mark.parametrize("credential", ["", "{}", "not json", "[]", '{"response": {}}'])
def test_a_passkey_answer_that_is_none_leaves_the_person_at_the_passkey(
    provider: Provider, person: FictionalPerson, credential: str
):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    answer = citizen.browser.submit("/enroll/passkey", {"credential": credential})
    assert answer.status_code == 400
    assert "data-options=" in answer.get_data(as_text=True)
    assert citizen.creates_passkey().status_code == 303


def test_the_codes_must_be_kept_before_going_on(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.proves_identity()
    citizen.creates_passkey()
    answer = citizen.browser.submit("/enroll/recovery-codes", {})
    assert answer.status_code == 400
    assert len(citizen.recovery_codes()) == 8


@pytest.mark.parametrize("odd", ODD)
def test_odd_input_never_breaks_a_step(provider: Provider, person: FictionalPerson, clock: SetClock, odd: str):
    citizen = Citizen(person, provider)
    names = ["return_to", "agree", *citizen.card(), "contact", "code", "credential", "kept", "remove_others"]
    anything = dict.fromkeys(names, odd)
    paths = ["", "/details", "/contact", "/code", "/code/again", "/passkey", "/recovery-codes", "/recover"]
    for step in (
        citizen.agrees,
        citizen.shows_card,
        citizen.gives_contact,
        citizen.enters_code,
        citizen.creates_passkey,
    ):
        for path in paths:
            assert citizen.browser.submit(f"/enroll{path}", anything).status_code < 500
            clock.advance(timedelta(seconds=1))  # or two codes were sent at one moment, and nobody knew the newer
        step()
    assert citizen.stands_at() == "/enroll/recovery-codes"


@pytest.mark.parametrize("cookie", ["", "x", "x" * 43, "é" * 43, "\u0e01" * 43])
def test_a_cookie_of_no_case_is_a_new_visitor(provider: Provider, cookie: str):
    browser = provider.browser()
    browser.set_cookie("prajak-enrolment", cookie, domain="localhost")
    assert browser.get("/enroll").status_code == 200


def test_the_cookie_is_for_this_host_and_out_of_reach_of_scripts(provider: Provider, person: FictionalPerson):
    cookie = Citizen(person, provider).agrees().headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie


def test_no_page_may_be_kept_by_a_cache(provider: Provider, person: FictionalPerson):
    citizen = Citizen(person, provider)
    citizen.agrees()
    for path in ("", "/details", "/recover"):
        assert citizen.browser.get(f"/enroll{path}").headers.get("Cache-Control", "no-store") == "no-store"


@pytest.mark.parametrize("language", ["th", "en"])
def test_a_page_speaks_one_language(provider: Provider, person: FictionalPerson, language: str):
    citizen = Citizen(person, provider)
    citizen.browser.set_cookie(COOKIE, language, domain="localhost")
    page = citizen.browser.get("/enroll").get_data(as_text=True)
    assert ("Create your digital identity" in page) == (language == "en")
    assert ("สร้างตัวตนดิจิทัลของท่าน" in page) == (language == "th")
