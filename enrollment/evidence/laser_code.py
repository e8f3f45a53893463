"""The laser code on the back of the Thai identity card: two letters and ten digits, printed XX0-0000000-00."""

from __future__ import annotations

import re

from core.errors import PersonError
from enrollment.evidence.citizen_number import SEPARATORS, western_digits

LASER_CODE = re.compile(r"[A-Z]{2}[0-9]{10}")
READ_AS = str.maketrans("OQIL", "0011")  # letters that people read where only digits stand


def read_laser_code(typed: str, *, field: str = "laser_code") -> str:
    """With or without dashes, in any case, Thai digits too. Raises PersonError beside its field."""
    code = SEPARATORS.sub("", western_digits(typed)).upper()
    code = code[:2] + code[2:].translate(READ_AS)
    if not code:
        raise PersonError("Please enter the code on the back of your card.", field=field)
    if not LASER_CODE.fullmatch(code):
        text = "The code on the back of the card is two letters and ten digits, such as AB1-2345678-90."
        raise PersonError(text, field=field)
    return code
