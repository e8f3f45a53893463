"""ETSI EN 319 102-1: what is judged how, the contract's JSON, and the attacks of pdf-insecurity.org by their names."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from signing.errors import PdfTooLarge
from signing.pades import Level
from signing.reasons import Reason
from signing.trust_anchors import NoTrustAnchors, TrustAnchors
from signing.validation import SignatureReport
from tests.signing.pki import Pki
from tests.signing.workshop import PLACE, Workshop, plain_pdf, signatures_of


@pytest.fixture
def signed(workshop: Workshop) -> bytes:
    return workshop.signs(plain_pdf())


def only(workshop: Workshop, pdf: bytes, **how: object) -> SignatureReport:
    (signature,) = workshop.validates(pdf, **how).signatures
    return signature


def test_the_json_has_the_contracts_names_and_words(workshop: Workshop, signed: bytes):
    said = workshop.validates(signed).to_json("letter.pdf")
    assert set(said) == {"file", "signatures"}
    assert said["signatures"] == [
        {
            "field": "Signature1",
            "indication": "TOTAL-PASSED",
            "subindication": None,
            "level": "PAdES-BASELINE-LTA",
            "signer": "นายอนันต์ ใจดี",
            "signing_time": "2026-11-22T03:00:00Z",
            "covers_whole_document": False,
            "modification": "allowed",
            "timestamps": [
                {
                    "type": kind,
                    "time": "2026-11-22T03:00:00Z",
                    "authority": "Test TSA",
                    "indication": "TOTAL-PASSED",
                    "subindication": None,
                    "reasons": [],
                }
                for kind in ("signature", "document")
            ],
            "reasons": [],
        }
    ]


def test_a_file_without_a_signature_ends_with_3(workshop: Workshop):
    report = workshop.validates(plain_pdf())
    assert (report.exit_code, report.signatures, report.pages) == (3, (), 1)


@pytest.mark.parametrize("content", [b"", b"hello", b"%PDF-1.7\n", b"%PDF-1.7\n%%EOF", b"PK\x03\x04" * 100])
def test_a_file_that_is_no_pdf_ends_with_2(workshop: Workshop, content: bytes):
    report = workshop.validates(content)
    assert (report.exit_code, report.readable) == (2, False)


def test_a_chain_to_nobody_trusted_is_indeterminate(workshop: Workshop, signed: bytes):
    stranger = Pki.new(workshop.pki.clock).root.certificate
    signature = only(workshop, signed, anchors=TrustAnchors((stranger,)))
    assert (signature.indication, signature.subindication) == ("INDETERMINATE", "NO_CERTIFICATE_CHAIN_FOUND")
    assert signature.signer == "นายอนันต์ ใจดี"


def test_an_empty_set_of_anchors_fails():
    with pytest.raises(NoTrustAnchors):
        TrustAnchors(())


def test_an_lta_signature_outlives_its_certificate(workshop: Workshop, signed: bytes):
    at = workshop.pki.clock.now() + timedelta(days=2000)
    assert workshop.validates(signed, at=at).exit_code == 0


def test_a_signature_without_evidence_does_not(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    at = workshop.pki.clock.now() + timedelta(days=2000)
    signature = only(workshop, signed, at=at, revocation=workshop.pki.lists())
    assert (signature.indication, signature.subindication) == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")


def test_an_archive_needs_its_renewal_in_time(workshop: Workshop, signed: bytes):
    """The last time-stamp's certificate has ended, and nothing newer proves that it was ever good."""
    at = workshop.pki.clock.now() + timedelta(days=3700)
    signature = only(workshop, signed, at=at)
    assert (signature.indication, signature.subindication) == ("INDETERMINATE", "OUT_OF_BOUNDS_NO_POE")
    assert signature.time_stamps[1].reasons == (Reason.TIME_STAMP_EXPIRED,)


def test_without_a_revocation_answer_nothing_is_certain(workshop: Workshop):
    signature = only(workshop, workshop.signs(plain_pdf(), level=Level.B_T))
    assert (signature.indication, signature.subindication) == ("INDETERMINATE", "TRY_LATER")


@pytest.mark.parametrize("said", ["2.5.29.56", "0.4.0.194121.2.1"])
def test_of_a_short_term_certificate_no_status_is_asked(workshop: Workshop, said: str):
    """RFC 9608 and EN 319 412-1 section 5.2: its authority is asked about as ever, and a revocation is heard."""
    _, certificate = workshop.officer(days=1, short_term=said)
    signed = workshop.signs(plain_pdf(), level=Level.B_T)
    of_the_authorities = [workshop.pki.root.crl(), workshop.pki.issuing.ocsp(workshop.pki.time_stamps.certificate)]
    at = workshop.pki.clock.now() + timedelta(days=30)
    signature = only(workshop, signed, at=at, revocation=of_the_authorities)
    assert (signature.indication, signature.subindication) == ("TOTAL-PASSED", None)
    without = only(workshop, signed)
    assert (without.indication, without.subindication) == ("INDETERMINATE", "TRY_LATER")
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now() - timedelta(minutes=1)
    revoked = only(workshop, signed, at=at, revocation=workshop.pki.lists())
    assert (revoked.indication, revoked.subindication) == ("INDETERMINATE", "REVOKED_NO_POE")


