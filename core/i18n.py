"""Thai first, English complete: the language of a request, its texts, its dates.

A msgid is a plain English sentence; its Thai stands in the room's `translations/th/LC_MESSAGES/messages.po`. The
catalogues are compiled in memory when the server starts, so there is no build step and nothing compiled to forget.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale
from markupsafe import Markup

LANGUAGES = ("th", "en")
DEFAULT = "th"
COOKIE = "prajak-lang"
BANGKOK = ZoneInfo("Asia/Bangkok")
BUDDHIST_ERA = 543  # years ahead of the common era
THAI_MONTHS = (
    "มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
    "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม",
)  # fmt: skip
ENGLISH_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip


class Catalogue(Domain):
    """All rooms' Thai as one; English is the msgid itself."""

    def __init__(self, thai: Translations) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.by_language = {"th": thai, "en": Translations()}

    def get_translations(self) -> Translations:
        return self.by_language.get(str(get_locale()), self.by_language[DEFAULT])


class RoomsBabel(Babel):
    """Flask-Babel with our catalogue in place of its folders of compiled files."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.catalogue = catalogue

    @property
    def domain_instance(self) -> Catalogue:
        return self.catalogue


def install(app: Flask, rooms: Sequence[Path]) -> None:
    """`rooms` are the folders whose `translations` are read; called by `idp/app.py`."""
    babel = RoomsBabel(Catalogue(load_thai(rooms)))
    babel.init_app(app, default_locale=DEFAULT, locale_selector=language)  # type: ignore[no-untyped-call]
    app.jinja_env.filters["date"] = format_date
    app.jinja_env.filters["datetime"] = format_datetime
    app.jinja_env.filters["citizen_number"] = format_citizen_number


def load_thai(rooms: Sequence[Path]) -> Translations:
    thai = Translations()
    for room in rooms:
        file = room / "translations" / "th" / "LC_MESSAGES" / "messages.po"
        if file.is_file():
            compiled = BytesIO()
            with file.open("rb") as source:
                write_mo(compiled, read_po(source, locale="th"))
            compiled.seek(0)
            thai.merge(Translations(compiled))
    return thai


def language() -> str:
    """`th` or `en`: what this request was told to use, else the person's own choice, else Thai."""
    if not has_request_context():
        return DEFAULT
    told = g.get("language") or request.cookies.get(COOKIE)
    return told if told in LANGUAGES else DEFAULT


def use_language(ui_locales: str) -> None:
    """OpenID Connect Core section 3.1.2.1 `ui_locales`: the first we speak; a person's own choice stays above it."""
    if request.cookies.get(COOKIE) in LANGUAGES:
        return
    for tag in ui_locales.split()[:10]:
        if tag.split("-")[0].lower() in LANGUAGES:
            g.language = tag.split("-")[0].lower()
            return


def thai_date(day: date) -> str:
    """22 พฤศจิกายน 2569: the long form, in the Buddhist era."""
    return f"{day.day} {THAI_MONTHS[day.month - 1]} {day.year + BUDDHIST_ERA}"


def english_date(day: date) -> str:
    return f"{day.day} {ENGLISH_MONTHS[day.month - 1]} {day.year}"


def format_date(day: date) -> str:
    """A date, or a time's date in Bangkok, in the person's language."""
    if isinstance(day, datetime):
        day = day.astimezone(BANGKOK).date()
    return thai_date(day) if language() == "th" else english_date(day)


def format_datetime(moment: datetime) -> str:
    """Bangkok time: 22 พฤศจิกายน 2569 เวลา 14:05 น."""
    local = moment.astimezone(BANGKOK)
    if language() == "th":
        return f"{thai_date(local.date())} เวลา {local:%H:%M} น."
    return f"{english_date(local.date())} at {local:%H:%M}"


def format_citizen_number(number: str) -> str | Markup:
    """1-1017-00203-45-0, as on the card."""
    if len(number) != 13:  # noqa: PLR2004 - thirteen digits, always
        return number
    return f"{number[0]}-{number[1:5]}-{number[5:10]}-{number[10:12]}-{number[12]}"
