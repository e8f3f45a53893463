"""RFC 5280, judged by openssl, by cryptography's policy and by pyHanko's certvalidator."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from asn1crypto.x509 import Certificate as Asn1Certificate
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from pyhanko_certvalidator import CertificateValidator
from pyhanko_certvalidator.context import ValidationContext
from sqlalchemy import func, select

from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError, KeystoreError, NoAuthority
from keys.keystore import Keystore
from keys.models import Certificate
from keys.profiles import OFFICER_POLICY, PROFILES
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from tests.keys.conftest import AGENCY, ANAN
from tests.own_loop import in_a_thread


def extension(certificate, kind):
    return certificate.extensions.get_extension_for_class(kind)


def test_openssl_verifies_each_profile_strictly(trust, officer, openssl):
    root, chain = openssl.pem("root.pem", trust.ca.root), openssl.pem("chain.pem", trust.ca.issuing)
    seal = trust.ca.issue("seal", trust.keystore.create(Purpose.SEAL).public_key, AGENCY)
    services = [trust.services.current(purpose).certificate for purpose in (Purpose.TSA, Purpose.OCSP)]
    for certificate in (officer.certificate, seal, *services):
        leaf = openssl.pem("leaf.pem", certificate)
        options = ("-x509_strict", "-check_ss_sig", *openssl.at)
        assert openssl.run("verify", *options, "-CAfile", root, "-untrusted", chain, leaf).endswith("OK\n")


@pytest.mark.parametrize(("purpose", "openssl_purpose"), [(Purpose.TSA, "timestampsign"), (Purpose.OCSP, "ocsphelper")])
def test_openssl_accepts_each_service_for_its_purpose_and_no_officer(trust, officer, openssl, purpose, openssl_purpose):
    root, chain = openssl.pem("root.pem", trust.ca.root), openssl.pem("chain.pem", trust.ca.issuing)
    options = ("-purpose", openssl_purpose, *openssl.at, "-CAfile", root, "-untrusted", chain)
    openssl.run("verify", *options, openssl.pem("service.pem", trust.services.current(purpose).certificate))
    if purpose is Purpose.TSA:
        assert openssl.asked("verify", *options, openssl.pem("leaf.pem", officer.certificate)).returncode != 0


async def validate(trust, certificate, clock, *, usage, extended=None, **evidence):
    roots = [Asn1Certificate.load(trust.ca.root.public_bytes(Encoding.DER))]
    others = [Asn1Certificate.load(trust.ca.issuing.public_bytes(Encoding.DER))]
    context = ValidationContext(trust_roots=roots, other_certs=others, moment=clock.now(), **evidence)
    leaf = Asn1Certificate.load(certificate.public_bytes(Encoding.DER))
    return await CertificateValidator(leaf, validation_context=context).async_validate_usage(usage, extended)


def test_certvalidator_builds_the_path_of_an_officer_with_required_revocation(trust, officer, clock):
    from asn1crypto.crl import CertificateList
    from asn1crypto.ocsp import OCSPResponse

    evidence = trust.evidence([officer.certificate])
    usage = validate(
        trust,
        officer.certificate,
        clock,
        usage={"non_repudiation"},
        ocsps=[OCSPResponse.load(each) for each in evidence.ocsp_responses],
        crls=[CertificateList.load(each) for each in evidence.crls],
        revocation_mode="require",
    )
    path = in_a_thread(lambda: asyncio.run(usage))
    assert len(list(path)) == 3


def test_certvalidator_accepts_the_time_stamp_authority(trust, clock):
    certificate = trust.services.current(Purpose.TSA).certificate
    usage = validate(trust, certificate, clock, usage={"digital_signature"}, extended={"time_stamping"})
    assert in_a_thread(lambda: asyncio.run(usage))


def test_an_officer_signs_content_and_nothing_else(officer):
    usage = extension(officer.certificate, x509.KeyUsage)
    assert usage.critical
    assert usage.value.content_commitment
    assert not usage.value.digital_signature
    assert not usage.value.key_cert_sign
    assert extension(officer.certificate, x509.BasicConstraints).value == x509.BasicConstraints(
        ca=False, path_length=None
    )
    policies = extension(officer.certificate, x509.CertificatePolicies).value
    assert [policy.policy_identifier.dotted_string for policy in policies] == [OFFICER_POLICY]


def test_a_time_stamp_certificate_is_for_time_stamps_alone_and_says_so_critically(trust):
    certificate = trust.services.current(Purpose.TSA).certificate
    usage = extension(certificate, x509.ExtendedKeyUsage)
    assert usage.critical
    assert list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING]
    period = extension(certificate, x509.PrivateKeyUsagePeriod).value
    assert period.not_after - period.not_before == timedelta(days=365)


def test_an_ocsp_certificate_is_delegated_and_not_itself_asked_about(trust):
    certificate = trust.services.current(Purpose.OCSP).certificate
    assert list(extension(certificate, x509.ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.OCSP_SIGNING]
    assert extension(certificate, x509.OCSPNoCheck)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=30)


def test_pointers_lead_below_the_issuer(trust, officer):
    access = {
        each.access_method: each.access_location.value
        for each in extension(officer.certificate, x509.AuthorityInformationAccess).value
    }
    assert access == {
        AuthorityInformationAccessOID.CA_ISSUERS: "http://localhost:8080/ca/issuing-g1.crt",
        AuthorityInformationAccessOID.OCSP: "http://localhost:8080/ocsp",
    }
    (point,) = extension(trust.ca.issuing, x509.CRLDistributionPoints).value
    assert point.full_name[0].value == "http://localhost:8080/ca/root-g1.crl"


def test_the_issuing_authority_can_make_no_further_authority(trust):
    assert extension(trust.ca.issuing, x509.BasicConstraints).value.path_length == 0
    with pytest.raises(CertificateError, match="made by prepare"):
        trust.ca.issue("issuing", trust.ca.issuing.public_key(), ANAN)


def test_serials_are_long_random_and_all_different(trust):
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    serials = [trust.ca.issue("officer", key, ANAN).serial_number for _ in range(5)]
    assert len(set(serials)) == 5
    assert all(64 < serial.bit_length() <= 159 for serial in serials)


def test_a_certificate_does_not_outlive_its_issuer(trust, clock):
    clock.advance(PROFILES["issuing"].validity - timedelta(days=100))
    late = trust.ca.issue("officer", ec.generate_private_key(ec.SECP256R1()).public_key(), ANAN)
    assert late.not_valid_after_utc == trust.ca.issuing.not_valid_after_utc


@pytest.mark.parametrize("length", [1024, 2048])
def test_a_weak_key_gets_no_certificate(trust, length):
    weak = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    with pytest.raises(KeystoreError, match="too weak"):
        trust.ca.issue("officer", weak, ANAN)


def test_what_was_issued_is_found_by_its_serial_and_chains_to_the_root(trust, officer):
    assert trust.ca.load(officer.certificate.serial_number) == officer.certificate
    assert trust.ca.chain(officer.certificate) == [officer.certificate, trust.ca.issuing, trust.ca.root]
    assert trust.ca.chain(trust.ca.issuing) == [trust.ca.issuing, trust.ca.root]
    assert trust.ca.chain(trust.ca.root) == [trust.ca.root]


def test_a_strangers_certificate_is_not_ours(trust, officer, ground, tmp_path):
    elsewhere = replace(ground, settings=replace(ground.settings, keys_url=f"file:{tmp_path}/other"))
    stranger = Keystore(elsewhere)
    signer = stranger.ring.make(Purpose.CA, "ES256")
    forged = Asn1Certificate.load(officer.certificate.public_bytes(Encoding.DER))
    forged["signature_value"] = stranger.ring.signer(signer).sign_x509(forged["tbs_certificate"].dump())
    with pytest.raises(CertificateError, match="not issued here"):
        trust.ca.chain(x509.load_der_x509_certificate(forged.dump(force=True)))


def test_a_revocation_stands_with_its_first_time_and_reason(trust, officer, clock):
    serial = officer.certificate.serial_number
    assert trust.ca.revoked(serial) is None
    assert trust.ca.revoke(serial, RevocationReason.KEY_COMPROMISE)
    first = trust.ca.revoked(serial)
    clock.advance(timedelta(days=1))
    assert not trust.ca.revoke(serial, RevocationReason.SUPERSEDED)
    assert trust.ca.revoked(serial) == first
    assert first.reason is RevocationReason.KEY_COMPROMISE


def test_a_serial_that_was_never_issued_cannot_be_revoked_nor_a_root(trust):
    with pytest.raises(CertificateError, match="no certificate has the serial"):
        trust.ca.revoke(12345)
    with pytest.raises(CertificateError, match="take it out of the trust anchors"):
        trust.ca.revoke(trust.ca.root.serial_number)


def test_a_second_start_makes_nothing(ground, trust):
    before = trust.ca.root, trust.ca.issuing, trust.services.current(Purpose.TSA).certificate
    again = TrustServices(ground)
    again.prepare()
    assert (again.ca.root, again.ca.issuing, again.services.current(Purpose.TSA).certificate) == before
    with ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(Certificate)).scalar_one() == 4


def test_a_responders_certificate_is_renewed_before_it_ends(trust, clock):
    first = trust.services.current(Purpose.OCSP).certificate
    clock.advance(timedelta(days=19))
    assert trust.services.current(Purpose.OCSP).certificate == first
    clock.advance(timedelta(days=2))
    renewed = trust.services.current(Purpose.OCSP).certificate
    assert renewed.not_valid_after_utc > first.not_valid_after_utc
    assert renewed.public_key() == first.public_key()


def test_outside_the_sandbox_no_authority_is_made_by_itself(ground, tmp_path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("a passphrase of more than thirty-two characters")
    settings = replace(
        ground.settings,
        sandbox=False,
        issuer="https://id.example.go.th",
        keys_url=f"file:{tmp_path}/real",
        keys_passphrase_file=passphrase,
    )
    trust = TrustServices(replace(ground, settings=settings))
    trust.prepare()
    assert not trust.has_authority
    assert trust.ca.authorities.all() == ()
    assert not trust.keystore.records([Purpose.ROOT_CA, Purpose.CA])
    with pytest.raises(NoAuthority, match="prajak ca request"):
        trust.ca.issue("officer", trust.keystore.create(Purpose.OFFICER).public_key, ANAN)
    with pytest.raises(NoAuthority):
        trust.services.current(Purpose.TSA)
    assert trust.keystore.active(Purpose.ID_TOKEN).sign(b"logins go on")
