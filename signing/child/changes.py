"""What was added after a signature, and whether it may be: ISO 32000-2 section 12.8.2.2, on pyHanko's difference
analysis. What the analysis cannot explain is forbidden, and so is whatever it fails on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import DEFAULT_DIFF_POLICY, DiffResult, ModificationLevel, SuspiciousModification
from pyhanko.sign.validation import EmbeddedPdfSignature
from pyhanko.sign.validation.status import SignatureCoverageLevel

from signing.child.document import get
from signing.child.ranges import WHITESPACE, Coverage
from signing.reasons import Reason

Modification = Literal["none", "allowed", "forbidden"]
TAIL = 1024


@dataclass(frozen=True)
class Changes:
    modification: Modification
    kinds: tuple[str, ...] = ()  # evidence, time-stamp, signature, form
    reason: str = ""


def changes_after(signature: EmbeddedPdfSignature, coverage: Coverage, file: memoryview) -> Changes:
    """1. nothing follows; 2. what follows is whole revisions to the end; 3. each of them adds only what it may."""
    if coverage.is_whole(file):
        return Changes("none")
    try:
        signature.compute_integrity_info(skip_diff=True)
        if signature.coverage is not SignatureCoverageLevel.ENTIRE_REVISION:
            return forbidden(Reason.NO_PROPER_UPDATE)
        if not ends_with_last_revision(signature.reader, file):
            return forbidden(Reason.BYTES_BEHIND_THE_END)
        result = signature.evaluate_modifications(DEFAULT_DIFF_POLICY)
        return judged(signature, result)
    except Exception:  # noqa: BLE001 - an analysis that fails, even by too deep nesting, is a finding
        return forbidden(Reason.UPDATE_NOT_ANALYSED)


def forbidden(reason: Reason) -> Changes:
    return Changes("forbidden", ("other",), reason)


def ends_with_last_revision(reader: PdfFileReader, file: memoryview) -> bool:
    """`startxref`, the last cross-reference section's place, `%%EOF`, and nothing more than white space."""
    tail = bytes(file[-TAIL:]).rstrip(WHITESPACE)
    return tail.endswith(b"%%EOF") and tail[: -len(b"%%EOF")].split()[-2:] == [
        b"startxref",
        str(reader.last_startxref).encode(),
    ]


def judged(signature: EmbeddedPdfSignature, result: DiffResult | SuspiciousModification) -> Changes:
    """The level must be one the signer allowed; long-term evidence does not count (ISO 32000-2 section 12.8.2.2.2)."""
    if not isinstance(result, DiffResult) or result.modification_level is ModificationLevel.OTHER:
        return forbidden(Reason.UPDATE_CHANGES_DOCUMENT)
    permitted = signature.docmdp_level
    if permitted is not None and result.modification_level.value > permitted.value:
        return forbidden(Reason.UPDATE_NOT_PERMITTED)
    return Changes("allowed", kinds_of(signature, result))


def kinds_of(signature: EmbeddedPdfSignature, result: DiffResult) -> tuple[str, ...]:
    """In plain words, for the report."""
    reader, revision = signature.reader, signature.signed_revision
    kinds = []
    if is_store_changed(reader, revision):
        kinds.append("evidence")
    if any(stamp.signed_revision > revision for stamp in reader.embedded_timestamp_signatures):
        kinds.append("time-stamp")
    later = [one for one in reader.embedded_regular_signatures if one.signed_revision > revision]
    if later:
        kinds.append("signature")
    if set(result.changed_form_fields) - {one.field_name for one in reader.embedded_signatures}:
        kinds.append("form")
    return tuple(kinds)


def is_store_changed(reader: PdfFileReader, revision: int) -> bool:
    def reference(root: Any) -> Any:
        return root.raw_get("/DSS") if get(root, "/DSS") is not None else None

    now, then = reference(reader.root), reference(reader.get_historical_root(revision))
    if now is None:
        return False
    return then is None or reader.xrefs.get_last_change(now.reference) > revision
