"""An uploaded document, looked at in the limited child before anything else is done with it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from core.settings import Settings


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
    concerns: tuple[Literal["scripts", "hidden-layers", "external-content", "empty-form-fields"], ...]


def check_pdf(source: bytes | Path, *, settings: Settings) -> PdfFacts:
    """Raises UnreadablePdf, EncryptedPdf, PdfTooLarge (before reading it all) or PdfTooComplex."""
    raise NotImplementedError
