"""Where the visible signature goes, from what a form says: a corner, or a point that was chosen on the page."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from signing.appearance import NATURAL_HEIGHT, NATURAL_WIDTH
from signing.errors import PageNotThere, PlaceOutsidePage
from signing.prepared import Placement

MARGIN = 36.0  # points: half an inch, inside what printers can print
CORNERS = ("bottom-right", "bottom-left", "top-right", "top-left")
CHOSEN = "chosen"


def placement_from_form(form: Mapping[str, str], page_sizes: Sequence[tuple[float, float]]) -> Placement:
    """`page`, `place` (a corner or `chosen`), and for `chosen` `x` and `y`: the lower left corner in points."""
    page = parse_page(form.get("page", ""), len(page_sizes))
    width, height = size_on(page_sizes[page - 1])
    place = form.get("place", "")
    if place == CHOSEN:
        left, bottom = parse_length(form.get("x", "")), parse_length(form.get("y", ""))
    elif place in CORNERS:
        left, bottom = corner(place, page_sizes[page - 1], width, height)
    else:
        raise PlaceOutsidePage
    return inside(Placement(page=page, left=left, bottom=bottom, width=width, height=height), page_sizes[page - 1])


def size_on(page_size: tuple[float, float]) -> tuple[float, float]:
    """The signature's natural size, or smaller where the page is small."""
    scale = min(1.0, (page_size[0] - 4) / NATURAL_WIDTH, (page_size[1] - 4) / NATURAL_HEIGHT)
    if scale <= 0:
        raise PlaceOutsidePage
    return NATURAL_WIDTH * scale, NATURAL_HEIGHT * scale


def corner(name: str, page_size: tuple[float, float], width: float, height: float) -> tuple[float, float]:
    beside = min(MARGIN, (page_size[0] - width) / 2)
    below = min(MARGIN, (page_size[1] - height) / 2)
    left = page_size[0] - width - beside if name.endswith("right") else beside
    bottom = page_size[1] - height - below if name.startswith("top") else below
    return left, bottom


def parse_page(text: str, pages: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= pages:  # noqa: PLR2004
        raise PageNotThere(pages)
    return int(text)


def parse_length(text: str) -> float:
    """A plain decimal number; `float` alone would take `nan`, `1e300` and Thai digits."""
    if not text.isascii() or len(text) > 20 or not text.replace(".", "", 1).replace("-", "", 1).isdigit():  # noqa: PLR2004
        raise PlaceOutsidePage
    return float(text)


def inside(placement: Placement, page_size: tuple[float, float]) -> Placement:
    """Refuses what is off the page; half a point is forgiven, for a browser's rounding."""
    slack = 0.5
    values = (placement.left, placement.bottom, placement.width, placement.height)
    right, top = placement.left + placement.width, placement.bottom + placement.height
    fits = placement.left >= -slack and placement.bottom >= -slack
    if not all(map(math.isfinite, values)) or not fits or right > page_size[0] + slack or top > page_size[1] + slack:
        raise PlaceOutsidePage
    return placement
