"""Every signature of a document judged: ETSI EN 319 102-1 section 5.6 over ISO 32000-2 section 12.8.

1. open the file; find every signature field that is filled
2. the shape of each signature in the file
3. what is known: certificates and revocation answers in the document, and beside it
4. document time-stamps, the newest first: each valid one proves what it covers, so the next is judged as of then
5. each signature: cryptography, its time-stamps, its certificate as of the best signature time
6. what was added after it, and the level it reached
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Any

from asn1crypto import x509
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.ades.report import AdESFailure
from pyhanko.sign.fields import enumerate_sig_fields
from pyhanko.sign.validation import EmbeddedPdfSignature

from signing.child.changes import Changes, changes_after
from signing.child.description import describe_certificate, describe_claims
from signing.child.document import open_reader, pages_of
from signing.child.findings import Finding, Outcome, iso
from signing.child.integrity import check_signature
from signing.child.known import Known
from signing.child.levels import NOT_ETSI, level_of
from signing.child.paths import SIGNER_USAGE, Paths
from signing.child.ranges import TIME_STAMP_SUBFILTER, Coverage, check_shape
from signing.child.tokens import TimeStamp, common_name, judge_token, signature_imprint, signature_tokens
from signing.errors import UnreadablePdf
from signing.reasons import Reason

BROKEN = (PdfError, ValueError, KeyError, TypeError, IndexError, AttributeError, AssertionError, RecursionError)


@dataclass
class Found:
    """One filled signature field, as far as it could be read."""

    name: str
    outcome: Outcome = field(default_factory=Outcome)
    signature: EmbeddedPdfSignature | None = None
    coverage: Coverage | None = None

    @property
    def is_time_stamp(self) -> bool:
        return self.signature is not None and self.signature.sig_object.get("/SubFilter") == TIME_STAMP_SUBFILTER


def judge_document(stream: BytesIO, arguments: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """`anchors` and `revocation` are DER in hexadecimal, `at` an ISO time."""
    reader = open_reader(stream, password=b"")
    with stream.getbuffer() as file:
        found = find_signatures(reader, file)
        at = datetime.fromisoformat(arguments["at"])
        anchors = [x509.Certificate.load(bytes.fromhex(one)) for one in arguments["anchors"]]
        known = Known()
        known.add_store(reader.root)
        known.add_revocation(bytes.fromhex(one) for one in arguments["revocation"])
        for one in found:
            if one.signature is not None:
                add_certificates(known, one.signature)
        stamping = [x509.Certificate.load(bytes.fromhex(one)) for one in arguments.get("time_stamp_anchors", ())]
        judge = Judge(reader, file, found, Paths(anchors, known, at, stamping), at)
        signatures = asyncio.run(judge.judge())
    return {"pages": page_count(reader), "signatures": signatures}, b""


def page_count(reader: PdfFileReader) -> int:
    """0 where the page tree is broken: that is not what is judged here."""
    try:
        return len(pages_of(reader))
    except UnreadablePdf:
        return 0


def find_signatures(reader: PdfFileReader, file: memoryview) -> list[Found]:
    """Steps 1 and 2, in the order of the revisions; a field that is filled with something else is a finding too."""
    found = [read_field(reader, name or "", field_, file) for name, _, field_ in filled_fields(reader)]
    return sorted(found, key=lambda one: one.signature.signed_revision if one.signature else -1)


def filled_fields(reader: PdfFileReader) -> list[tuple[str, Any, Any]]:
    try:
        return list(enumerate_sig_fields(reader, filled_status=True))
    except BROKEN as error:
        raise UnreadablePdf from error


def read_field(reader: PdfFileReader, name: str, field_: Any, file: memoryview) -> Found:
    found = Found(name)
    try:
        found.signature = EmbeddedPdfSignature(reader, field_, name)
        found.coverage = check_shape(found.signature, file)
    except Finding as finding:
        found.outcome.found(finding)
    except BROKEN:
        found.outcome.found(Finding(AdESFailure.FORMAT_FAILURE, Reason.UNREADABLE))
    return found


def add_certificates(known: Known, signature: EmbeddedPdfSignature) -> None:
    known.add_signed_data(signature.signed_data)
    try:
        for token in signature_tokens(signature.signed_data):
            known.add_signed_data(token)
    except BROKEN:
        return


@dataclass
class Judge:
    reader: PdfFileReader
    file: memoryview
    found: list[Found]
    paths: Paths
    at: datetime
    stamps: list[tuple[Found, TimeStamp]] = field(default_factory=list)

    async def judge(self) -> list[dict[str, Any]]:
        await self.judge_document_time_stamps()
        return [await self.judge_signature(one) for one in self.found if not one.is_time_stamp]

    async def judge_document_time_stamps(self) -> None:
        """Step 4. A time-stamp that does not hold proves nothing, and the one before is judged as of now."""
        proven_at = self.at
        for found in reversed([one for one in self.found if one.is_time_stamp]):
            stamp = await self.judge_document_time_stamp(found, proven_at)
            self.stamps.insert(0, (found, stamp))
            if stamp.outcome.passed and stamp.time is not None and found.signature is not None:
                proven_at = stamp.time
                root = self.reader.get_historical_root(found.signature.signed_revision)
                self.prove_evidence(root, proven_at)

    async def judge_document_time_stamp(self, found: Found, proven_at: datetime) -> TimeStamp:
        if found.coverage is None or found.signature is None:
            return TimeStamp("document", found.outcome)
        return await judge_token(
            found.signature.signed_data,
            found.signature.compute_digest,
            kind="document",
            paths=self.paths.stamping,
            proven_at=proven_at,
        )

    def prove_evidence(self, root: Any, moment: datetime) -> None:
        """What stood in the security store of a stamped revision existed then; the oldest proof counts."""
        store = Known()
        store.add_store(root)
        for data in (*store.ocsps, *store.crls):
            self.paths.known.proven[data] = moment

    async def judge_signature(self, found: Found) -> dict[str, Any]:
        """Steps 5 and 6; whatever a hostile signature brings about inside is a finding."""
        report = blank(found)
        if found.signature is None or found.coverage is None:
            return report
        later = self.stamps_after(found.signature)
        stamps: list[TimeStamp] = []
        report.update(describe_claims(found.signature))
        try:
            await self.judge_cms(found, report, stamps, later)
        except Finding as finding:
            found.outcome.found(finding)
        except BROKEN:
            found.outcome.found(Finding(AdESFailure.FORMAT_FAILURE, Reason.NOT_WELL_FORMED))
        all_stamps = [*stamps, *later]
        changes = self.changes(found.signature, found.coverage, later)
        report["level"] = level_of(found.signature, stamps=stamps, later=self.stamped_revisions(later))
        report["covers_whole_document"] = found.coverage.is_whole(self.file)
        report["modification"], report["changes"] = changes.modification, list(changes.kinds)
        report["time_stamps"] = [stamp.as_json() for stamp in all_stamps]
        report.update(found.outcome.as_json())
        report["reasons"] = [*found.outcome.reasons, *filter(None, [changes.reason])]
        return report

    async def judge_cms(
        self, found: Found, report: dict[str, Any], stamps: list[TimeStamp], later: list[TimeStamp]
    ) -> None:
        """1. the signature verifies; 2. the best signature time: of the earliest valid time-stamp; 3. the certificate
        as of then.
        """
        signature = found.signature
        if signature is None:
            return
        proven_at = min([self.at, *(stamp.time for stamp in later if stamp.outcome.passed and stamp.time)])
        certificate = check_signature(signature.signed_data, signature.compute_digest, "data")
        report["signer"] = common_name(certificate)
        report["chain"] = [describe_certificate(certificate)]
        for token in signature_tokens(signature.signed_data):
            imprint = signature_imprint(signature.signed_data)
            stamps.append(
                await judge_token(token, imprint, kind="signature", paths=self.paths.stamping, proven_at=proven_at)
            )
        valid = [stamp.time for stamp in stamps if stamp.outcome.passed and stamp.time]
        used_at = min([proven_at, *valid])
        proven = [*valid, *(stamp.time for stamp in later if stamp.outcome.passed and stamp.time)]
        report["proven_time"] = iso(min(proven)) if proven else None
        path = await self.paths.judge(certificate, used_at=used_at, proven_at=proven_at, usage=SIGNER_USAGE)
        report["chain"] = [describe_certificate(one) for one in reversed(list(path.iter_certs(include_root=True)))]

    def stamps_after(self, signature: EmbeddedPdfSignature) -> list[TimeStamp]:
        """Document time-stamps of a later revision: they cover this signature."""
        return [
            stamp
            for found, stamp in self.stamps
            if found.signature is not None and found.signature.signed_revision > signature.signed_revision
        ]

    def stamped_revisions(self, later: list[TimeStamp]) -> list[tuple[int, TimeStamp]]:
        return [
            (found.signature.signed_revision, stamp)
            for found, stamp in self.stamps
            if found.signature is not None and any(stamp is one for one in later)
        ]

    def changes(self, signature: EmbeddedPdfSignature, coverage: Coverage, later: list[TimeStamp]) -> Changes:
        """A document time-stamp that no longer fits says that bytes after the signature were changed."""
        changes = changes_after(signature, coverage, self.file)
        if changes.modification != "forbidden" and any(stamp.outcome.broken for stamp in later):
            return Changes("forbidden", (*changes.kinds, "other"), Reason.CHANGED_AFTER_TIME_STAMP)
        return changes


def blank(found: Found) -> dict[str, Any]:
    """What is said of a signature that could not even be read."""
    return {
        "field": found.name,
        "level": NOT_ETSI,
        "signer": "",
        "covers_whole_document": False,
        "modification": "forbidden",
        "changes": ["other"],
        "time_stamps": [],
        "chain": [],
        "proven_time": None,
        "claimed_time": None,
        "claimed_reason": "",
        **found.outcome.as_json(),
    }
