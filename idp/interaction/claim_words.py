"""Claims and legal bases in a person's words: what belongs together is one line, as its owner would write it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from flask_babel import gettext, lazy_gettext

from core import i18n
from idp.oidc.claims import CITIZEN_NUMBER, VERIFIED_CLAIMS

# One line of the page: the claims that say the same thing, and what a person calls it.
LINES: tuple[tuple[tuple[str, ...], Any], ...] = (
    (("name#th", "salutation#th", "given_name#th", "family_name#th"), lazy_gettext("Name in Thai")),
    (("name", "salutation", "given_name", "family_name"), lazy_gettext("Name in English")),
    ((CITIZEN_NUMBER,), lazy_gettext("Citizen number")),
    (("birthdate",), lazy_gettext("Date of birth")),
    (("email", "email_verified"), lazy_gettext("E-mail address")),
    (("phone_number", "phone_number_verified"), lazy_gettext("Telephone number")),
    (("address", "address#th"), lazy_gettext("Address in the house registration")),
    ((VERIFIED_CLAIMS,), lazy_gettext("How your identity was proven")),
)

# Personal Data Protection Act B.E. 2562, sections 19 and 24.
LEGAL_BASES = {
    "consent": lazy_gettext("Your consent (Personal Data Protection Act, section 19)"),
    "contract": lazy_gettext("A contract with you (Personal Data Protection Act, section 24(3))"),
    "public_task": lazy_gettext("A task in the public interest (Personal Data Protection Act, section 24(4))"),
    "legitimate_interest": lazy_gettext("A legitimate interest (Personal Data Protection Act, section 24(5))"),
    "legal_obligation": lazy_gettext("A duty under a law (Personal Data Protection Act, section 24(6))"),
    "vital_interest": lazy_gettext("Danger to life or health (Personal Data Protection Act, section 24(2))"),
}


# Of records in the claims catalogue: how openly their holder may speak of them.
CLASSIFICATIONS = {
    "open": lazy_gettext("Open data"),
    "internal": lazy_gettext("For official use"),
    "confidential": lazy_gettext("Confidential"),
    "secret": lazy_gettext("Secret"),
}


def classification_label(word: str) -> str:
    return str(CLASSIFICATIONS.get(word, word))


def line_of(name: str) -> int:
    """Which line a claim stands on; an unknown claim gets one of its own: hiding it would be worse."""
    return next((number for number, (names, _label) in enumerate(LINES) if name in names), len(LINES))


def line_label(names: tuple[str, ...]) -> str:
    number = line_of(names[0])
    return str(LINES[number][1]) if number < len(LINES) else ", ".join(names)


def line_value(values: Mapping[str, Any]) -> str:
    """The values of one line as its owner would write them; empty where nothing is known."""
    if len(values) == 1:
        return shown_value(*next(iter(values.items())))
    whole = next((name for name in ("name#th", "name", "email", "phone_number", "address") if values.get(name)), None)
    if whole is not None:
        return shown_value(whole, values[whole])
    return " ".join(shown_value(name, value) for name, value in values.items() if value)


def legal_basis_label(legal_basis: str) -> str:
    """A registered word in the person's language; anything else is the agency's own text."""
    return str(LEGAL_BASES.get(legal_basis, legal_basis))


def shown_value(name: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if name == "birthdate":
        return shown_birthdate(str(value))
    if name == CITIZEN_NUMBER:
        return str(i18n.format_citizen_number(str(value)))
    if name == VERIFIED_CLAIMS:
        return gettext("Identity level %(ial)s, the evidence for it and when it was checked", ial=f"IAL{value}")
    if isinstance(value, dict):
        return str(value.get("formatted", "")).replace("\n", " ")
    if isinstance(value, bool):
        return gettext("Confirmed") if value else gettext("Not confirmed")
    return str(value)


def shown_birthdate(value: str) -> str:
    """OpenID Connect Core section 5.1: `YYYY-MM-DD`, or the year alone."""
    try:
        return i18n.format_date(date.fromisoformat(value))
    except ValueError:
        era = i18n.BUDDHIST_ERA if i18n.language() == "th" else 0
        return str(int(value[:4]) + era) if value[:4].isascii() and value[:4].isdigit() else value
