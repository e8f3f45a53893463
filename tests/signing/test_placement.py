"""Where the signature goes, from what a form says."""

from __future__ import annotations

import pytest

from signing.appearance import NATURAL_HEIGHT, NATURAL_WIDTH
from signing.errors import PlaceOutsidePage
from signing.placement import MARGIN, placement_from_form

A4 = (595.0, 842.0)


def placed(page_sizes=(A4,), **form):
    return placement_from_form({"page": "1", **form}, page_sizes)


@pytest.mark.parametrize(
    ("corner", "left", "bottom"),
    [
        ("bottom-left", MARGIN, MARGIN),
        ("bottom-right", 595 - NATURAL_WIDTH - MARGIN, MARGIN),
        ("top-left", MARGIN, 842 - NATURAL_HEIGHT - MARGIN),
        ("top-right", 595 - NATURAL_WIDTH - MARGIN, 842 - NATURAL_HEIGHT - MARGIN),
    ],
)
def test_a_corner_keeps_its_margin(corner, left, bottom):
    placement = placed(place=corner)
    assert (placement.left, placement.bottom) == (left, bottom)
    assert (placement.width, placement.height) == (NATURAL_WIDTH, NATURAL_HEIGHT)


def test_a_chosen_point_is_the_lower_left_corner():
    placement = placed(place="chosen", x="12.5", y="0")
    assert (placement.left, placement.bottom) == (12.5, 0)


def test_on_a_small_page_the_signature_is_smaller():
    placement = placed([(120.0, 60.0)], place="bottom-right")
    assert placement.left >= 0
    assert placement.left + placement.width <= 120
    assert placement.bottom + placement.height <= 60


def test_each_page_has_its_own_size():
    placement = placement_from_form({"page": "2", "place": "top-left"}, [A4, (842.0, 595.0)])
    assert (placement.page, placement.bottom) == (2, 595 - NATURAL_HEIGHT - MARGIN)


def test_a_browsers_rounding_is_forgiven_and_no_more():
    placed(place="chosen", x="-0.4", y="0")
    with pytest.raises(PlaceOutsidePage):
        placed(place="chosen", x="-0.6", y="0")


def test_a_page_smaller_than_any_signature_takes_none():
    with pytest.raises(PlaceOutsidePage):
        placed([(3.0, 3.0)], place="bottom-right")
