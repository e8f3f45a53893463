"""An agency's existing provider certifies keys of ours: requested, brought in, signed with, verified by outsiders."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from keys.certificate_request import signed_request
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError
from keys.external_authority import External
from keys.purposes import Purpose
from keys.requested_issuance import issue_from_request
from keys.subject import Subject, names_of
from keys.trust_services import TrustServices
from signing.credentials import PinnedPasskey, SealIdentity
from signing.errors import LevelNotReached
from signing.models.credential import ACTIVE, WAITING
from signing.pades import Level, sign
from signing.refusals import NoCredential
from signing.services import SigningServices, open_services
from signing.validation import validate
from tests.keys.conftest import prepared  # noqa: F401 - a fixture
from tests.keys.outside_authority import OutsideAuthority, outside_authority
from tests.signing.conftest import identity
from tests.signing.workshop import judged, plain_pdf

SEAL = SealIdentity(
    agency_th="กรมตัวอย่าง", agency_en="Department of Examples", organization_identifier="GOVTH-0000000000000"
)
AGENCY = Subject(
    name_th=SEAL.agency_th, organisation_th=SEAL.agency_th, organization_identifier=SEAL.organization_identifier
)
PERSON = Subject(name_th="อนันต์ ทดสอบ", serial="1", given_name_th="อนันต์", family_name_th="ทดสอบ")
PASSKEY = PinnedPasskey(credential_id=b"passkey", public_key=b"key", aaguid="0")


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OutsideAuthority]:
    with outside_authority(tmp_path_factory.mktemp("agency")) as running:
        yield running


@pytest.fixture
def trust_services(ground, prepared: Path, tmp_path: Path) -> TrustServices:  # noqa: F811
    """A copy of what was prepared once."""
    shutil.copytree(prepared / "keys", tmp_path / "keys")
    shutil.copyfile(prepared / "test.db", tmp_path / "test.db")
    return TrustServices(ground)


@pytest.fixture
def services(ground, trust_services: TrustServices) -> SigningServices:
    return open_services(ground, trust_services)


def certified(outside: OutsideAuthority, request: bytes, subject: Subject, profile="seal") -> bytes:
    made = issue_from_request(outside.trust.ca, profile, request, subject, actor="agency")
    return made.public_bytes(Encoding.PEM)


def chain_of(outside: OutsideAuthority) -> bytes:
    return b"".join(each.public_bytes(Encoding.PEM) for each in (outside.trust.ca.issuing, outside.trust.ca.root))


def sealed(services: SigningServices, credential, level: Level = Level.B_LTA) -> bytes:
    return sign(
        plain_pdf(),
        settings=services.ground.settings,
        signer=services.trust_services.keystore.load(credential.kid),
        certificate=services.credentials.certificate(credential),
        trust=services.trust,
        level=level,
    )


def brought_in(services: SigningServices, outside: OutsideAuthority):
    requested = services.credentials.request_seal(SEAL)
    certificate = certified(outside, requested.encoded, AGENCY)
    found = services.trust_services.external.examine(certificate, chain_of(outside))
    return services.credentials.load(services.credentials.adopt(found))


def test_a_seal_of_another_authority_signs_to_the_last_level_and_outsiders_agree(services, outside, ground):
    credential = brought_in(services, outside)
    assert credential.status == ACTIVE
    signed = sealed(services, credential)
    report = validate(signed, settings=ground.settings, anchors=services.anchors, at=ground.clock.now())
    (signature,) = report.signatures
    assert (signature.indication, signature.level) == ("TOTAL-PASSED", "PAdES-BASELINE-LTA")
    assert signature.signer == SEAL.agency_th
    assert any(path.startswith("/ocsp") for path in outside.asked)
    path = ground.settings.data_dir / "sealed.pdf"
    path.write_bytes(signed)
    assert "Signature is Valid." in judged("pdfsig", "-nocert", path)


def test_an_officer_s_credential_waits_for_its_certificate(services, outside):
    requested = services.credentials.request(identity("officer"), PASSKEY)
    assert requested.credential.status == WAITING
    assert services.credentials.active_for("officer") is None
    with pytest.raises(NoCredential):
        services.credentials.certificate(requested.credential)
    certificate = certified(outside, requested.encoded, PERSON, "officer")
    services.credentials.adopt(services.trust_services.external.examine(certificate, chain_of(outside)))
    credential = services.credentials.active_for("officer")
    assert credential.passkey == PASSKEY
    assert services.credentials.certificate(credential).issuer == outside.trust.ca.issuing.subject
    services.credentials.revoke(credential.id)  # here; its authority revokes the certificate
    assert services.credentials.active_for("officer") is None


def test_what_our_own_authority_had_certified_is_superseded(services, outside, trust_services):
    own = services.credentials.issue_seal(SEAL)
    request = signed_request(trust_services.keystore.load(own.kid), names_of(AGENCY))
    found = trust_services.external.examine(certified(outside, request, AGENCY), chain_of(outside))
    services.credentials.adopt(found)
    assert trust_services.ca.revoked(int(own.certificate_serial, 16)).reason is RevocationReason.SUPERSEDED
    after = services.credentials.load(own.id)
    assert services.credentials.certificate(after) == found.certificate


def test_a_certificate_that_its_authority_revoked_reaches_no_lasting_signature(services, outside):
    credential = brought_in(services, outside)
    serial = services.credentials.certificate(credential).serial_number
    outside.trust.ca.revoke(serial, RevocationReason.KEY_COMPROMISE)
    with pytest.raises(LevelNotReached):
        sealed(services, credential)


def test_a_revoked_certificate_is_not_brought_in(services, outside):
    requested = services.credentials.request_seal(SEAL)
    certificate = certified(outside, requested.encoded, AGENCY)
    outside.trust.ca.revoke(x509.load_pem_x509_certificate(certificate).serial_number)
    with pytest.raises(CertificateError, match="revoked"):
        services.trust_services.external.examine(certificate, chain_of(outside))


def test_time_stamps_are_signed_under_the_other_authority_s_certificate(services, outside, trust_services, ground):
    request = trust_services.services.request()
    key = x509.load_der_x509_csr(request).public_key()
    made = outside.trust.ca.issue("tsa", key, outside.trust.ca.service_name("Time-Stamp Authority"))
    found = trust_services.external.examine(made.public_bytes(Encoding.DER), chain_of(outside))
    assert found.purpose is Purpose.TSA
    trust_services.external.bring_in(found, actor="command")
    assert trust_services.services.current(Purpose.TSA).certificate == made
    signed = sealed(services, services.credentials.issue_seal(SEAL))
    report = validate(signed, settings=ground.settings, anchors=services.anchors, at=ground.clock.now())
    assert report.exit_code == 0


def test_a_certificate_for_a_strangers_key_is_not_brought_in(services, outside):
    key = ec.generate_private_key(ec.SECP256R1())
    made = outside.trust.ca.issue("seal", key.public_key(), AGENCY)
    with pytest.raises(CertificateError, match="no key of ours"):
        services.trust_services.external.examine(made.public_bytes(Encoding.DER), chain_of(outside))


def test_a_key_of_another_purpose_is_not_certified_elsewhere(services, outside, trust_services):
    made = outside.trust.ca.issue("seal", trust_services.keystore.active(Purpose.ID_TOKEN).public_key, AGENCY)
    with pytest.raises(CertificateError, match="no key of ours"):
        trust_services.external.examine(made.public_bytes(Encoding.DER), chain_of(outside))


@pytest.mark.parametrize(
    ("purpose", "profile", "why"),
    [
        (Purpose.SEAL, "tsa", "does not let it sign documents"),
        (Purpose.SEAL, "agency-tls", "does not let it sign documents"),
        (Purpose.TSA, "seal", "not for time-stamps"),
    ],
)
def test_a_certificate_must_allow_what_the_key_does(services, outside, trust_services, purpose, profile, why):
    keystore = trust_services.keystore
    signer = keystore.active(purpose) if purpose is Purpose.TSA else keystore.create(purpose)
    made = outside.trust.ca.issue(profile, signer.public_key, AGENCY)
    with pytest.raises(CertificateError, match=why):
        trust_services.external.examine(made.public_bytes(Encoding.DER), chain_of(outside))


def test_a_chain_without_its_root_or_of_others_is_refused(services, outside, trust_services):
    made = outside.trust.ca.issue("seal", trust_services.keystore.create(Purpose.SEAL).public_key, AGENCY)
    encoded = made.public_bytes(Encoding.DER)
    with pytest.raises(CertificateError, match="no root"):
        trust_services.external.examine(encoded, outside.trust.ca.issuing.public_bytes(Encoding.PEM))
    with pytest.raises(CertificateError, match="does not hold"):
        trust_services.external.examine(encoded, outside.trust.ca.root.public_bytes(Encoding.PEM))
    ours = b"".join(each.public_bytes(Encoding.PEM) for each in (trust_services.ca.issuing, trust_services.ca.root))
    with pytest.raises(CertificateError, match="does not hold"):
        trust_services.external.examine(encoded, ours)


def test_a_certificate_without_pointers_is_refused(services, outside, trust_services):
    made = outside.trust.ca.issue("short-lived", trust_services.keystore.create(Purpose.SEAL).public_key, PERSON)
    with pytest.raises(CertificateError, match="neither a responder nor a list"):
        trust_services.external.examine(made.public_bytes(Encoding.DER), chain_of(outside))


@pytest.mark.parametrize(
    "content", [b"", b"\x30\x00", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate_is_refused_plainly(trust_services, content):
    with pytest.raises(CertificateError):
        trust_services.external.examine(content, content)


def test_bringing_in_twice_does_no_harm(services, outside, trust_services):
    credential = brought_in(services, outside)
    again: External = trust_services.external.find(credential.kid)
    assert services.credentials.adopt(again) == credential.id
    assert [each.kid for each in trust_services.external.all()].count(credential.kid) == 1
