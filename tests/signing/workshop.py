"""Where the tests of the engine sign and validate: a public-key infrastructure of their own, and the outside judges."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.pdf_utils.writer import PageObject, PdfFileWriter

from core.clock import SetClock
from core.settings import Settings
from signing.appearance import Appearance
from signing.pades import Level, augment, finish, prepare
from signing.prepared import Placement, Prepared
from signing.trust_anchors import TrustAnchors
from signing.validation import ValidationReport, validate
from tests.signing.pki import MemorySigner, Pki

PLACE = Placement(page=1, left=300, bottom=60, width=227, height=79)


@dataclass
class Workshop:
    pki: Pki
    settings: Settings
    folder: Path
    officers: dict[str, tuple[MemorySigner, x509.Certificate]] = field(default_factory=dict)

    def officer(self, name: str = "นายอนันต์ ใจดี", **how: Any) -> tuple[MemorySigner, x509.Certificate]:
        if name not in self.officers:
            self.officers[name] = self.pki.officer(name, **how)
        return self.officers[name]

    def appearance(self, **other: Any) -> Appearance:
        said = {
            "name": "นายอนันต์ ใจดี",
            "position": "ผู้อำนวยการสำนักทะเบียนกลาง",
            "agency": "กรมตัวอย่าง กระทรวงทดสอบ",
            "at": self.pki.clock.now(),
            "qr_url": "https://id.example.go.th/verify/7K3MQ2XW91HTB8ZD4VRC",
        }
        return Appearance(**{**said, **other})

    def prepares(self, pdf: bytes, *, officer: str = "นายอนันต์ ใจดี", **how: Any) -> Prepared:
        _, certificate = self.officer(officer)
        given = {"placement": PLACE, "appearance": self.appearance(), **how}
        return prepare(
            pdf,
            settings=self.settings,
            certificate=certificate,
            chain=self.pki.authorities,
            at=self.pki.clock.now(),
            **given,
        )

    def signs(self, pdf: bytes, *, level: Level = Level.B_LTA, officer: str = "นายอนันต์ ใจดี", **how: Any) -> bytes:
        signer, _ = self.officer(officer)
        prepared = self.prepares(pdf, officer=officer, **how)
        return finish(prepared, signer=signer, trust=self.pki.trust, level=level)

    def augments(self, pdf: bytes, level: Level = Level.B_LTA) -> bytes:
        return augment(pdf, settings=self.settings, trust=self.pki.trust, level=level)

    def validates(self, pdf: bytes, *, at: datetime | None = None, **how: Any) -> ValidationReport:
        anchors = how.pop("anchors", TrustAnchors((self.pki.root.certificate,)))
        return validate(pdf, settings=self.settings, anchors=anchors, at=at or self.pki.clock.now(), **how)

    def file(self, name: str, content: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content)
        return path

    @property
    def root_file(self) -> Path:
        return self.file("root.pem", self.pki.root.certificate.public_bytes(Encoding.PEM))

    @property
    def chain_file(self) -> Path:
        return self.file("chain.pem", self.pki.issuing.certificate.public_bytes(Encoding.PEM))


@pytest.fixture
def workshop(clock: SetClock, tmp_path: Path) -> Workshop:
    return Workshop(Pki.new(clock), engine_settings(tmp_path), tmp_path)


def engine_settings(folder: Path) -> Settings:
    return Settings(
        issuer="http://localhost:8080",
        rp_id="localhost",
        database_url="sqlite://",
        keys_url="file:keys",
        sandbox=True,
        data_dir=folder,
    )


def plain_pdf(*, pages: int = 1, stream_xrefs: bool = False, rotate: int = 0, root: Any = None) -> bytes:
    """A PDF made by pyHanko's writer; `root` are more entries of the catalog."""
    writer = PdfFileWriter(stream_xrefs=stream_xrefs)
    font = {"/Type": pdf_name("/Font"), "/Subtype": pdf_name("/Type1"), "/BaseFont": pdf_name("/Helvetica")}
    reference = writer.add_object(dictionary(font))
    resources = dictionary({"/Font": dictionary({"/F1": reference})})
    for number in range(pages):
        text = f"BT /F1 12 Tf 72 700 Td (Page {number + 1} of the letter) Tj ET".encode()
        contents = writer.add_object(generic.StreamObject(stream_data=text))
        page = PageObject(contents=contents, media_box=(0, 0, 595, 842), resources=resources)
        if rotate:
            page[pdf_name("/Rotate")] = generic.NumberObject(rotate)
        writer.insert_page(page)
    for key, value in (root or {}).items():
        writer.root[pdf_name(key)] = value
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def dictionary(entries: dict[str, Any]) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(key): value for key, value in entries.items()})


def signatures_of(pdf: bytes) -> list[Any]:
    return list(PdfFileReader(BytesIO(pdf), strict=False).embedded_signatures)


def signed_bytes(pdf: bytes, signature: Any) -> bytes:
    _, first, second, length = (int(number) for number in signature.byte_range)
    return pdf[:first] + pdf[second : second + length]


def judged(*command: Any) -> str:
    """What an outside judge says; the test fails where it does not agree."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def pyhanko_signer(workshop: Workshop) -> Any:
    """PyHanko's own signer with an officer's key, for what only it makes."""
    from asn1crypto import keys as asn1_keys
    from asn1crypto import x509 as asn1_x509
    from cryptography.hazmat.primitives.serialization import NoEncryption, PrivateFormat
    from pyhanko.sign.signers import SimpleSigner
    from pyhanko_certvalidator.registry import SimpleCertificateStore

    signer, certificate = workshop.officer()
    private = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    registry = SimpleCertificateStore()
    registry.register(asn1_x509.Certificate.load(workshop.pki.issuing.certificate.public_bytes(Encoding.DER)))
    return SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER)),
        signing_key=asn1_keys.PrivateKeyInfo.load(private),
        cert_registry=registry,
    )
