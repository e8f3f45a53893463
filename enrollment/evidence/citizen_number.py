"""The Thai citizen number: thirteen digits, the last a check digit.

`check = (11 - sum of d_i * (13 - i) mod 11) mod 10`. It proves nothing about identity: one in ten random numbers
passes, and the third digit, whose weight is 11, is not covered. The first digit is 1 to 8 for people in the house
registration.
"""

from __future__ import annotations

import re

from core.errors import PersonError

THAI_DIGITS = str.maketrans("๐๑๒๓๔๕๖๗๘๙", "0123456789")
SEPARATORS = re.compile(r"[\s\-\u2010-\u2015\u200b]+")
CITIZEN_NUMBER = re.compile(r"[1-8][0-9]{12}")


def western_digits(text: str) -> str:
    """Thai digits as Western ones; every other character as it is."""
    return text.translate(THAI_DIGITS)


def read_citizen_number(typed: str, *, field: str = "citizen_number") -> str:
    """Thai or Western digits, with or without the card's dashes. Raises PersonError beside its field."""
    number = SEPARATORS.sub("", western_digits(typed))
    if not number:
        raise PersonError("Please enter your citizen number.", field=field)
    if not re.fullmatch(r"[0-9]{13}", number):
        raise PersonError("A citizen number has 13 digits. Please check it against your card.", field=field)
    if not CITIZEN_NUMBER.fullmatch(number) or number[12] != check_digit(number[:12]):
        raise PersonError(
            "This is not a citizen number: a digit is wrong. Please check it against your card.", field=field
        )
    return number


def check_digit(first_twelve: str) -> str:
    weighted = sum(int(digit) * (13 - place) for place, digit in enumerate(first_twelve))
    return str((11 - weighted % 11) % 10)