def test_revoked_before_it_signed_is_found(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    _, certificate = workshop.officer()
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now() - timedelta(minutes=1)
    signature = only(workshop, signed, revocation=workshop.pki.lists())
    assert (signature.indication, signature.subindication) == ("INDETERMINATE", "REVOKED_NO_POE")


def test_revoked_after_it_signed_stays_valid(workshop: Workshop, signed: bytes):
    _, certificate = workshop.officer()
    workshop.pki.clock.advance(timedelta(days=30))
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now()
    assert workshop.validates(signed, revocation=workshop.pki.lists()).exit_code == 0


def test_an_old_good_answer_does_not_outweigh_a_newer_bad_one(workshop: Workshop, signed: bytes):
    """Revoked with a date in the past, as after a theft: the answer in the document said good."""
    _, certificate = workshop.officer()
    workshop.pki.clock.advance(timedelta(days=2))
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now() - timedelta(days=3)
    signature = only(workshop, signed, revocation=workshop.pki.lists())
    assert (signature.indication, signature.subindication) == ("INDETERMINATE", "REVOKED_NO_POE")


def test_revoked_after_a_proven_time_stays_valid_without_own_evidence(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), level=Level.B_T)
    _, certificate = workshop.officer()
    workshop.pki.clock.advance(timedelta(days=30))
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now()
    assert workshop.validates(signed, revocation=workshop.pki.lists()).exit_code == 0


def test_every_tampered_byte_of_what_is_signed_is_noticed(workshop: Workshop):
    """A sample: of the document, of the signature dictionary, of the padding behind the CMS."""
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    signature = signatures_of(signed)[0]
    _, first, second, _ = (int(number) for number in signature.byte_range)
    padding = second - 10
    chosen = random.Random(319102)
    places = [*(chosen.randrange(30, first) for _ in range(12)), second + 20, len(signed) - 8, padding]
    for place in places:
        changed = bytearray(signed)
        changed[place] ^= 1
        report = workshop.validates(bytes(changed), revocation=workshop.pki.lists())
        assert report.exit_code != 0, place


def test_every_tampered_byte_under_the_archive_time_stamp_is_noticed(workshop: Workshop, signed: bytes):
    chosen = random.Random(319142)
    archive = signatures_of(signed)[1]
    _, first, _, _ = (int(number) for number in archive.byte_range)
    for place in [chosen.randrange(30, first) for _ in range(12)]:
        changed = bytearray(signed)
        changed[place] ^= 1
        assert workshop.validates(bytes(changed)).exit_code != 0, place


def updated(pdf: bytes, change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    out = BytesIO()
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    change(writer)
    writer.write(out)
    return out.getvalue()


def other_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.find_page_for_modification(0)[0].get_object()
    text = generic.StreamObject(stream_data=b"BT /F1 12 Tf 72 700 Td (Pay another sum) Tj ET")
    page[pdf_name("/Contents")] = writer.add_object(text)
    writer.update_container(page)


def note_on_top(writer: IncrementalPdfFileWriter) -> None:
    page = writer.find_page_for_modification(0)[0]
    rectangle = generic.ArrayObject(generic.NumberObject(edge) for edge in (72, 690, 400, 720))
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): rectangle,
            pdf_name("/Contents"): generic.pdf_string("Pay another sum"),
        }
    )
    writer.register_annotation(page, writer.add_object(note))


def other_font(writer: IncrementalPdfFileWriter) -> None:
    """Shadow attack, replace: the words stay, another font draws others."""
    page = writer.find_page_for_modification(0)[0].get_object()
    font = page["/Resources"]["/Font"].raw_get("/F1").get_object()
    font[pdf_name("/BaseFont")] = pdf_name("/Symbol")
    writer.update_container(font)


def other_catalog(writer: IncrementalPdfFileWriter) -> None:
    """Shadow attack, hide and replace: another page tree."""
    pages = writer.root["/Pages"]
    writer.root[pdf_name("/Pages")] = writer.add_object(generic.DictionaryObject(pages))
    writer.update_root()


def script(writer: IncrementalPdfFileWriter) -> None:
    action = {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.pdf_string("app.alert(1)")}
    writer.root[pdf_name("/OpenAction")] = generic.DictionaryObject(action)
    writer.update_root()


@pytest.mark.parametrize("change", [other_page, note_on_top, other_font, other_catalog, script])
def test_incremental_saving_attack(
    workshop: Workshop, signed: bytes, change: Callable[[IncrementalPdfFileWriter], None]
):
    report = workshop.validates(updated(signed, change))
    assert report.signatures[0].modification == "forbidden"
    assert report.exit_code == 1


