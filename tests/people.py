"""Fictional people of the register whom the sandbox has not enrolled: one for each test that needs somebody new."""

from __future__ import annotations

from itertools import count

from enrollment.civil_registry.fictional_people import FictionalPerson, Standing, person
from idp.sandbox.people import citizens

FIRST = max(each.number for each in citizens()) + 1
numbers = count(FIRST)


def somebody_new() -> FictionalPerson:
    """Alive, with a card in force and both names; never the same twice in one run."""
    for number in numbers:
        found = person(number)
        if found.standing is Standing.ALIVE and not found.note and found.family_name_th:
            return found
    raise AssertionError("count never ends")
