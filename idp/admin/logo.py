"""A client's logo: fetched once or uploaded, read as an image, and written anew as a PNG that we serve ourselves.

An agency's server never learns who looks at a consent page, and nothing that is not pixels survives: no script in an
SVG, no metadata, no second file behind the first.
"""

from __future__ import annotations

import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from core.errors import PersonError
from core.outbound import Outbound, OutboundFailed, OutboundRefused

MAX_BYTES = 200 * 1024
MAX_SIDE = 4000  # pixels, as sent
SIDE = 192  # pixels, as served: twice the largest place a page gives it
FORMATS = ("PNG", "JPEG", "WEBP")
LOGO_TYPE = "image/png"


def fetch_logo(outbound: Outbound, url: str) -> bytes:
    """Raises PersonError for field `logo_uri`. Called outside any transaction."""
    try:
        answer = outbound.get(url, max_bytes=MAX_BYTES)
    except (OutboundRefused, OutboundFailed) as error:
        raise PersonError("The logo could not be fetched: %(why)s.", field="logo_uri", why=str(error)) from error
    if answer.status != 200:  # noqa: PLR2004 - OK
        raise PersonError("The logo could not be fetched: %(why)s.", field="logo_uri", why=f"HTTP {answer.status}")
    return reencode_logo(answer.body, field="logo_uri")


def reencode_logo(image: bytes, *, field: str) -> bytes:
    """Raises PersonError for what is not a small PNG, JPEG or WebP."""
    if len(image) > MAX_BYTES:
        raise PersonError("The logo is larger than %(limit)s kB.", field=field, limit=MAX_BYTES // 1024)
    try:
        with warnings.catch_warnings(), Image.open(BytesIO(image), formats=FORMATS) as opened:
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            if max(opened.size) > MAX_SIDE:
                raise PersonError("The logo is wider or higher than %(limit)s pixels.", field=field, limit=MAX_SIDE)
            pixels = opened.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombWarning) as error:
        raise PersonError("The logo must be a PNG, JPEG or WebP picture.", field=field) from error
    pixels.thumbnail((SIDE, SIDE))
    written = BytesIO()
    pixels.save(written, "PNG", optimize=True)
    return written.getvalue()
