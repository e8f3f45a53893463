"""ETSI EN 319 142-1: each level is reached, and judges that are not ours agree."""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import cms

from signing.cms import UnfitSigner
from signing.errors import (
    DocumentChanged,
    FieldTaken,
    LevelNotReached,
    PageNotThere,
    PlaceOutsidePage,
    SigningNotPermitted,
)
from signing.pades import Level, finish
from signing.prepared import Placement, Prepared
from tests.signing.pki import Pki
from tests.signing.workshop import PLACE, Workshop, judged, plain_pdf, signatures_of, signed_bytes

BASELINE = {
    Level.B_B: "PAdES-BASELINE-B",
    Level.B_T: "PAdES-BASELINE-T",
    Level.B_LT: "PAdES-BASELINE-LT",
    Level.B_LTA: "PAdES-BASELINE-LTA",
}


@pytest.fixture(params=["table", "stream"])
def letter(request: pytest.FixtureRequest) -> bytes:
    """With a cross-reference table, and with cross-reference streams."""
    return plain_pdf(stream_xrefs=request.param == "stream")


@pytest.mark.parametrize("level", list(Level))
def test_the_level_asked_for_is_the_level_reached(workshop: Workshop, letter: bytes, level: Level):
    signed = workshop.signs(letter, level=level)
    (signature,) = workshop.validates(signed, revocation=workshop.pki.lists()).signatures
    assert (signature.indication, signature.level) == ("TOTAL-PASSED", BASELINE[level])
    assert signature.signer == "นายอนันต์ ใจดี"
    assert signed.startswith(letter)


@pytest.mark.parametrize("level", list(Level))
def test_poppler_and_qpdf_agree(workshop: Workshop, letter: bytes, level: Level):
    file = workshop.file("signed.pdf", workshop.signs(letter, level=level))
    assert "Signature is Valid." in judged("pdfsig", "-nocert", file)
    assert "No syntax or stream encoding errors found" in judged("qpdf", "--check", file)


def test_the_cms_is_der_down_to_the_order_of_its_certificates(workshop: Workshop):
    """ISO 32000-2 section 12.8.3.3, X.690 section 11.6."""
    for _ in range(3):  # by chance, one may be in order
        signed = signatures_of(workshop.signs(plain_pdf(), level=Level.B_B))[0].signed_data
        certificates = [each.dump() for each in signed["certificates"]]
        assert certificates == sorted(certificates)
        assert len(certificates) > 1
        workshop.officers.clear()


def test_openssl_verifies_the_signature_over_its_byte_range(workshop: Workshop, letter: bytes):
    signed = workshop.signs(letter)
    signature = signatures_of(signed)[0]
    judged(
        "openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-out", "/dev/null",
        "-in", workshop.file("signature.der", signature.pkcs7_content.rstrip(b"\0")),
        "-content", workshop.file("signed.bin", signed_bytes(signed, signature)),
        "-CAfile", workshop.root_file,
        "-certfile", workshop.chain_file,
        "-attime", int(workshop.pki.clock.now().timestamp()),
    )  # fmt: skip


def test_openssl_verifies_both_time_stamps(workshop: Workshop, letter: bytes):
    signed = workshop.signs(letter)
    signature, archive = signatures_of(signed)
    signer_info = cms.ContentInfo.load(signature.pkcs7_content)["content"]["signer_infos"][0]
    token = signer_info["unsigned_attrs"][0]["values"][0]
    stamps = (
        (token.dump(), signer_info["signature"].native),
        (archive.pkcs7_content.rstrip(b"\0"), signed_bytes(signed, archive)),
    )
    for token_der, stamped in stamps:
        said = judged(
            "openssl", "ts", "-verify", "-token_in",
            "-in", workshop.file("token.der", token_der),
            "-data", workshop.file("stamped.bin", stamped),
            "-CAfile", workshop.root_file,
            "-untrusted", workshop.chain_file,
            "-attime", int(workshop.pki.clock.now().timestamp()),
        )  # fmt: skip
        assert "Verification: OK" in said


