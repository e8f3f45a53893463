"""Names in Thai and in Latin letters: read, brought to one spelling, compared.

Thai marks are vowels and tones, not ornaments: a normaliser that strips combining marks makes ใจดี and ใจดู one name.
So marks are put in order and kept; only Latin letters lose theirs. NFKC is not used: it takes ำ (U+0E33) apart.
Thai is compared with Thai and Latin with Latin, never transliterated.
"""

from __future__ import annotations

import re
import unicodedata

from core.errors import PersonError

INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u2060\ufeff]")
TONE, ABOVE_BELOW = "[\u0e48-\u0e4c]", "[\u0e31\u0e34-\u0e3a\u0e47]"
SARA_AM_TAKEN_APART = re.compile(f"({TONE}?)\u0e4d({TONE}?)\u0e32")
SARA_AM_BEFORE_TONE = re.compile(f"\u0e33({TONE})")
TONE_BEFORE_VOWEL = re.compile(f"({TONE})({ABOVE_BELOW})")
DOUBLED_MARK = re.compile("([\u0e31\u0e34-\u0e3a\u0e47-\u0e4e])\\1+")
STARTS_A_SYLLABLE = re.compile("[\u0e01-\u0e2e\u0e40-\u0e44]")
THAI_NAME = re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e .'\u2019-]+")
LATIN_NAME = re.compile("[A-Za-z\u00c0-\u024f\u1e00-\u1eff .'\u2019-]+")
MAX_LENGTH = 100  # the chip's field

# Set apart by a space or a full stop, any of these is a title.
TITLES = (
    "นาย", "นางสาว", "นาง", "น.ส.", "นส.", "เด็กชาย", "ด.ช.", "ดช.", "เด็กหญิง", "ด.ญ.", "ดญ.",
)  # fmt: skip
# Written together with the name, นาง stays: some given names begin with it, and its bearer could never enrol.
ATTACHED_TITLES = ("นางสาว", "เด็กชาย", "เด็กหญิง", "น.ส.", "ด.ช.", "ด.ญ.", "นาย")


def normalised(name: str) -> str:
    """One spelling for what looks the same: marks in order, ำ whole, แ as one letter, single spaces."""
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", name))
    text = SARA_AM_TAKEN_APART.sub("\\1\\2\u0e33", text)
    text = text.replace("\u0e40\u0e40", "\u0e41")
    before = ""
    while text != before:
        before = text
        text = TONE_BEFORE_VOWEL.sub("\\2\\1", SARA_AM_BEFORE_TONE.sub("\\1\u0e33", text))
        text = DOUBLED_MARK.sub("\\1", text)
    return " ".join(text.replace("\u2019", "'").split())


def without_title(name: str) -> str:
    """A normalised name without the title before it; never less than a whole syllable is left."""
    for title in TITLES:
        rest = name.removeprefix(title).lstrip()
        if name.startswith(title + " ") and STARTS_A_SYLLABLE.match(rest):
            return rest
    for title in ATTACHED_TITLES:
        rest = name.removeprefix(title)
        if name.startswith(title) and len(rest) > 1 and STARTS_A_SYLLABLE.match(rest):
            return rest
    return name


def same_name(one: str, other: str) -> bool:
    """The same name in the same script, whatever title, order of marks, case or accents it was written with."""
    return comparable(one) == comparable(other) != ""


def comparable(name: str) -> str:
    text = without_title(normalised(name))
    if any("\u0e00" <= character <= "\u0e7f" for character in text):
        return text
    folded = unicodedata.normalize("NFD", text.casefold())
    return re.sub(r"[\s'\-]+", "", "".join(each for each in folded if unicodedata.category(each) != "Mn"))


def read_thai_name(typed: str, *, field: str, required: bool = True) -> str:
    """Raises PersonError beside its field."""
    name = without_title(normalised(typed))
    if not name or name == "-":
        if required:
            raise PersonError("Please enter your name as it stands on your card.", field=field)
        return ""
    if len(name) > MAX_LENGTH or not THAI_NAME.fullmatch(name) or "\u0e3f" in name:
        raise PersonError("Please write the name in Thai letters, as it stands on your card.", field=field)
    return name


def read_latin_name(typed: str, *, field: str, required: bool = True) -> str:
    """The card's English line. Raises PersonError beside its field."""
    name = " ".join(INVISIBLE.sub("", unicodedata.normalize("NFC", typed)).replace("\u2019", "'").split())
    if not name or name == "-":
        if required:
            raise PersonError("Please enter the name in English letters, as it stands on the card.", field=field)
        return ""
    if len(name) > MAX_LENGTH or not LATIN_NAME.fullmatch(name):
        raise PersonError("Please write the name in English letters, as it stands on the card.", field=field)
    return name
