"""Validation by ETSI EN 319 102-1: a report for every file, never an exception."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from core.settings import Settings
from signing.trust_anchors import TrustAnchors

Indication = Literal["TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"]
Modification = Literal["none", "allowed", "forbidden"]


@dataclass(frozen=True, kw_only=True)
class TimeStampReport:
    kind: Literal["signature", "document"]
    time: datetime | None
    indication: Indication
    subindication: str | None
    authority: str  # the time-stamp authority's common name
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CertificateReport:
    subject: str  # RFC 4514
    common_name: str
    organization: str
    issuer: str
    serial_number: str  # hex
    not_before: datetime
    not_after: datetime
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SignatureReport:
    field: str
    indication: Indication
    subindication: str | None
    level: str
    signer: str
    signing_time: datetime | None  # best signature time where one is proven, else as claimed
    covers_whole_document: bool
    modification: Modification
    time_stamps: tuple[TimeStampReport, ...]
    reasons: tuple[str, ...]
    chain: tuple[CertificateReport, ...]  # the signer's first
    proven_time: datetime | None
    claimed_time: datetime | None
    claimed_reason: str
    changes: tuple[str, ...]  # what was added after: "evidence", "time-stamp", "signature", "form", "annotation", "other"


@dataclass(frozen=True, kw_only=True)
class ValidationReport:
    readable: bool
    signatures: tuple[SignatureReport, ...]
    sha256: str
    pages: int
    reasons: tuple[str, ...] = ()
    reference: str = ""  # of a crash inside, for the log

    def to_json(self, file: str) -> dict[str, Any]:
        """The JSON of `prajak verify`."""
        raise NotImplementedError

    @property
    def exit_code(self) -> Literal[0, 1, 2, 3]:
        """0: all TOTAL-PASSED and none forbidden; 1: some not; 2: no readable PDF; 3: no signature."""
        raise NotImplementedError


def validate(
    source: bytes | Path,
    *,
    settings: Settings,
    anchors: TrustAnchors,
    at: datetime,
    revocation: Sequence[bytes] = (),
) -> ValidationReport:
    """Never raises for what is in the file; PdfTooLarge is the one refusal. `revocation` are DER CRLs and OCSP
    responses known beside the document (our own CA's newest)."""
    raise NotImplementedError
