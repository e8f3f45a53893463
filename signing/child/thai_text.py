"""Text in a PDF as Thai needs it: shaped by HarfBuzz, from a full embedded font.

Marks are placed by the font (GPOS), descenders give way to lower vowels (GSUB), and SARA AM is drawn as NIKHAHIT and
SARA AA with the tone mark between them, as the script has it. Because of that last one, glyphs alone do not give the
letters back in their order: each line carries its exact text (ISO 32000-2 section 14.9.4, ActualText), which pdftotext
and screen readers take; a viewer that ignores it copies SARA AM in its two parts.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import uharfbuzz as untyped_uharfbuzz
from fontTools.ttLib import TTFont
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name

from signing.child.document import Updates

uharfbuzz: Any = untyped_uharfbuzz
FONTS = Path(__file__).resolve().parent.parent / "fonts"
Face = Literal["Regular", "Bold"]
THOUSAND = 1000  # glyph space, ISO 32000-2 section 9.2.4
CODE_NAME = re.compile(r"uni((?:[0-9A-F]{4})+)(?:\.|$)")
NONSYMBOLIC, UPRIGHT_STEM = 32, 80
BOLD_STEM = 140


@dataclass(frozen=True)
class Glyph:
    """In thousandths of the size: what HarfBuzz moved it by, and what the font would have advanced."""

    number: int
    advance: float
    across: float
    up: float
    text: str  # of ToUnicode


@dataclass
class EmbeddedFont:
    """One face in one document; the glyphs used so far, for the widths and ToUnicode."""

    face: Face
    used: dict[int, str] = field(default_factory=dict)

    def shape(self, text: str) -> list[Glyph]:
        glyphs = shaped(self.face, text)
        for glyph in glyphs:
            self.used.setdefault(glyph.number, glyph.text)
        return glyphs

    def width(self, text: str, size: float) -> float:
        return sum(glyph.advance for glyph in self.shape(text)) * size / THOUSAND

    def line(self, text: str, size: float) -> bytes:
        """Operators of one line: TJ for what moves across, Ts for what moves up, ActualText around it."""
        parts: list[bytes] = []
        array: list[bytes] = []
        rise, kept = 0.0, 0.0

        def flush() -> None:
            if array:
                parts.append(b"[" + b"".join(array) + b"]TJ")
                array.clear()

        for glyph in self.shape(text):
            if glyph.up != rise:
                flush()
                parts.append(b"%s Ts" % number(glyph.up * size / THOUSAND))
                rise = glyph.up
            before = kept - glyph.across
            if round(before, 2):
                array.append(number(before))
            array.append(b"<%04X>" % glyph.number)
            kept = glyph.across + natural_advance(self.face, glyph.number) - glyph.advance
        flush()
        if rise:
            parts.append(b"0 Ts")
        actual = ("\ufeff" + text).encode("utf-16-be").hex().upper().encode()
        return b"/Span<</ActualText<%s>>>BDC\n%s\nEMC" % (actual, b" ".join(parts))

    def embed(self, updates: Updates) -> Any:
        """Section 9.7: a Type 0 font over the whole TrueType program, glyph numbers as codes."""
        ttf = opened(self.face)
        descendant = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Font"),
                pdf_name("/Subtype"): pdf_name("/CIDFontType2"),
                pdf_name("/BaseFont"): pdf_name(f"/Sarabun-{self.face}"),
                pdf_name("/CIDSystemInfo"): generic.DictionaryObject(
                    {
                        pdf_name("/Registry"): generic.pdf_string("Adobe"),
                        pdf_name("/Ordering"): generic.pdf_string("Identity"),
                        pdf_name("/Supplement"): generic.NumberObject(0),
                    }
                ),
                pdf_name("/CIDToGIDMap"): pdf_name("/Identity"),
                pdf_name("/FontDescriptor"): updates.add_object(self.descriptor(updates, ttf)),
                pdf_name("/DW"): generic.NumberObject(0),
                pdf_name("/W"): self.widths(),
            }
        )
        return updates.add_object(
            generic.DictionaryObject(
                {
                    pdf_name("/Type"): pdf_name("/Font"),
                    pdf_name("/Subtype"): pdf_name("/Type0"),
                    pdf_name("/BaseFont"): pdf_name(f"/Sarabun-{self.face}"),
                    pdf_name("/Encoding"): pdf_name("/Identity-H"),
                    pdf_name("/DescendantFonts"): generic.ArrayObject([updates.add_object(descendant)]),
                    pdf_name("/ToUnicode"): updates.add_object(stream(self.to_unicode())),
                }
            )
        )

    def descriptor(self, updates: Updates, ttf: Any) -> generic.DictionaryObject:
        """Section 9.8."""
        scale = THOUSAND / ttf["head"].unitsPerEm
        head, metrics = ttf["head"], ttf["hhea"]
        values: Mapping[str, float] = {
            "/Flags": NONSYMBOLIC,
            "/ItalicAngle": 0,
            "/Ascent": metrics.ascent * scale,
            "/Descent": metrics.descent * scale,
            "/CapHeight": ttf["OS/2"].sCapHeight * scale,
            "/StemV": BOLD_STEM if self.face == "Bold" else UPRIGHT_STEM,
        }
        box = (head.xMin, head.yMin, head.xMax, head.yMax)
        entries = {
            pdf_name("/Filter"): pdf_name("/FlateDecode"),
            pdf_name("/Length1"): generic.NumberObject(font_file(self.face).stat().st_size),
        }
        program = generic.StreamObject(entries, encoded_data=compressed(self.face))
        return generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/FontDescriptor"),
                pdf_name("/FontName"): pdf_name(f"/Sarabun-{self.face}"),
                pdf_name("/FontBBox"): generic.ArrayObject(generic.NumberObject(round(edge * scale)) for edge in box),
                pdf_name("/FontFile2"): updates.add_object(program),
                **{pdf_name(key): generic.NumberObject(round(value)) for key, value in values.items()},
            }
        )

    def widths(self) -> generic.ArrayObject:
        """Section 9.7.4.3, of the glyphs in use."""
        entries: list[Any] = []
        for used in sorted(self.used):
            advance = generic.FloatObject(round(natural_advance(self.face, used), 3))
            entries += [generic.NumberObject(used), generic.ArrayObject([advance])]
        return generic.ArrayObject(entries)

    def to_unicode(self) -> bytes:
        """Section 9.10.3."""
        pairs = [
            b"<%04X> <%s>" % (used, text.encode("utf-16-be").hex().upper().encode())
            for used, text in sorted(self.used.items())
            if text
        ]
        blocks = [pairs[start : start + 100] for start in range(0, len(pairs), 100)]
        mappings = b"\n".join(b"%d beginbfchar\n%s\nendbfchar" % (len(block), b"\n".join(block)) for block in blocks)
        return CMAP % mappings


CMAP = b"""/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <FFFF>
endcodespacerange
%s
endcmap
CMapName currentdict /CMap defineresource pop
end
end"""


def font_file(face: Face) -> Path:
    return FONTS / f"Sarabun-{face}.ttf"


@cache
def opened(face: Face) -> Any:
    return TTFont(font_file(face))


@cache
def compressed(face: Face) -> bytes:
    """The whole font program, as it is embedded."""
    return zlib.compress(font_file(face).read_bytes(), 9)


@cache
def harfbuzz_font(face: Face) -> Any:
    return uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(str(font_file(face)))))


@cache
def letters(face: Face) -> Mapping[int, str]:
    """Glyph number to the characters the font draws with it: by its table, else by the glyph's name
    (`uni0E4D0E49` is NIKHAHIT with MAI THO, `uni0E31.narrow` a MAI HAN-AKAT that moved).
    """
    ttf = opened(face)
    named = {
        ttf.getGlyphID(name): bytes.fromhex(match[1]).decode("utf-16-be")
        for name in ttf.getGlyphOrder()
        if (match := CODE_NAME.match(name))
    }
    return named | {ttf.getGlyphID(name): chr(code) for code, name in sorted(ttf.getBestCmap().items(), reverse=True)}


@cache
def natural_advance(face: Face, glyph: int) -> float:
    font = harfbuzz_font(face)
    return float(font.get_glyph_h_advance(glyph) * THOUSAND / font.face.upem)


def shaped(face: Face, text: str) -> list[Glyph]:
    """Clusters by character, so that an alternate glyph still knows its letter."""
    font = harfbuzz_font(face)
    buffer = uharfbuzz.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    buffer.cluster_level = uharfbuzz.BufferClusterLevel.MONOTONE_CHARACTERS
    uharfbuzz.shape(font, buffer)
    scale = THOUSAND / font.face.upem
    return [
        Glyph(
            info.codepoint,
            place.x_advance * scale,
            place.x_offset * scale,
            place.y_offset * scale,
            letters(face).get(info.codepoint, text[info.cluster]),
        )
        for info, place in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    ]


def number(value: float) -> bytes:
    return f"{value:.3f}".rstrip("0").rstrip(".").encode() if round(value, 3) else b"0"


def stream(data: bytes) -> generic.StreamObject:
    written = generic.StreamObject(stream_data=data)
    written.compress()
    return written
