"""The engine over our own authorities: keys, CA, TSA and OCSP as they run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.clock import SetClock
from core.ground import Ground
from keys.purposes import Purpose
from keys.signer import Signer
from keys.subject import Subject
from keys.trust_services import TrustServices
from signing.errors import LevelNotReached
from signing.own_trust import newest_lists, own_trust_material
from signing.pades import Level, augment, sign
from signing.trust_anchors import TrustAnchors
from signing.validation import ValidationReport, validate
from tests.signing.workshop import judged, plain_pdf, signatures_of, signed_bytes

MALEE = Subject(
    name_th="นางสาวมาลี รักดี",
    name_en="Miss Malee Rakdee",
    serial="OFFICER-000002",
    organisation_th="กรมตัวอย่าง",
    organisation_en="Department of Examples",
    given_name_th="มาลี",
    given_name_en="Malee",
    family_name_th="รักดี",
    family_name_en="Rakdee",
    title_th="ผู้อำนวยการ",
    title_en="Director",
)


@dataclass
class Desk:
    ground: Ground
    services: TrustServices
    signer: Signer
    certificate: x509.Certificate

    def signs(self, level: Level = Level.B_LTA) -> bytes:
        return sign(
            plain_pdf(),
            settings=self.ground.settings,
            signer=self.signer,
            certificate=self.certificate,
            trust=own_trust_material(self.ground, self.services),
            level=level,
        )

    def validates(self, pdf: bytes, *, after: timedelta = timedelta(0), online: bool = False) -> ValidationReport:
        return validate(
            pdf,
            settings=self.ground.settings,
            anchors=TrustAnchors((self.services.ca.root,)),
            at=self.ground.clock.now() + after,
            revocation=newest_lists(self.services) if online else (),
        )


@pytest.fixture
def desk(ground: Ground, trust_services: TrustServices) -> Desk:
    signer = trust_services.keystore.create(Purpose.OFFICER)
    return Desk(ground, trust_services, signer, trust_services.ca.issue("officer", signer.public_key, MALEE))


def test_every_level_passes_under_our_own_root(desk: Desk):
    for level in Level:
        (signature,) = desk.validates(desk.signs(level), online=True).signatures
        assert (signature.indication, signature.reasons) == ("TOTAL-PASSED", ()), level
        assert signature.level.endswith(level.value.replace("b-", "-").upper())
        assert signature.signer == "นางสาวมาลี รักดี"


def test_a_document_holds_after_officer_and_responder_have_ended(desk: Desk):
    """The officer's certificate lives a year, the responder's thirty days, the time-stamp authority's five years."""
    signed = desk.signs()
    assert desk.validates(signed, after=timedelta(days=1500)).exit_code == 0
    assert desk.validates(signed, after=timedelta(days=2000)).exit_code == 1


def test_the_archive_is_renewed_by_the_next_authority(desk: Desk, clock: SetClock):
    signed = desk.signs()
    clock.advance(timedelta(days=1000))
    desk.services.maintain()
    material = own_trust_material(desk.ground, desk.services)
    renewed = augment(signed, settings=desk.ground.settings, trust=material)
    assert desk.validates(renewed, after=timedelta(days=1500)).exit_code == 0


def test_a_revoked_officer_cannot_reach_a_lasting_signature(desk: Desk):
    desk.services.ca.revoke(desk.certificate.serial_number, "key_compromise", actor="test")
    with pytest.raises(LevelNotReached):
        desk.signs()


def test_the_outside_judges_agree(desk: Desk, ground: Ground):
    signed = desk.signs()
    folder = ground.settings.data_dir
    files = {
        "signed.pdf": signed,
        "root.pem": desk.services.ca.root.public_bytes(Encoding.PEM),
        "issuing.pem": desk.services.ca.issuing.public_bytes(Encoding.PEM),
    }
    signature, archive = signatures_of(signed)
    files["signature.der"] = signature.pkcs7_content.rstrip(b"\0")
    files["signature.bin"] = signed_bytes(signed, signature)
    files["archive.der"] = archive.pkcs7_content.rstrip(b"\0")
    files["archive.bin"] = signed_bytes(signed, archive)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    at = int(ground.clock.now().timestamp())
    assert "Signature is Valid." in judged("pdfsig", "-nocert", folder / "signed.pdf")
    judged("qpdf", "--check", folder / "signed.pdf")
    judged(
        "openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-out", "/dev/null",
        "-in", folder / "signature.der", "-content", folder / "signature.bin",
        "-CAfile", folder / "root.pem", "-certfile", folder / "issuing.pem", "-attime", at,
    )  # fmt: skip
    judged(
        "openssl", "ts", "-verify", "-token_in", "-in", folder / "archive.der", "-data", folder / "archive.bin",
        "-CAfile", folder / "root.pem", "-untrusted", folder / "issuing.pem", "-attime", at,
    )  # fmt: skip
