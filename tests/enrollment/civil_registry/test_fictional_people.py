"""The people of the simulated register: valid, many, always the same, and plainly not real."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

from enrollment.civil_registry.fictional_people import LIFELONG, Standing, enrollable, people
from enrollment.evidence.birth_date import read_birth_date
from enrollment.evidence.citizen_number import read_citizen_number
from enrollment.evidence.laser_code import read_laser_code
from enrollment.evidence.thai_name import normalised, read_latin_name, read_thai_name

DIGEST = "5b34b6d225463c22"  # a demo seeded last year must find its people again


def test_there_are_two_hundred_and_no_number_is_used_twice():
    assert len({person.citizen_number for person in people()}) == 200
    assert len({person.laser_code for person in people()}) == 200


def test_everything_about_everybody_can_be_typed_into_the_form():
    for person in people():
        assert read_citizen_number(person.citizen_number) == person.citizen_number
        assert read_laser_code(person.laser_code) == person.laser_code
        assert (
            read_thai_name(person.given_name_th, field="f") == person.given_name_th == normalised(person.given_name_th)
        )
        assert read_thai_name(person.family_name_th, field="f", required=False) == person.family_name_th
        assert read_latin_name(person.given_name, field="f") == person.given_name
        assert read_latin_name(person.family_name, field="f", required=False) == person.family_name
        born = person.birth_date
        parts = (born[6:], born[4:6], born[:4])
        assert read_birth_date(*parts, today=date(2026, 11, 22)).registered == born


def test_they_live_in_no_district():
    assert all(person.citizen_number[1:3] == "99" for person in people())


def test_they_stay_the_same():
    everything = "|".join(f"{person.citizen_number}{person.laser_code}{person.birth_date}" for person in people())
    assert sha256(everything.encode()).hexdigest()[:16] == DIGEST


def test_the_unusual_are_among_those_who_can_be_enrolled():
    found = list(enrollable())
    assert {person.standing for person in found} == set(Standing)
    assert any(not person.family_name_th for person in found)
    assert any(person.birth_date.endswith("0000") for person in found)
    assert any(person.card_expires == LIFELONG for person in found)
    assert any("ฯ" in person.given_name_th for person in found)
