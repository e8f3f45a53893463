"""Validation by ETSI EN 319 102-1: a report for every file, never an exception for what is in it.

The parent never parses: the limited child judges (`signing/child/verdict.py`), here its answer becomes values. A child
that was stopped or crashed is a FORMAT_FAILURE with a reference that stands in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from cryptography import x509

from core.identifiers import new_id
from core.settings import Settings
from keys.certificate_files import load_certificates
from signing.cms import der_of
from signing.errors import EncryptedPdf, PdfTooComplex, PdfTooLarge, UnreadablePdf
from signing.limited_child import ChildFailed, Stopped, run
from signing.pdf_input import digest_of
from signing.reasons import Reason
from signing.trust_anchors import TrustAnchors

logger = logging.getLogger(__name__)

Indication = Literal["TOTAL-PASSED", "INDETERMINATE", "TOTAL-FAILED"]
Modification = Literal["none", "allowed", "forbidden"]
Change = Literal["evidence", "time-stamp", "signature", "form", "other"]


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
    subject: str
    common_name: str
    organization: str
    issuer: str
    serial_number: str  # hex
    not_before: datetime
    not_after: datetime
    sha256: str


@dataclass(frozen=True, kw_only=True)
class SignatureReport:
    """`reasons` and those of the time-stamps are gettext msgids (`signing/reasons.py`)."""

    field: str
    indication: Indication
    subindication: str | None
    level: str
    signer: str
    covers_whole_document: bool
    modification: Modification
    time_stamps: tuple[TimeStampReport, ...]
    reasons: tuple[str, ...]
    chain: tuple[CertificateReport, ...]  # the signer's first
    proven_time: datetime | None  # best signature time, EN 319 102-1 section 5.5.4, where a time-stamp proves one
    claimed_time: datetime | None
    claimed_reason: str
    changes: tuple[Change, ...]  # what was added after it

    @property
    def signing_time(self) -> datetime | None:
        """As proven, else as claimed."""
        return self.proven_time or self.claimed_time

    def to_json(self) -> dict[str, Any]:
        return {
            "field": self.field,
            "indication": self.indication,
            "subindication": self.subindication,
            "level": self.level,
            "signer": self.signer,
            "signing_time": rfc3339(self.signing_time),
            "covers_whole_document": self.covers_whole_document,
            "modification": self.modification,
            "timestamps": [time_stamp_to_json(stamp) for stamp in self.time_stamps],
            "reasons": list(self.reasons),
        }


@dataclass(frozen=True, kw_only=True)
class ValidationReport:
    """`readable` False: no PDF that can be judged; `encrypted` says that a password would be needed."""

    readable: bool
    signatures: tuple[SignatureReport, ...]
    sha256: str
    pages: int = 0
    encrypted: bool = False
    reasons: tuple[str, ...] = ()
    reference: str = ""  # of a crash inside, as the log has it

    def to_json(self, file: str) -> dict[str, Any]:
        """The JSON of `prajak verify`; `reasons` and `reference` only where the file itself gave them."""
        of_file: dict[str, Any] = {"reasons": list(self.reasons)} if self.reasons else {}
        if self.reference:
            of_file["reference"] = self.reference
        return {"file": file, "signatures": [one.to_json() for one in self.signatures], **of_file}

    @property
    def exit_code(self) -> Literal[0, 1, 2, 3]:
        """0: all TOTAL-PASSED and none forbidden; 1: some not; 2: no readable PDF; 3: no signature."""
        if not self.readable:
            return 2
        if not self.signatures:
            return 3
        return 0 if all(is_good(one) for one in self.signatures) else 1


def is_good(signature: SignatureReport) -> bool:
    return signature.indication == "TOTAL-PASSED" and signature.modification != "forbidden"


def validate(
    source: bytes | Path,
    *,
    settings: Settings,
    anchors: TrustAnchors,
    at: datetime,
    revocation: Sequence[bytes] = (),
) -> ValidationReport:
    """Never raises for what is in the file; PdfTooLarge is the one refusal. `revocation` are DER CRLs and OCSP
    responses known beside the document (our own CA's newest).
    """
    check_size(source, settings)
    digest, _ = digest_of(source)
    stamping = load_certificates(settings.tsa_trust) if settings.tsa_trust else []
    arguments = {
        "anchors": [hexadecimal(one) for one in anchors.certificates],
        "time_stamp_anchors": [hexadecimal(one) for one in stamping],
        "at": at.isoformat(),
        "revocation": [one.hex() for one in revocation],
    }
    try:
        answer, _ = run("judge", arguments, source, max_bytes=settings.max_pdf_bytes)
    except (UnreadablePdf, EncryptedPdf) as refusal:
        encrypted = isinstance(refusal, EncryptedPdf)
        return ValidationReport(
            readable=False, signatures=(), sha256=digest, encrypted=encrypted, reasons=(refusal.message,)
        )
    except (PdfTooComplex, Stopped):
        return not_judged(digest, Reason.VALIDATION_STOPPED, "stopped by its limits")
    except ChildFailed as failure:
        return not_judged(digest, Reason.VALIDATION_FAILED, failure.cause)
    signatures = tuple(signature_from(one) for one in answer["signatures"])
    return ValidationReport(readable=True, signatures=signatures, sha256=digest, pages=answer["pages"])


def check_size(source: bytes | Path, settings: Settings) -> None:
    """Before a byte is read."""
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > settings.max_pdf_bytes:
        raise PdfTooLarge(settings.max_pdf_bytes)


def not_judged(digest: str, reason: Reason, cause: str) -> ValidationReport:
    """Section 5.1.3, table 2: what cannot be processed is a FORMAT_FAILURE; the file is not called good."""
    reference = new_id()
    logger.error("a validation did not finish: %s, reference %s", cause, reference)
    signature = SignatureReport(
        field="",
        indication="TOTAL-FAILED",
        subindication="FORMAT_FAILURE",
        level="",
        signer="",
        covers_whole_document=False,
        modification="forbidden",
        time_stamps=(),
        reasons=(reason,),
        chain=(),
        proven_time=None,
        claimed_time=None,
        claimed_reason="",
        changes=("other",),
    )
    return ValidationReport(
        readable=True, signatures=(signature,), sha256=digest, reasons=(reason,), reference=reference
    )


def signature_from(said: Mapping[str, Any]) -> SignatureReport:
    return SignatureReport(
        field=said["field"],
        indication=said["indication"],
        subindication=said["subindication"],
        level=said["level"],
        signer=said["signer"],
        covers_whole_document=said["covers_whole_document"],
        modification=said["modification"],
        time_stamps=tuple(time_stamp_from(one) for one in said["time_stamps"]),
        reasons=tuple(said["reasons"]),
        chain=tuple(certificate_from(one) for one in said["chain"]),
        proven_time=moment(said["proven_time"]),
        claimed_time=moment(said["claimed_time"]),
        claimed_reason=said["claimed_reason"],
        changes=tuple(said["changes"]),
    )


def time_stamp_from(said: Mapping[str, Any]) -> TimeStampReport:
    return TimeStampReport(**{**said, "time": moment(said["time"]), "reasons": tuple(said["reasons"])})


def time_stamp_to_json(stamp: TimeStampReport) -> dict[str, Any]:
    return {
        "type": stamp.kind,
        "time": rfc3339(stamp.time),
        "authority": stamp.authority,
        "indication": stamp.indication,
        "subindication": stamp.subindication,
        "reasons": list(stamp.reasons),
    }


def certificate_from(said: Mapping[str, Any]) -> CertificateReport:
    dates = {name: datetime.fromisoformat(said[name]) for name in ("not_before", "not_after")}
    return CertificateReport(**{**said, **dates})


def moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def rfc3339(time: datetime | None) -> str | None:
    """RFC 3339 section 5.6, with Z for UTC."""
    return time.isoformat().replace("+00:00", "Z") if time else None


def hexadecimal(certificate: x509.Certificate) -> str:
    return der_of(certificate).hex()
