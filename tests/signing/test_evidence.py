"""What is believed of a revocation answer before it goes beside a signature: RFC 6960 section 3.2, RFC 5280 section 6.3."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp

from core.clock import SetClock
from signing.evidence import LONGEST_UNENDED, verify_crl, verify_ocsp
from tests.signing.pki import Pki, key_usage, name, new_key

HERE, ELSEWHERE = "http://lists.test.invalid/1.crl", "http://lists.test.invalid/2.crl"


@pytest.fixture
def pki(clock: SetClock) -> Pki:
    return Pki.new(clock)


def answer_without_end(pki: Pki, certificate: x509.Certificate) -> bytes:
    builder = ocsp.OCSPResponseBuilder().add_response(
        cert=certificate,
        issuer=pki.issuing.certificate,
        algorithm=hashes.SHA256(),
        cert_status=ocsp.OCSPCertStatus.GOOD,
        this_update=pki.clock.now(),
        next_update=None,
        revocation_time=None,
        revocation_reason=None,
    )
    signed = builder.responder_id(ocsp.OCSPResponderEncoding.HASH, pki.issuing.certificate)
    return signed.sign(pki.issuing.key, hashes.SHA256()).public_bytes(Encoding.DER)


def test_an_old_answer_that_names_no_end_is_not_believed_again(pki: Pki):
    _, certificate = pki.officer()
    answer = answer_without_end(pki, certificate)
    verify_ocsp(answer, certificate, pki.issuing.certificate, now=pki.clock.now())
    later = pki.clock.now() + LONGEST_UNENDED + timedelta(seconds=1)
    with pytest.raises(ValueError, match="another time"):
        verify_ocsp(answer, certificate, pki.issuing.certificate, now=later)


def listing(*places: str) -> x509.CRLDistributionPoints:
    names = [x509.UniformResourceIdentifier(place) for place in places]
    return x509.CRLDistributionPoints([x509.DistributionPoint(names, None, None, None)])


def scope(**said: Any) -> x509.IssuingDistributionPoint:
    nothing = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**{**nothing, **said})


def part(place: str) -> x509.IssuingDistributionPoint:
    return scope(full_name=[x509.UniformResourceIdentifier(place)])


def leaf(pki: Pki) -> x509.Certificate:
    """Its authority's list is in parts; this one's is HERE."""
    now, key = pki.clock.now(), new_key()
    builder = x509.CertificateBuilder().subject_name(name("x", "y")).issuer_name(pki.issuing.certificate.subject)
    builder = builder.public_key(key.public_key()).serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    return builder.add_extension(listing(HERE), critical=False).sign(pki.issuing.key, hashes.SHA256())


def list_with(pki: Pki, *extensions: x509.ExtensionType) -> bytes:
    now = pki.clock.now()
    builder = x509.CertificateRevocationListBuilder().issuer_name(pki.issuing.certificate.subject)
    builder = builder.last_update(now).next_update(now + timedelta(days=7))
    for each in extensions:
        builder = builder.add_extension(each, critical=True)
    return builder.sign(pki.issuing.key, hashes.SHA256()).public_bytes(Encoding.DER)


@pytest.mark.parametrize("said", [(), (part(HERE),), (scope(only_contains_user_certs=True),)])
def test_a_list_that_speaks_of_the_certificate_is_believed(pki: Pki, said: tuple[x509.ExtensionType, ...]):
    verify_crl(list_with(pki, *said), leaf(pki), pki.issuing.certificate, now=pki.clock.now())


@pytest.mark.parametrize(
    "said",
    [
        x509.DeltaCRLIndicator(1),
        part(ELSEWHERE),
        scope(only_contains_ca_certs=True),
        scope(only_contains_attribute_certs=True),
        scope(indirect_crl=True),
        scope(only_some_reasons=frozenset({x509.ReasonFlags.key_compromise})),
        x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"),
    ],
)
def test_a_list_that_may_be_silent_about_the_certificate_proves_nothing(pki: Pki, said: x509.ExtensionType):
    with pytest.raises(ValueError, match="a list"):
        verify_crl(list_with(pki, said), leaf(pki), pki.issuing.certificate, now=pki.clock.now())


def test_a_list_of_an_issuer_that_signs_none_is_refused(pki: Pki):
    now = pki.clock.now()
    builder = x509.CertificateBuilder().subject_name(pki.issuing.certificate.subject)
    builder = builder.issuer_name(pki.root.certificate.subject).public_key(pki.issuing.key.public_key())
    builder = builder.serial_number(7).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    signs_nothing = builder.add_extension(key_usage(ca=False), critical=True).sign(pki.root.key, hashes.SHA256())
    with pytest.raises(ValueError, match="signs no lists"):
        verify_crl(list_with(pki), leaf(pki), signs_nothing, now=now)
