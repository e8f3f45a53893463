"""The placeholder of a signature: its field, its widget and what it shows, written as one incremental update.

ISO 32000-2 sections 12.7.5.5 and 12.8.1; ETSI EN 319 142-1 section 6.3 for the entries of the signature dictionary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from io import BytesIO
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.form_tools import get_single_field_annot
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.sign.fields import SigSeedSubFilter, ensure_sig_flags, enumerate_sig_fields, prepare_sig_field
from pyhanko.sign.signers.constants import ESIC_EXTENSION_1
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from signing.appearance import Appearance
from signing.child.continuation import continuation_of
from signing.child.document import Page, Updates, open_updates, page_of
from signing.child.drawing import draw_appearance
from signing.child.permission import is_signing_permitted
from signing.errors import FieldTaken, PlaceOutsidePage, SigningNotPermitted
from signing.prepared import Placement

ROUNDING = 0.5  # points a placement may stick out
ROTATIONS = {  # how the drawing is turned so that it stands upright on a turned page
    0: (1, 0, 0, 1, 0, 0),
    90: (0, 1, -1, 0, 0, 0),
    180: (-1, 0, 0, -1, 0, 0),
    270: (0, -1, 1, 0, 0, 0),
}


def add_placeholder(stream: BytesIO, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Answers with where the gap is, how the file goes on, and the bytes to append to the original."""
    length = stream.getbuffer().nbytes
    updates = open_updates(stream)
    if not is_signing_permitted(updates.prev):
        raise SigningNotPermitted
    placement = Placement(**arguments["placement"]) if arguments["placement"] else None
    field_name = check_field_name(updates, arguments["field_name"])
    page, box = locate(updates, placement)
    gap_start, gap_end, output = write(updates, field_name, page, box, arguments)
    answer = {
        "gap_start": gap_start,
        "gap_end": gap_end,
        "field_name": field_name,
        "continuation": asdict(continuation_of(output)),
    }
    return answer, output.getbuffer()[length:].tobytes()


def check_field_name(updates: Updates, wanted: str) -> str:
    """A field of this name that is still empty, a new one of this name, or a new one of the next free name."""
    filled = {name: value is not None for name, value, _ in enumerate_sig_fields(updates)}
    if wanted:
        if filled.get(wanted):
            raise FieldTaken(wanted)
        return wanted
    number = 1
    while f"Signature{number}" in filled:
        number += 1
    return f"Signature{number}"


def locate(updates: Updates, placement: Placement | None) -> tuple[Page, tuple[float, float, float, float] | None]:
    """The page and the rectangle in its own coordinates; None where the signature is invisible."""
    if placement is None:
        return page_of(updates.prev, 1), None
    page = page_of(updates.prev, placement.page)
    width, height = page.size
    right, top = placement.left + placement.width, placement.bottom + placement.height
    inside = (
        min(placement.left, placement.bottom) >= -ROUNDING and right <= width + ROUNDING and top <= height + ROUNDING
    )
    if not inside or placement.width <= 0 or placement.height <= 0:
        raise PlaceOutsidePage
    corners = (unturned(page, placement.left, placement.bottom), unturned(page, right, top))
    (one, two), (three, four) = corners
    return page, (min(one, three), min(two, four), max(one, three), max(two, four))


def unturned(page: Page, across: float, up: float) -> tuple[float, float]:
    """From the page as shown to its own coordinates: /Rotate is clockwise."""
    left, bottom, right, top = page.box
    return {
        0: (left + across, bottom + up),
        90: (right - up, bottom + across),
        180: (right - across, top - up),
        270: (left + up, top - across),
    }[page.rotation]


def write(
    updates: Updates,
    field_name: str,
    page: Page,
    box: tuple[float, float, float, float] | None,
    arguments: Mapping[str, Any],
) -> tuple[int, int, BytesIO]:
    """Field, appearance, signature dictionary, bytes."""
    _, field_reference = prepare_sig_field(field_name, updates.root, updates, box=box, include_on_page=page.reference)
    ensure_sig_flags(updates)
    field = field_reference.get_object()
    if arguments["appearance"]:
        said = arguments["appearance"]
        appearance = Appearance(**{**said, "at": datetime.fromisoformat(said["at"])})
        show(updates, get_single_field_annot(field), page, appearance)
    signature = SignatureObject(
        timestamp=datetime.fromisoformat(arguments["at"]),
        subfilter=SigSeedSubFilter.PADES,
        reason=arguments["reason"] or None,
        bytes_reserved=2 * arguments["reserved"],
    )
    field[pdf_name("/V")] = updates.add_object(signature)
    updates.mark_update(field_reference)
    updates.register_extension(ESIC_EXTENSION_1)
    output = BytesIO()
    filling = signature.fill(updates, "sha256", output=output)
    prepared, _ = next(filling)
    return prepared.reserved_region_start, prepared.reserved_region_end, output


def show(updates: Updates, widget: Any, page: Page, appearance: Appearance) -> None:
    """Section 12.5.5: the drawing as the widget's normal appearance, upright as the page is shown."""
    left, bottom, right, top = (float(number) for number in widget["/Rect"])
    width, height = abs(right - left), abs(top - bottom)
    if not width or not height:
        return
    if page.rotation in (90, 270):
        width, height = height, width
    drawing = draw_appearance(updates, appearance, width, height)
    drawing["/Matrix"] = generic.ArrayObject(generic.NumberObject(number) for number in ROTATIONS[page.rotation])
    widget["/AP"] = generic.DictionaryObject({pdf_name("/N"): updates.add_object(drawing)})
    if page.rotation:
        widget["/MK"] = generic.DictionaryObject({pdf_name("/R"): generic.NumberObject(page.rotation)})
    updates.update_container(widget)