def test_pyhankos_own_command_agrees(letter: bytes, tmp_path: Path):
    """Its command has no option for a moment, so this signature is of now."""
    from core.clock import SetClock, SystemClock
    from tests.signing.workshop import engine_settings

    pki = Pki.new(SetClock(SystemClock().now().replace(microsecond=0) - timedelta(minutes=2)))
    workshop = Workshop(pki, engine_settings(tmp_path), tmp_path)
    file = workshop.file("signed.pdf", workshop.signs(letter))
    command = Path(sys.executable).with_name("pyhanko")
    said = judged(command, "sign", "adesverify", "--trust", workshop.root_file, "--trust-replace", file)
    assert "INTACT:TRUSTED,TIMESTAMP_TOKEN<INTACT:TRUSTED>,EXTENDED_WITH_LTA_UPDATES,ACCEPTABLE_MODIFICATIONS" in said


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_rsa_keys_sign_too(workshop: Workshop, letter: bytes, algorithm: str):
    workshop.officer("นางมาลี", algorithm=algorithm)
    signed = workshop.signs(letter, officer="นางมาลี")
    assert workshop.validates(signed).exit_code == 0
    assert "Signature is Valid." in judged("pdfsig", "-nocert", workshop.file("signed.pdf", signed))


def test_a_stored_pause_is_finished_later(workshop: Workshop, letter: bytes):
    prepared = workshop.prepares(letter)
    kept = Prepared.from_bytes(prepared.to_bytes())
    assert kept == prepared
    workshop.pki.clock.advance(timedelta(hours=20))
    signer, _ = workshop.officer()
    signed = finish(kept, signer=signer, trust=workshop.pki.trust, expected_digest=prepared.byte_range_digest)
    assert workshop.validates(signed).exit_code == 0


def test_what_was_digested_is_what_is_signed(workshop: Workshop, letter: bytes):
    prepared = workshop.prepares(letter)
    signer, _ = workshop.officer()
    changed = bytearray(prepared.document)
    changed[100] ^= 1
    with pytest.raises(DocumentChanged):
        finish(replace(prepared, document=bytes(changed)), signer=signer, trust=workshop.pki.trust)
    with pytest.raises(DocumentChanged):
        finish(prepared, signer=signer, trust=workshop.pki.trust, expected_digest=bytes(32))
    with pytest.raises(DocumentChanged):
        Prepared.from_bytes(prepared.to_bytes()[:50])


def test_another_key_than_the_certificates_is_refused(workshop: Workshop, letter: bytes):
    prepared = workshop.prepares(letter)
    other, _ = workshop.officer("another")
    with pytest.raises(UnfitSigner):
        finish(prepared, signer=other, trust=workshop.pki.trust)


SPOILED = {
    "another nonce": lambda imprint, nonce, at: (imprint, nonce + 1, at),
    "another digest": lambda imprint, nonce, at: (imprint[:-1] + bytes([imprint[-1] ^ 1]), nonce, at),
    "another day": lambda imprint, nonce, at: (imprint, nonce, at - timedelta(days=1)),
}


@pytest.mark.parametrize("spoiled", SPOILED)
def test_a_wrong_time_stamp_never_goes_in(workshop: Workshop, letter: bytes, spoiled: str):
    workshop.pki.time_stamps.spoil = SPOILED[spoiled]
    with pytest.raises(LevelNotReached):
        workshop.signs(letter, level=Level.B_T)


def test_an_unsigned_time_stamp_never_goes_in(workshop: Workshop, letter: bytes):
    """The token's signature is by another key than its certificate's."""
    workshop.pki.time_stamps.key = workshop.officer()[0].key
    with pytest.raises(LevelNotReached):
        workshop.signs(letter, level=Level.B_T)


def test_a_level_out_of_reach_is_not_lowered(workshop: Workshop, letter: bytes):
    """A revoked certificate has no good answer, so B-LT cannot be."""
    _, certificate = workshop.officer()
    workshop.pki.issuing.revoked[certificate.serial_number] = workshop.pki.clock.now()
    with pytest.raises(LevelNotReached):
        workshop.signs(letter, level=Level.B_LT)


def test_an_expired_certificate_does_not_sign(workshop: Workshop, letter: bytes):
    prepared = workshop.prepares(letter)
    workshop.pki.clock.advance(timedelta(days=400))
    with pytest.raises(LevelNotReached):
        finish(prepared, signer=workshop.officer()[0], trust=workshop.pki.trust)


def test_the_next_signer_keeps_the_first_signature_valid(workshop: Workshop, letter: bytes):
    first = workshop.signs(letter)
    beside = replace(PLACE, left=40)
    both = workshop.signs(first, officer="นางมาลี", placement=beside)
    report = workshop.validates(both)
    assert [one.field for one in report.signatures] == ["Signature1", "Signature2"]
    assert [one.level for one in report.signatures] == ["PAdES-BASELINE-LTA"] * 2
    assert report.exit_code == 0
    assert set(report.signatures[0].changes) == {"evidence", "time-stamp", "signature"}
    assert judged("pdfsig", "-nocert", workshop.file("both.pdf", both)).count("Signature is Valid.") == 2


