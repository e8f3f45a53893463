"""RFC 5280 section 5, judged by openssl and by cryptography."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from keys.certificate import ISSUING, ROOT
from keys.certificate_rows import RevocationReason
from keys.crl import RENEWED_AFTER, RevocationLists
from tests.keys.conftest import ANAN


def loaded(trust, slot=ISSUING):
    return x509.load_der_x509_crl(trust.crl.current(slot))


@pytest.mark.parametrize("slot", [ROOT, ISSUING])
def test_openssl_verifies_each_list(trust, openssl, slot):
    crl = openssl.file("list.crl", trust.crl.current(slot))
    issuer = openssl.pem("issuer.pem", trust.ca.authority(slot))
    assert "verify OK" in openssl.run("crl", "-inform", "DER", "-in", crl, "-CAfile", issuer, "-noout")
    text = openssl.run("crl", "-inform", "DER", "-in", crl, "-noout", "-text")
    assert "Version 2" in text
    assert "X509v3 Authority Key Identifier" in text
    assert "X509v3 CRL Number" in text


def test_openssl_refuses_a_revoked_officer_and_accepts_another(trust, officer, openssl):
    other = trust.ca.issue("officer", officer.signer.public_key, ANAN)
    trust.ca.revoke(other.serial_number, RevocationReason.AFFILIATION_CHANGED)
    crls = b"".join(
        x509.load_der_x509_crl(trust.crl.current(slot)).public_bytes(Encoding.PEM) for slot in (ROOT, ISSUING)
    )
    root, chain, lists = (
        openssl.pem("root.pem", trust.ca.root),
        openssl.pem("chain.pem", trust.ca.issuing),
        openssl.file("lists.pem", crls),
    )
    options = ("-crl_check_all", *openssl.at, "-CAfile", root, "-untrusted", chain, "-CRLfile", lists)
    openssl.run("verify", *options, openssl.pem("good.pem", officer.certificate))
    refused = openssl.asked("verify", *options, openssl.pem("bad.pem", other))
    assert "certificate revoked" in refused.stderr


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_an_entry_has_its_time_and_its_reason(trust, officer, clock, reason):
    trust.ca.revoke(officer.certificate.serial_number, reason)
    entry = loaded(trust).get_revoked_certificate_by_serial_number(officer.certificate.serial_number)
    assert entry.revocation_date_utc == clock.now()
    written = [extension.value.reason.name for extension in entry.extensions]
    assert written == ([] if reason is RevocationReason.UNSPECIFIED else [reason.value])


def test_a_list_without_revocations_has_no_empty_sequence(trust):
    assert list(loaded(trust)) == []
    assert loaded(trust).is_signature_valid(trust.ca.issuing.public_key())


def number(crl):
    return crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def test_the_list_is_kept_for_an_hour_and_then_made_anew_with_a_greater_number(ground, trust, clock):
    first = trust.crl.current(ISSUING)
    clock.advance(RENEWED_AFTER - timedelta(seconds=1))
    assert trust.crl.current(ISSUING) == first
    assert RevocationLists(ground, trust.ca).current(ISSUING) == first
    clock.advance(timedelta(seconds=31))
    later = trust.crl.current(ISSUING)
    assert number(x509.load_der_x509_crl(later)) > number(x509.load_der_x509_crl(first))


def test_a_revocation_by_another_worker_is_on_the_list_within_half_a_minute(ground, trust, officer, clock):
    from keys.trust_services import TrustServices

    trust.crl.current(ISSUING)
    TrustServices(ground).ca.revoke(officer.certificate.serial_number)
    clock.advance(timedelta(seconds=30))
    assert loaded(trust).get_revoked_certificate_by_serial_number(officer.certificate.serial_number)


def test_a_clock_that_was_set_back_keeps_no_list_and_hides_no_revocation(ground, trust, officer, clock):
    from keys.trust_services import TrustServices

    clock.step(timedelta(days=2))
    of_the_future = loaded(trust)
    TrustServices(ground).ca.revoke(officer.certificate.serial_number)
    clock.step(-timedelta(days=2) + timedelta(minutes=1))
    now = loaded(trust)
    assert now.last_update_utc <= clock.now()
    assert number(now) > number(of_the_future)
    assert now.get_revoked_certificate_by_serial_number(officer.certificate.serial_number)


@pytest.mark.both_backends
def test_workers_that_renew_at_once_publish_one_list(ground, trust, clock):
    """And none with a greater number and fewer entries than another's."""
    before = trust.crl.current(ISSUING)
    clock.advance(RENEWED_AFTER)
    workers = [RevocationLists(ground, trust.ca) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        lists = set(pool.map(lambda worker: worker.current(ISSUING), workers))
    assert len(lists) == 1
    assert before not in lists


def test_entries_stay_after_the_certificate_has_ended(trust, officer, clock):
    trust.ca.revoke(officer.certificate.serial_number)
    clock.advance(timedelta(days=800))
    assert loaded(trust).get_revoked_certificate_by_serial_number(officer.certificate.serial_number)
    said = loaded(trust).extensions.get_extension_for_oid(x509.ObjectIdentifier("2.5.29.60"))  # expiredCertsOnCRL
    assert not said.critical
    assert said.value.value == b"\x18\x0f" + f"{trust.ca.issuing.not_valid_before_utc:%Y%m%d%H%M%SZ}".encode()


def test_a_list_of_many_entries_is_made_in_time(trust, clock):
    """No validator waits for ten thousand entries: hand-written DER, not an object for each."""
    from time import process_time

    from keys.certificate_rows import RevokedStatus
    from keys.crl import signed_list

    revoked = [RevokedStatus(10**40 + serial, clock.now(), RevocationReason.SUPERSEDED) for serial in range(10_000)]
    began = process_time()
    crl = signed_list(trust.ca.issuing, trust.ca.signer_of(ISSUING), number=1, now=clock.now(), revoked=revoked)
    assert process_time() - began < 3
    assert len(x509.load_der_x509_crl(crl)) == 10_000


def test_a_list_under_another_key_is_not_ours(trust):
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    assert not loaded(trust).is_signature_valid(stranger)
