"""A birth date as the register has it: in the Buddhist era, day and month possibly unknown.

The Buddhist year is the common year plus 543, as the card's chip writes it. Stored is the Gregorian date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from core.errors import PersonError
from core.i18n import BUDDHIST_ERA
from enrollment.evidence.citizen_number import western_digits

EARLIEST = 2400  # พ.ศ.: nobody living was born before
NUMBER = re.compile(r"[0-9]{1,4}")


@dataclass(frozen=True)
class BirthDate:
    """`year` is of the Buddhist era; `month` and `day` are 0 where the register does not know them."""

    year: int
    month: int
    day: int

    @property
    def registered(self) -> str:
        """YYYYMMDD of the Buddhist era, 00 for what is unknown: the form of the card's chip and of the register."""
        return f"{self.year:04}{self.month:02}{self.day:02}"

    @property
    def birthdate(self) -> str:
        """OpenID Connect Core section 5.1: `YYYY-MM-DD`, or the year alone."""
        year = self.year - BUDDHIST_ERA
        return f"{year:04}-{self.month:02}-{self.day:02}" if self.day else f"{year:04}"


def read_birth_date(day: str, month: str, year: str, *, today: date, field: str = "birthdate") -> BirthDate:
    """Thai or Western digits; an empty day, or day and month, means unknown. Raises PersonError beside its field.

    A year of the common era is understood too: no Buddhist year of a living person looks like one.
    """
    read = [western_digits(part).strip() for part in (day, month, year)]
    if not read[2]:
        raise PersonError("Please enter your year of birth.", field=field)
    if any(part and not NUMBER.fullmatch(part) for part in read):
        raise PersonError("Please write the date of birth in digits, such as 9 2 2535.", field=field)
    number = [int(part or 0) for part in read]
    born = BirthDate(buddhist_year(number[2]), number[1], number[0])
    check_birth_date(born, today=today, field=field)
    return born


def buddhist_year(year: int) -> int:
    return year + BUDDHIST_ERA if EARLIEST - BUDDHIST_ERA <= year < EARLIEST else year


def check_birth_date(born: BirthDate, *, today: date, field: str) -> None:
    if born.day and not born.month:
        raise PersonError("Please enter the month too, or leave both day and month empty.", field=field)
    try:
        earliest = date(born.year - BUDDHIST_ERA, born.month or 1, born.day or 1)
    except ValueError as error:
        raise PersonError("There is no such date. Please check day, month and year.", field=field) from error
    if born.year < EARLIEST or earliest > today:
        raise PersonError("This cannot be your date of birth. Please check the year, such as 2535.", field=field)
