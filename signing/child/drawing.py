"""The visible signature as PDF content: the block of a Thai official letter beside the QR code to the verifier."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import segno
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from signing.appearance import GREY, NATURAL_HEIGHT, NATURAL_WIDTH, Appearance, Line, lines_of
from signing.child.document import Updates
from signing.child.thai_text import EmbeddedFont, number, stream

LINE_HEIGHT = 1.5  # Thai needs room for two marks above and a vowel below; less where there are many lines
MARGIN = 5.0
QR_SIDE = 58.0
QUIET_ZONE = 2  # modules; ISO/IEC 18004 asks for 4, the paper around gives the rest
CAPTION_SIZE = 6.6
BASELINE = 0.32  # of the line's height, below the middle


@dataclass
class Canvas:
    operators: list[bytes] = field(default_factory=list)
    regular: EmbeddedFont = field(default_factory=lambda: EmbeddedFont("Regular"))
    bold: EmbeddedFont = field(default_factory=lambda: EmbeddedFont("Bold"))

    def draw(self, *operators: bytes) -> None:
        self.operators.extend(operators)

    def text(self, line: Line, *, centre: float, baseline: float, width: float) -> None:
        """Centred on an axis, as the letter has it; shrunk where it is too long."""
        font, name = (self.bold, b"/B") if line.bold else (self.regular, b"/R")
        natural = font.width(line.text, line.size)
        size = line.size * min(1.0, width / natural) if natural else line.size
        left = centre - font.width(line.text, size) / 2
        self.draw(
            b"BT %s %s Tf %s g %s %s Td" % (name, number(size), number(line.grey), number(left), number(baseline)),
            font.line(line.text, size),
            b"ET",
        )


def draw_appearance(updates: Updates, appearance: Appearance, width: float, height: float) -> generic.StreamObject:
    """Section 8.10: a form XObject of this size; the block keeps its proportions and stands in the middle."""
    canvas = Canvas()
    scale = min(width / NATURAL_WIDTH, height / NATURAL_HEIGHT)
    left, bottom = (width - NATURAL_WIDTH * scale) / 2, (height - NATURAL_HEIGHT * scale) / 2
    canvas.draw(b"q %s 0 0 %s %s %s cm" % (number(scale), number(scale), number(left), number(bottom)))
    draw_block(canvas, appearance)
    draw_qr(canvas, appearance)
    canvas.draw(b"Q")
    drawing = stream(b"\n".join(canvas.operators))
    drawing.update(
        {
            pdf_name("/Type"): pdf_name("/XObject"),
            pdf_name("/Subtype"): pdf_name("/Form"),
            pdf_name("/BBox"): generic.ArrayObject(generic.FloatObject(edge) for edge in (0, 0, width, height)),
            pdf_name("/Resources"): resources(updates, canvas),
        }
    )
    return drawing


def resources(updates: Updates, canvas: Canvas) -> generic.DictionaryObject:
    fonts = {"/R": canvas.regular, "/B": canvas.bold}
    used: dict[Any, Any] = {pdf_name(name): font.embed(updates) for name, font in fonts.items() if font.used}
    return generic.DictionaryObject({pdf_name("/Font"): generic.DictionaryObject(used)})


def draw_block(canvas: Canvas, appearance: Appearance) -> None:
    """The lines, one under the other on one axis, in the middle of the height."""
    width = NATURAL_WIDTH - QR_SIDE - 3 * MARGIN
    lines = lines_of(appearance)
    sizes = sum(line.size for line in lines)
    line_height = min(LINE_HEIGHT, (NATURAL_HEIGHT - MARGIN) / sizes)
    top = (NATURAL_HEIGHT + sizes * line_height) / 2
    for line in lines:
        room = line.size * line_height
        baseline = top - room / 2 - line.size * BASELINE
        canvas.text(line, centre=MARGIN + width / 2, baseline=baseline, width=width)
        top -= room


def draw_qr(canvas: Canvas, appearance: Appearance) -> None:
    """ISO/IEC 18004, each row's runs of dark modules as one rectangle; the caption stands below."""
    rows = [bytes(row) for row in segno.make(appearance.qr_url, error="m", micro=False).matrix]
    side = len(rows) + 2 * QUIET_ZONE
    module = QR_SIDE / side
    left = NATURAL_WIDTH - MARGIN - QR_SIDE
    bottom = NATURAL_HEIGHT - MARGIN / 2 - QR_SIDE
    canvas.draw(b"q 1 g %s %s %s %s re f 0 g" % tuple(number(edge) for edge in (left, bottom, QR_SIDE, QR_SIDE)))
    canvas.draw(b"%s 0 0 %s %s %s cm" % (number(module), number(module), number(left), number(bottom)))
    for position, row in enumerate(rows):
        height = side - QUIET_ZONE - 1 - position
        canvas.draw(*(b"%d %d %d 1 re" % (QUIET_ZONE + start, height, length) for start, length in dark_runs(row)))
    canvas.draw(b"f Q")
    caption = Line(appearance.words["caption"], CAPTION_SIZE, grey=GREY)
    canvas.text(caption, centre=left + QR_SIDE / 2, baseline=bottom - CAPTION_SIZE * 0.75, width=QR_SIDE + MARGIN)


def dark_runs(row: bytes) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    for position, dark in enumerate(row):
        if dark and runs and sum(runs[-1]) == position:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        elif dark:
            runs.append((position, 1))
    return runs
