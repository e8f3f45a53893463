"""Thai first, English by a switch that stays. Every text stands in both languages where it is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from flask import request

COOKIE = "language"
LANGUAGES = ("th", "en")
BANGKOK = timezone(timedelta(hours=7))
MONTHS = (
    "มกราคม", "กุมภาพันธ์", "มีนาคม", "เมษายน", "พฤษภาคม", "มิถุนายน",
    "กรกฎาคม", "สิงหาคม", "กันยายน", "ตุลาคม", "พฤศจิกายน", "ธันวาคม",
)  # fmt: skip


def language() -> str:
    chosen = request.cookies.get(COOKIE)
    return chosen if chosen in LANGUAGES else LANGUAGES[0]


def translate(thai: str, english: str) -> str:
    return thai if language() == "th" else english


def date(text: str) -> str:
    """An ISO 8601 date in long form, the Thai one in the Buddhist era."""
    day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    if language() == "th":
        return f"{day.day} {MONTHS[day.month - 1]} พ.ศ. {day.year + 543}"
    return f"{day.day} {day:%B} {day.year}"


def moment(seconds: int) -> str:
    """A NumericDate in Thailand's time."""
    at = datetime.fromtimestamp(seconds, BANGKOK)
    return f"{date(f'{at:%Y-%m-%d}')} {translate('เวลา', 'at')} {at:%H:%M} {translate('น.', '')}".strip()