def test_an_existing_field_is_taken_by_its_name(workshop: Workshop):
    signed = workshop.signs(plain_pdf(), field_name="ผู้อำนวยการ")
    assert workshop.validates(signed).signatures[0].field == "ผู้อำนวยการ"
    with pytest.raises(FieldTaken):
        workshop.prepares(signed, field_name="ผู้อำนวยการ")


def test_a_closed_document_is_not_signed_again(workshop: Workshop):
    """ISO 32000-2 section 12.8.2.2: DocMDP 1."""
    closed = certified(workshop, plain_pdf(), permission=1)
    with pytest.raises(SigningNotPermitted):
        workshop.prepares(closed)


def certified(workshop: Workshop, pdf: bytes, *, permission: int) -> bytes:
    """By pyHanko's own signer: a certification signature."""
    from io import BytesIO

    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
    from pyhanko.sign import fields, signers

    from tests.own_loop import in_a_thread
    from tests.signing.workshop import pyhanko_signer

    out = BytesIO()
    meta = signers.PdfSignatureMetadata(
        field_name="Certification", certify=True, docmdp_permissions=fields.MDPPerm(permission)
    )
    writer, signer = IncrementalPdfFileWriter(BytesIO(pdf)), pyhanko_signer(workshop)
    in_a_thread(lambda: signers.sign_pdf(writer, meta, signer, output=out))
    return out.getvalue()


@pytest.mark.parametrize("how", [["--linearize"], ["--object-streams=generate"], ["--force-version=1.4"]])
def test_files_of_every_structure_are_signed(workshop: Workshop, how: list[str]):
    source = workshop.file("source.pdf", plain_pdf(pages=3))
    judged("qpdf", *how, source, workshop.folder / "made.pdf")
    signed = workshop.signs((workshop.folder / "made.pdf").read_bytes())
    assert workshop.validates(signed).exit_code == 0
    file = workshop.file("signed.pdf", signed)
    judged("qpdf", "--check", file)
    assert "Signature is Valid." in judged("pdfsig", "-nocert", file)


@pytest.mark.parametrize(
    ("place", "refusal"),
    [
        (replace(PLACE, page=2), PageNotThere),
        (replace(PLACE, page=0), PageNotThere),
        (replace(PLACE, left=500), PlaceOutsidePage),
        (replace(PLACE, bottom=-40), PlaceOutsidePage),
        (replace(PLACE, width=0), PlaceOutsidePage),
    ],
)
def test_a_place_off_the_page_is_refused(workshop: Workshop, place: Placement, refusal: type[Exception]):
    with pytest.raises(refusal):
        workshop.prepares(plain_pdf(), placement=place)


@pytest.mark.parametrize("level", [Level.B_T, Level.B_LT, Level.B_LTA])
def test_a_level_is_raised_later(workshop: Workshop, letter: bytes, level: Level):
    signed = workshop.signs(letter, level=Level.B_B)
    workshop.pki.clock.advance(timedelta(hours=1))
    raised = workshop.augments(signed, level)
    assert raised.startswith(signed)
    (signature,) = workshop.validates(raised, revocation=workshop.pki.lists()).signatures
    order = list(BASELINE.values())
    assert order.index(signature.level) >= order.index(BASELINE[level])
    assert (signature.indication, signature.modification) == ("TOTAL-PASSED", "allowed")


def test_an_archive_time_stamp_is_renewed(workshop: Workshop, letter: bytes):
    signed = workshop.signs(letter)
    workshop.pki.clock.advance(timedelta(days=300))
    renewed = workshop.augments(signed)
    (signature,) = workshop.validates(renewed).signatures
    assert [stamp.kind for stamp in signature.time_stamps] == ["signature", "document", "document"]
    assert all(stamp.indication == "TOTAL-PASSED" for stamp in signature.time_stamps)


def test_an_archive_is_renewed_after_the_signers_certificate_has_ended(workshop: Workshop, letter: bytes):
    signed = workshop.signs(letter)
    workshop.pki.clock.advance(timedelta(days=1000))
    workshop.pki.issuing.renew_responder()
    renewed = workshop.augments(signed)
    (signature,) = workshop.validates(renewed, at=workshop.pki.clock.now() + timedelta(days=1000)).signatures
    assert (signature.indication, signature.level) == ("TOTAL-PASSED", "PAdES-BASELINE-LTA")


def test_evidence_that_came_too_late_is_not_pretended(workshop: Workshop, letter: bytes):
    signed = workshop.signs(letter, level=Level.B_T)
    workshop.pki.clock.advance(timedelta(days=1000))
    workshop.pki.issuing.renew_responder()
    with pytest.raises(LevelNotReached):
        workshop.augments(signed)
