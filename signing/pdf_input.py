"""An uploaded document, looked at in the limited child before anything else is done with it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Literal

from core.settings import Settings
from signing.errors import PdfTooComplex, UnreadablePdf
from signing.limited_child import ChildFailed, Stopped, run

logger = logging.getLogger(__name__)

Concern = Literal["scripts", "hidden-layers", "external-content", "empty-form-fields"]


@dataclass(frozen=True, kw_only=True)
class ExistingField:
    """A signature field that the document brings along."""

    name: str
    kind: Literal["signature", "time-stamp", "empty"]
    page: int | None  # None: an invisible one


@dataclass(frozen=True, kw_only=True)
class PdfFacts:
    """`page_sizes` are the width and height of each page as it is shown, in points."""

    pages: int
    page_sizes: tuple[tuple[float, float], ...]
    sha256: str  # hex, of the file as uploaded
    length: int
    fields: tuple[ExistingField, ...]
    signing_permitted: bool  # False: an earlier signature closed the document (DocMDP 1)
    concerns: tuple[Concern, ...]  # what the signer should know before signing


def check_pdf(source: bytes | Path, *, settings: Settings) -> PdfFacts:
    """Raises UnreadablePdf, EncryptedPdf, PdfTooLarge (before reading it all) or PdfTooComplex."""
    with refusing():
        found, _ = run("facts", {}, source, max_bytes=settings.max_pdf_bytes)
    digest, length = digest_of(source)
    return PdfFacts(
        pages=len(found["page_sizes"]),
        page_sizes=tuple((width, height) for width, height in found["page_sizes"]),
        sha256=digest,
        length=length,
        fields=tuple(ExistingField(**one) for one in found["fields"]),
        signing_permitted=found["signing_permitted"],
        concerns=tuple(found["concerns"]),
    )


class refusing:  # noqa: N801 - reads as a statement: with refusing()
    """What the child could not finish becomes a sentence for the person; the place of a crash goes to the log."""

    def __enter__(self) -> None:
        return

    def __exit__(self, _kind: object, error: BaseException | None, _traceback: object) -> None:
        if isinstance(error, Stopped):
            raise PdfTooComplex from error
        if isinstance(error, ChildFailed):
            logger.warning("a document could not be read: %s", error.cause)
            raise UnreadablePdf from error


def digest_of(source: bytes | Path) -> tuple[str, int]:
    """SHA-256 in hexadecimal, and the length."""
    if isinstance(source, bytes):
        return sha256(source).hexdigest(), len(source)
    with source.open("rb") as file:
        return file_digest(file, "sha256").hexdigest(), source.stat().st_size
