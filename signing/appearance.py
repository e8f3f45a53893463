"""What a visible signature shows: the official's name and position in Thai, the Buddhist-era date, and a QR code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Appearance:
    """`qr_url` leads to the public verifier. A seal leaves `position` empty."""

    name: str
    position: str
    agency: str
    at: datetime  # shown in Bangkok's time, in the Buddhist era
    qr_url: str
    language: Literal["th", "en"] = "th"
    kind: Literal["signature", "seal"] = "signature"


NATURAL_WIDTH, NATURAL_HEIGHT = 227.0, 79.0  # points, 8 x 2.8 cm; the drawing scales into any placement
