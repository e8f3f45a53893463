"""The check digit, with the samples of the public description of the number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import PersonError
from enrollment.evidence.citizen_number import check_digit, read_citizen_number

THAI = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")
twelve_digits = st.from_regex(r"[1-8][0-9]{11}", fullmatch=True)


@pytest.mark.parametrize("number", ["1101700203450", "1234567890121"])
def test_published_samples_are_valid(number: str):
    assert read_citizen_number(number) == number


@pytest.mark.parametrize(
    "typed", ["1-1017-00203-45-0", " 1 1017 00203 45 0 ", "๑๑๐๑๗๐๐๒๐๓๔๕๐", "1–1017–00203–45–0", "1101700203450\n"]
)
def test_dashes_spaces_and_thai_digits_are_understood(typed: str):
    assert read_citizen_number(typed) == "1101700203450"


@pytest.mark.parametrize("typed", ["", "   ", "110170020345", "11017002034500", "110170020345x", "1101700203451", "0101700203451",
                                   "9101700203452", "١١٠١٧٠٠٢٠٣٤٥٠", "1101700203450'--", "²101700203450"])  # fmt: skip
def test_everything_else_is_refused_beside_its_field(typed: str):
    with pytest.raises(PersonError) as refused:
        read_citizen_number(typed)
    assert refused.value.field == "citizen_number"


@given(twelve_digits)
def test_the_check_digit_makes_any_twelve_digits_valid(twelve: str):
    number = twelve + check_digit(twelve)
    assert read_citizen_number(number.translate(THAI)) == number


@given(twelve_digits, st.integers(0, 11), st.integers(1, 9))
def test_a_wrong_digit_is_found_save_where_the_method_is_blind(twelve: str, place: int, by: int):
    """The third digit weighs 11, which is nothing modulo 11; and the outer `mod 10` folds 10 and 11 onto 0 and 1."""
    number = twelve + check_digit(twelve)
    wrong = number[:place] + str((int(number[place]) + by) % 10) + number[place + 1 :]
    if check_digit(wrong[:12]) == number[12]:
        assert place == 2 or number[12] in "01"
        return
    with pytest.raises(PersonError):
        read_citizen_number(wrong)
