"""A validation report in plain sentences: who signed, when, and whether anything was changed since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from signing.validation import SignatureReport, ValidationReport


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """`message` is a gettext msgid, `values` fill its placeholders (dates are datetimes: format them by language)."""

    message: str
    values: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class PlainReport:
    """`colour` for the whole file: the worst of its signatures."""

    colour: Literal["green", "amber", "red"]
    headline: Sentence
    signatures: tuple[tuple[SignatureReport, Literal["green", "amber", "red"], tuple[Sentence, ...]], ...]


def plain(report: ValidationReport) -> PlainReport:
    raise NotImplementedError
