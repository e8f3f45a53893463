"""Dates of the Buddhist era, with unknown days and months."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PersonError
from enrollment.evidence.birth_date import read_birth_date

TODAY = date(2026, 11, 22)


@pytest.mark.parametrize(
    ("typed", "registered", "birthdate"),
    [
        (("20", "2", "2538"), "25380220", "1995-02-20"),
        (("๒๐", "๒", "๒๕๓๘"), "25380220", "1995-02-20"),
        ((" 1 ", "01", "2538"), "25380101", "1995-01-01"),
        (("", "7", "2491"), "24910700", "1948"),
        (("", "", "2485"), "24850000", "1942"),
        (("0", "0", "2485"), "24850000", "1942"),
        (("29", "2", "2543"), "25430229", "2000-02-29"),
        (("20", "2", "1995"), "25380220", "1995-02-20"),
    ],
)
def test_a_date_is_read_and_kept_in_both_forms(typed: tuple[str, str, str], registered: str, birthdate: str):
    born = read_birth_date(*typed, today=TODAY)
    assert (born.registered, born.birthdate) == (registered, birthdate)


@pytest.mark.parametrize(
    "typed",
    [
        ("", "", ""),
        ("1", "1", "abcd"),
        ("31", "4", "2538"),
        ("29", "2", "2542"),
        ("1", "13", "2538"),
        ("0x", "1", "2538"),
        ("1", "", "2538"),
        ("1", "1", "2570"),
        ("23", "11", "2569"),
        ("1", "1", "2399"),
        ("1", "1", "99999"),
        ("-1", "1", "2538"),
        ("1", "1", "١٩٩٥"),
    ],
)
def test_what_is_no_birth_date_is_refused_beside_its_field(typed: tuple[str, str, str]):
    with pytest.raises(PersonError) as refused:
        read_birth_date(*typed, today=TODAY)
    assert refused.value.field == "birthdate"


def test_somebody_born_today_is_not_from_the_future():
    assert read_birth_date("22", "11", "2569", today=TODAY).birthdate == "2026-11-22"


@given(st.dates(date(1900, 1, 1), TODAY))
def test_every_date_comes_back_from_the_buddhist_era(day: date):
    born = read_birth_date(str(day.day), str(day.month), str(day.year + 543), today=TODAY)
    assert date.fromisoformat(born.birthdate) == day


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_anything_else_that_is_typed_is_refused_in_a_sentence(day: str, month: str, year: str):
    try:
        read_birth_date(day, month, year, today=TODAY)
    except PersonError:
        return
