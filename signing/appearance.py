"""What a visible signature says: the official's name and position, the Buddhist-era date, and the way to the verifier.

The words and their order follow the signature block of a Thai official letter (Office of the Prime Minister's
regulation on correspondence, B.E. 2526): the name in parentheses, the position under it, on one axis. How it is drawn
is in `signing/child/drawing.py`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Literal

BANGKOK = timezone(timedelta(hours=7), "ICT")
BUDDHIST_ERA = 543
NATURAL_WIDTH, NATURAL_HEIGHT = 227.0, 79.0  # points, 8 x 2.8 cm; the drawing scales into any placement
MANY = 4  # lines of position and agency
GREY = 0.25
LONGEST_LINE = 46  # characters; a longer position or agency is parted at its middle space

MONTHS = {
    "th": "มกราคม กุมภาพันธ์ มีนาคม เมษายน พฤษภาคม มิถุนายน กรกฎาคม สิงหาคม กันยายน ตุลาคม พฤศจิกายน ธันวาคม",
    "en": "January February March April May June July August September October November December",
}
THAI_DIGITS = str.maketrans("0123456789", "๐๑๒๓๔๕๖๗๘๙")

WORDS: Mapping[str, Mapping[str, str]] = {
    "th": {
        "signature": "ลงลายมือชื่ออิเล็กทรอนิกส์",
        "seal": "ประทับตราอิเล็กทรอนิกส์",
        "caption": "สแกนเพื่อตรวจสอบ",
    },
    "en": {
        "signature": "Electronically signed",
        "seal": "Electronically sealed",
        "caption": "Scan to verify",
    },
}


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """`qr_url` leads to the public verifier. A seal leaves `position` empty; a line break in it is kept."""

    name: str
    position: str
    agency: str
    at: datetime  # shown in Bangkok's time, in the Buddhist era
    qr_url: str
    language: Literal["th", "en"] = "th"
    kind: Literal["signature", "seal"] = "signature"

    @property
    def words(self) -> Mapping[str, str]:
        return WORDS[self.language]


@dataclass(frozen=True)
class Line:
    text: str
    size: float
    bold: bool = False
    grey: float = 0.0


def lines_of(appearance: Appearance) -> list[Line]:
    """From top to bottom; what is empty is left out, and many lines are smaller ones."""
    under = [*parted(appearance.position), *parted(appearance.agency)]
    small, large, ordinary = (7.6, 11.5, 9.2) if len(under) < MANY else (6.8, 10.5, 7.6)
    name = f"({appearance.name})" if appearance.kind == "signature" else appearance.name
    return [
        Line(appearance.words[appearance.kind], small, grey=GREY),
        Line(name, large, bold=True),
        *(Line(text, ordinary) for text in under),
        Line(written_date(appearance.at, appearance.language), small, grey=GREY),
    ]


def parted(text: str) -> list[str]:
    """By its own line breaks, and a very long line at the space nearest its middle."""
    lines: list[str] = []
    for line in filter(None, (part.strip() for part in text.splitlines())):
        spaces = [place for place, letter in enumerate(line) if letter == " "]
        if len(line) > LONGEST_LINE and spaces:
            middle = min(spaces, key=lambda place: abs(place - len(line) // 2))
            lines += [line[:middle], line[middle + 1 :]]
        else:
            lines.append(line)
    return lines


def written_date(at: datetime, language: Literal["th", "en"]) -> str:
    """๒๒ พฤศจิกายน พ.ศ. ๒๕๖๙ เวลา ๑๙.๔๙ น., in Thai digits as official letters have them."""
    local = at.astimezone(BANGKOK)
    month, year = MONTHS[language].split()[local.month - 1], local.year + BUDDHIST_ERA
    if language == "th":
        return f"{local.day} {month} พ.ศ. {year} เวลา {local:%H.%M} น.".translate(THAI_DIGITS)
    return f"{local.day} {month} {local.year} (B.E. {year}), {local:%H:%M} ICT"
