"""Plain words: who, when, and whether anything was changed since."""

from __future__ import annotations

from datetime import timedelta

from signing.errors import UnreadablePdf
from signing.pades import Level
from signing.reasons import Reason
from signing.report import CHANGES, HEADLINES, LASTING, NO_SIGNATURE, ONE_VALID, SIGNED_PROVEN, PlainReport, plain
from tests.signing.test_validation import other_page, updated
from tests.signing.workshop import Workshop, plain_pdf


def told(workshop: Workshop, pdf: bytes, **how: object) -> PlainReport:
    return plain(workshop.validates(pdf, **how))


def messages(report: PlainReport) -> list[str]:
    (_, _, sentences), *_ = report.signatures
    return [sentence.message for sentence in sentences]


def test_a_good_signature_is_green_with_its_time(workshop: Workshop):
    report = told(workshop, workshop.signs(plain_pdf()))
    assert (report.colour, report.headline.message) == ("green", ONE_VALID)
    (_, _, sentences), *_ = report.signatures
    assert sentences[0].message == SIGNED_PROVEN
    assert sentences[0].values == {"signer": "นายอนันต์ ใจดี", "time": workshop.pki.clock.now()}
    assert messages(report)[1:] == [CHANGES["evidence"], LASTING]


def test_what_cannot_be_confirmed_is_amber_with_the_reason(workshop: Workshop):
    report = told(workshop, workshop.signs(plain_pdf(), level=Level.B_B))
    assert (report.colour, report.headline.message) == ("amber", HEADLINES["amber"])
    assert Reason.STATUS_UNKNOWN in messages(report)
    assert CHANGES["whole"] in messages(report)


def test_a_change_after_the_signature_is_red(workshop: Workshop):
    report = told(workshop, updated(workshop.signs(plain_pdf()), other_page))
    assert (report.colour, report.headline.message) == ("red", HEADLINES["red"])
    assert CHANGES["forbidden"] in messages(report)


def test_a_changed_document_is_red(workshop: Workshop):
    report = told(workshop, workshop.signs(plain_pdf(), level=Level.B_B).replace(b"of the letter", b"of the litter"))
    assert report.colour == "red"
    assert messages(report)[1:] == [CHANGES["content"], Reason.CONTENT_CHANGED]


def test_no_signature_is_said_plainly(workshop: Workshop):
    assert told(workshop, plain_pdf()).headline.message == NO_SIGNATURE


def test_a_file_that_cannot_be_read_is_no_document_without_a_signature(workshop: Workshop):
    report = told(workshop, b"hello")
    assert (report.colour, report.headline.message) == ("red", UnreadablePdf().message)


def test_expired_is_amber_and_says_why(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    at = workshop.pki.clock.now() + timedelta(days=800)
    assert Reason.OUT_OF_VALIDITY in messages(told(workshop, signed, at=at))
