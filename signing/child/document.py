"""Opening a PDF: readable, not encrypted, and its pages as a person sees them (ISO 32000-2 section 7.7.3.3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from itertools import islice
from typing import Any

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.decode_limits import DEFAULT_PURPOSE_LIMITS, DecodeLimits, DecodePurpose, StreamDecodeLimits
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfDecodeLimitError, PdfError, PdfReadError
from pyhanko.pdf_utils.reader import PdfFileReader

from signing.errors import EncryptedPdf, PageNotThere, PdfTooComplex, UnreadablePdf

MOST_PAGES = 5000
DEEPEST_TREE = 64
MEGABYTE = 1024 * 1024
DECODE_LIMITS = DecodeLimits(  # a cross-reference stream of two million objects is a bomb
    per_purpose={**DEFAULT_PURPOSE_LIMITS, DecodePurpose.XREF_STREAM: StreamDecodeLimits(max_output_size=16 * MEGABYTE)}
)
INHERITED = ("/MediaBox", "/CropBox", "/Rotate")
A4 = (0.0, 0.0, 595.276, 841.89)


class Updates(IncrementalPdfFileWriter):
    """An incremental update that changes what it is told to and nothing else: no producer, no dates, so that PDF/A's
    metadata stays as it was.
    """

    def _update_meta(self) -> None:
        return


@dataclass(frozen=True)
class Page:
    """`box` is the visible area in the page's own coordinates, `rotation` clockwise in degrees."""

    reference: generic.IndirectObject
    box: tuple[float, float, float, float]
    rotation: int

    @property
    def size(self) -> tuple[float, float]:
        """As shown."""
        left, bottom, right, top = self.box
        width, height = right - left, top - bottom
        return (height, width) if self.rotation in (90, 270) else (width, height)


def open_reader(stream: BytesIO, *, password: bytes | None = None) -> PdfFileReader:
    """Raises UnreadablePdf, EncryptedPdf or PdfTooComplex. With a password, encryption alone is no refusal."""
    if b"%PDF-" not in stream.getbuffer()[:1024].tobytes():
        raise UnreadablePdf
    try:
        reader = PdfFileReader(stream, strict=False, decode_limits=DECODE_LIMITS)
        encrypted = "/Encrypt" in reader.trailer.flatten() and not decrypts(reader, password)
        if not encrypted and not isinstance(get(reader.root, "/Pages"), generic.DictionaryObject):
            raise UnreadablePdf
    except PdfDecodeLimitError as error:
        raise PdfTooComplex from error
    except (PdfError, ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise UnreadablePdf from error
    if encrypted:
        raise EncryptedPdf
    return reader


def decrypts(reader: PdfFileReader, password: bytes | None) -> bool:
    """Section 7.6.4: a document that anyone may open has the empty user password."""
    return password is not None and reader.decrypt(password).status is not AuthStatus.FAILED


def open_updates(stream: BytesIO) -> Updates:
    """The same, to be written to; new objects begin after every number the file uses, whatever its /Size says."""
    reader = open_reader(stream)
    updates = Updates(stream, prev=reader)
    updates._lastobj_id = max(updates._lastobj_id, highest_number(reader))  # noqa: SLF001 - there is no other way
    return updates


def highest_number(reader: PdfFileReader) -> int:
    """The greatest object number of any cross-reference section."""
    numbers = (
        reference.idnum
        for revision in range(reader.xrefs.total_revisions)
        for reference in reader.xrefs.explicit_refs_in_revision(revision)
    )
    return max(numbers, default=0)


def pages_of(reader: Any) -> list[Page]:
    """Every page in order; raises UnreadablePdf for a tree that is none."""
    found = list(islice(pages_in_order(reader), MOST_PAGES + 1))
    if len(found) > MOST_PAGES:
        raise PdfTooComplex
    if not found:
        raise UnreadablePdf
    return found


def page_of(reader: Any, number: int) -> Page:
    """One page, counted from 1, without looking at those behind it; raises PageNotThere."""
    if number >= 1:
        for page in islice(pages_in_order(reader), number - 1, number):
            return page
    raise PageNotThere(len(pages_of(reader)))


def pages_in_order(reader: Any) -> Iterator[Page]:
    yield from walk(reader.root.raw_get("/Pages"), {}, 0, set())


def walk(node: Any, inherited: dict[str, Any], depth: int, seen: set[Any]) -> Iterator[Page]:
    if not isinstance(node, generic.IndirectObject) or node.reference in seen or depth > DEEPEST_TREE:
        raise UnreadablePdf
    seen.add(node.reference)
    values = node.get_object()
    if not isinstance(values, generic.DictionaryObject):
        raise UnreadablePdf
    inherited = inherited | {key: values[key] for key in INHERITED if key in values}
    kids = get(values, "/Kids")
    if kids is None:
        yield Page(node, visible_box(inherited), rotation(inherited.get("/Rotate", 0)))
        return
    if not isinstance(kids, generic.ArrayObject):
        raise UnreadablePdf
    for index in range(len(kids)):
        yield from walk(kids.raw_get(index), inherited, depth + 1, seen)


def visible_box(values: dict[str, Any]) -> tuple[float, float, float, float]:
    """The crop box within the media box (section 14.11.2.1); A4 where a broken page names none."""
    media = rectangle(values.get("/MediaBox")) or A4
    crop = rectangle(values.get("/CropBox")) or media
    box = (max(media[0], crop[0]), max(media[1], crop[1]), min(media[2], crop[2]), min(media[3], crop[3]))
    return box if box[0] < box[2] and box[1] < box[3] else media


def rectangle(value: Any) -> tuple[float, float, float, float] | None:
    """Section 7.9.5: any two opposite corners."""
    try:
        one, two, three, four = (float(number) for number in entries(value))
    except (TypeError, ValueError, PdfReadError):
        return None
    box = (min(one, three), min(two, four), max(one, three), max(two, four))
    return box if box[0] < box[2] and box[1] < box[3] else None


def get(values: Any, key: str, default: Any = None) -> Any:
    """The value under this key, its reference followed; of what is no dictionary, the default."""
    try:
        return values[key] if isinstance(values, generic.DictionaryObject) else default
    except KeyError:
        return default


def entries(values: Any) -> list[Any]:
    """The entries of an array, their references followed; of what is no array, none."""
    return [values[index] for index in range(len(values))] if isinstance(values, generic.ArrayObject) else []


def rotation(value: Any) -> int:
    try:
        return int(value) % 360 // 90 * 90
    except (TypeError, ValueError):
        return 0
