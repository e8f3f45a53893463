"""The code on the back of the card."""

from __future__ import annotations

import pytest

from core.errors import PersonError
from enrollment.evidence.laser_code import read_laser_code


@pytest.mark.parametrize(
    "typed", ["AB1-2345678-90", "ab1234567890", " AB1 2345678 90", "AB๑-๒๓๔๕๖๗๘-๙๐", "AB1–2345678–90"]
)
def test_it_is_read_however_it_is_typed(typed: str):
    assert read_laser_code(typed) == "AB1234567890"


def test_letters_read_for_digits_become_digits_behind_the_two_letters():
    assert read_laser_code("OI1-O3456I8-90") == "OI1034561890"


@pytest.mark.parametrize(
    "typed", ["", "1234567890AB", "AB123456789", "AB12345678901", "กข1234567890", "AB1234567890<", "ＡＢ1234567890"]
)
def test_another_form_is_refused_beside_its_field(typed: str):
    with pytest.raises(PersonError) as refused:
        read_laser_code(typed)
    assert refused.value.field == "laser_code"
