"""Trust in an authenticator's maker: RFC 5280 section 6 paths to a name and a key, WebAuthn Level 3 section 8.2.1."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from core.attestation import AAGUID, is_trusted

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MODEL = bytes(range(16))


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass
class Issued:
    """A certificate and its key. Without an issuer it signs itself."""

    name: str
    issuer: Issued | None = None
    ca: bool = False
    unit: str = "Authenticator Attestation"
    model: bytes = b""
    until: datetime = datetime(2050, 1, 1, tzinfo=UTC)
    key: ec.EllipticCurvePrivateKey = field(default_factory=key)

    @property
    def certificate(self) -> x509.Certificate:
        signer = self.issuer or self
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(self.name, self.unit))
            .issuer_name(name(signer.name, signer.unit))
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(self.until)
            .add_extension(x509.BasicConstraints(ca=self.ca, path_length=None), critical=True)
        )
        if self.model:
            builder = builder.add_extension(
                x509.UnrecognizedExtension(AAGUID, b"\x04\x10" + self.model), critical=False
            )
        return builder.sign(signer.key, SHA256())

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def name(common_name: str, unit: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


ROOT = Issued("Root", ca=True)
LEAF = Issued("Leaf", ROOT)


def trusted(x5c: list[bytes], *roots: bytes, fmt: str = "packed", aaguid: bytes = MODEL) -> bool:
    return is_trusted(x5c, roots, fmt=fmt, aaguid=aaguid, at=NOW)


def test_a_certificate_of_a_trusted_root_is_trusted():
    assert trusted([LEAF.der], ROOT.pem)


def test_the_chain_may_have_an_authority_between():
    between = Issued("Between", ROOT, ca=True)
    assert trusted([Issued("Leaf", between).der, between.der], ROOT.pem)


def test_a_batch_certificate_may_be_the_anchor_itself_and_be_written_anew():
    batch = Issued("Batch")
    once, again = batch.der, batch.der
    assert once != again
    anchor = x509.load_der_x509_certificate(once).public_bytes(Encoding.PEM)
    assert trusted([once], anchor)
    assert trusted([again], anchor)


def test_one_of_several_roots_is_enough():
    assert trusted([LEAF.der], Issued("Other", ca=True).pem, ROOT.pem)


def test_no_roots_and_no_certificates_trust_nothing():
    assert not trusted([LEAF.der])
    assert not trusted([], ROOT.pem)


def test_a_root_of_the_same_name_with_another_key_vouches_for_nothing():
    assert not trusted([LEAF.der], Issued("Root", ca=True).pem)


def test_a_batch_certificate_of_the_same_name_with_another_key_is_not_trusted():
    assert not trusted([Issued("Batch").der], Issued("Batch").pem)


def test_what_is_between_must_be_an_authority():
    between = Issued("Between", ROOT)
    assert not trusted([Issued("Leaf", between).der, between.der], ROOT.pem)


def test_a_chain_that_does_not_hang_together_is_not_trusted():
    between = Issued("Between", ROOT, ca=True)
    assert not trusted([Issued("Leaf").der, between.der], ROOT.pem)


@pytest.mark.parametrize("place", ["leaf", "between", "root"])
def test_what_has_expired_is_not_trusted(place: str):
    past = {"until": datetime(2025, 1, 1, tzinfo=UTC)}
    root = Issued("Root", ca=True, **(past if place == "root" else {}))
    between = Issued("Between", root, ca=True, **(past if place == "between" else {}))
    leaf = Issued("Leaf", between, **(past if place == "leaf" else {}))
    assert not trusted([leaf.der, between.der], root.pem)


def test_a_packed_certificate_must_not_be_an_authority_and_says_what_it_is():
    assert not trusted([Issued("Leaf", ROOT, ca=True).der], ROOT.pem)
    assert not trusted([Issued("Leaf", ROOT, unit="Web Server").der], ROOT.pem)


def test_a_packed_certificate_that_names_a_model_names_this_one():
    assert trusted([Issued("Leaf", ROOT, model=MODEL).der], ROOT.pem)
    assert not trusted([Issued("Leaf", ROOT, model=bytes(16)).der], ROOT.pem)


def test_other_formats_have_their_own_rules_for_the_certificate():
    assert trusted([Issued("Leaf", ROOT, unit="TPM").der], ROOT.pem, fmt="tpm")


@pytest.mark.parametrize("x5c", [[b""], [b"x" * 100], [LEAF.der[:-1]], [LEAF.der] * 6, [LEAF.der, b"junk"]])
def test_nonsense_is_not_trusted(x5c: list[bytes]):
    assert not trusted(x5c, Issued("Other", ca=True).pem)


def test_a_certificate_without_basic_constraints_is_not_trusted():
    leaf_key = key()
    bare = (
        x509.CertificateBuilder()
        .subject_name(name("Leaf", "Authenticator Attestation"))
        .issuer_name(name("Root", "Authenticator Attestation"))
        .public_key(leaf_key.public_key())
        .serial_number(1)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2050, 1, 1, tzinfo=UTC))
        .sign(ROOT.key, SHA256())
    )
    assert not trusted([bare.public_bytes(Encoding.DER)], ROOT.pem)
