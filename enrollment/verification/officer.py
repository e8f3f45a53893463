"""What an officer does with a card and its holder in front of the desk, and what that is worth as checks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from core.errors import PersonError
from core.i18n import BUDDHIST_ERA
from enrollment.dossier import Outcome
from enrollment.evidence.birth_date import read_birth_date
from enrollment.evidence.contact import Contact

LIFELONG = "99991231"
NEVER = 9999  # the year that the chip writes for a card without an end


class Feature(StrEnum):
    """What must be found on a genuine card, looked at and touched."""

    HOLOGRAM = "hologram"
    PHOTO = "photo"
    MICROPRINT = "microprint"
    UNDAMAGED = "undamaged"


class Face(StrEnum):
    """The officer's comparison of the person present with the card's photograph."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


@dataclass(frozen=True)
class Inspection:
    """Read from the card by the officer. `card_expires` is YYYYMMDD in the Buddhist era."""

    laser_code: str
    card_expires: str
    features: frozenset[Feature]
    face: Face
    title_th: str
    title: str
    given_name: str
    family_name: str
    note: str
    new_contact: Contact | None = None  # the citizen lost every way in: where the link for a new passkey goes

    def card_outcome(self, today: date) -> Outcome:
        in_force = self.card_expires >= registered(today)
        return "pass" if in_force and self.features == frozenset(Feature) else "fail"

    @property
    def face_outcome(self) -> Outcome:
        outcomes: dict[Face, Outcome] = {Face.SAME: "pass", Face.DIFFERENT: "fail", Face.UNSURE: "inconclusive"}
        return outcomes[self.face]

    def kept(self) -> dict[str, object]:
        """What the case keeps of it; the laser code is not kept."""
        return {
            "card_expires": self.card_expires,
            "features": sorted(self.features),
            "face": self.face.value,
            "title_th": self.title_th,
            "title": self.title,
            "given_name": self.given_name,
            "family_name": self.family_name,
            "note": self.note,
            "new_contact": [self.new_contact.channel, self.new_contact.address] if self.new_contact else [],
        }


def registered(day: date) -> str:
    return f"{day.year + BUDDHIST_ERA:04}{day.month:02}{day.day:02}"


def read_expiry(day: str, month: str, year: str, *, field: str = "expiry_day") -> str:
    """A date of the Buddhist era; `ตลอดชีพ` cards are written as the year 9999. Raises PersonError beside its field."""
    if year.strip() == str(NEVER) and not (day.strip() or month.strip()):
        return LIFELONG
    if not (day.strip() and month.strip()):
        raise PersonError("Please enter day, month and year of expiry, or only 9999 for a card for life.", field=field)
    return read_birth_date(day, month, year, today=date.max, field=field).registered