def test_bytes_behind_the_end_are_forbidden(workshop: Workshop, signed: bytes):
    """Incremental saving without a cross-reference section: some viewers repair the file and show it."""
    hidden = b"4 0 obj\n<</Length 9>>\nstream\nBT (x) Tj\nendstream\nendobj\n"
    assert only(workshop, signed + hidden).modification == "forbidden"
    assert workshop.validates(signed + hidden + b"%%EOF\n").exit_code != 0
    assert only(workshop, signed + b"\r\n\r\n").modification == "allowed"


def moved_range(pdf: bytes, change: Callable[[list[int]], list[int]]) -> bytes:
    """The first ByteRange rewritten in place."""
    start = pdf.index(b"/ByteRange") + len(b"/ByteRange")
    begin, end = pdf.index(b"[", start), pdf.index(b"]", start)
    numbers = change([int(number) for number in pdf[begin + 1 : end].split()])
    text = b"[" + b" ".join(b"%d" % number for number in numbers) + b"]"
    return pdf[:begin] + text.ljust(end + 1 - begin) + pdf[end + 1 :]


RANGES: dict[str, Callable[[list[int]], list[int]]] = {
    "does not begin at 0": lambda numbers: [10, numbers[1] - 10, *numbers[2:]],
    "leaves out more": lambda numbers: [0, numbers[1] - 20, *numbers[2:]],
    "ends early": lambda numbers: [*numbers[:3], numbers[3] - 20],
    "goes past the end": lambda numbers: [*numbers[:3], numbers[3] + 9000],
    "overlaps": lambda numbers: [0, numbers[1], numbers[1] - 5, numbers[3]],
    "is empty": lambda numbers: [0, 0, 0, 0],
    "is negative": lambda numbers: [0, -1, numbers[2], numbers[3]],
    "is two numbers": lambda numbers: numbers[:2],
}


@pytest.mark.parametrize("how", RANGES)
def test_a_byte_range_of_another_shape_fails(workshop: Workshop, how: str):
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    signature = only(workshop, moved_range(signed, RANGES[how]))
    assert signature.indication == "TOTAL-FAILED"


def test_universal_signature_forgery(workshop: Workshop):
    """/Contents or /ByteRange missing, null or of another kind must never be taken for a signature that is good."""
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    for old, new in ((b"/ByteRange", b"/ByteRangX"), (b"/Contents <", b"/ContentX <"), (b"/SubFilter", b"/SubFilteX")):
        signature = only(workshop, signed.replace(old, new))
        assert (signature.indication, signature.modification) == ("TOTAL-FAILED", "forbidden"), old


def test_signature_wrapping_attack(workshop: Workshop):
    """The signed bytes are moved behind the file's end and others take their place; the ranges point at both."""
    signed = workshop.signs(plain_pdf(), level=Level.B_B)
    _, first, second, length = (int(number) for number in signatures_of(signed)[0].byte_range)
    original_end = signed[second : second + length]
    wrapped = signed[:second] + b" " * length + original_end
    attacked = moved_range(wrapped, lambda numbers: [0, first, second + length, length])
    report = workshop.validates(attacked)
    assert report.exit_code != 0


def test_a_signature_copied_from_another_document_fails(workshop: Workshop):
    one = workshop.signs(plain_pdf(), level=Level.B_B)
    other = workshop.signs(plain_pdf(pages=2), level=Level.B_B)
    value = signatures_of(one)[0].pkcs7_content.hex().upper().encode()
    _, first, second, _ = (int(number) for number in signatures_of(other)[0].byte_range)
    forged = other[: first + 1] + value.ljust(second - first - 2, b"0")[: second - first - 2] + other[second - 1 :]
    signature = only(workshop, forged)
    assert (signature.indication, signature.subindication) == ("TOTAL-FAILED", "HASH_FAILURE")


def test_the_page_says_the_worst_of_two_signatures(workshop: Workshop, signed: bytes):
    from dataclasses import replace

    workshop.pki.clock.advance(timedelta(hours=2))
    both = workshop.signs(signed, officer="นางมาลี", placement=replace(PLACE, left=40), level=Level.B_B)
    _, certificate = workshop.officer("นางมาลี")
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now() - timedelta(hours=1)
    report = workshop.validates(both, revocation=workshop.pki.lists())
    assert [one.indication for one in report.signatures] == ["TOTAL-PASSED", "INDETERMINATE"]
    assert report.exit_code == 1


def test_a_file_over_the_limit_is_refused_unread(workshop: Workshop, tmp_path: Path):
    file = tmp_path / "huge.pdf"
    with file.open("wb") as huge:
        huge.truncate(workshop.settings.max_pdf_bytes + 1)
    with pytest.raises(PdfTooLarge):
        workshop.validates(file)  # type: ignore[arg-type]


def test_nested_arrays_are_an_answer_not_a_crash(workshop: Workshop):
    deep = plain_pdf().replace(b"/Type /Catalog", b"/Type /Catalog /X " + b"[" * 20_000 + b"]" * 20_000)
    report = workshop.validates(deep)
    assert report.exit_code in (1, 2)
