"""RFC 6960 and RFC 9654, judged by openssl over HTTP and by cryptography."""

from datetime import timedelta

import pytest
from asn1crypto import ocsp as asn1
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, SHA384, SHA512
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keys.certificate_rows import RevocationReason
from keys.ocsp import KEPT
from keys.ocsp_response import MALFORMED_REQUEST
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from tests.keys.conftest import ANAN

MALFORMED = ocsp.OCSPResponseStatus.MALFORMED_REQUEST


def question(trust, serial, *, algorithm=SHA256, nonce=None, issuer=None):
    issuer, issued = issuer or (trust.ca.issuing, trust.services.current(Purpose.TSA).certificate)
    template = ocsp.OCSPRequestBuilder().add_certificate(issued, issuer, algorithm()).build()
    builder = ocsp.OCSPRequestBuilder().add_certificate_by_hash(
        template.issuer_name_hash, template.issuer_key_hash, serial, algorithm()
    )
    if nonce is not None:
        builder = builder.add_extension(x509.OCSPNonce(nonce), critical=False)
    return builder.build().public_bytes(Encoding.DER)


def answered(trust, request):
    response = ocsp.load_der_ocsp_response(trust.ocsp.answer(request))
    if response.response_status is ocsp.OCSPResponseStatus.SUCCESSFUL:
        (certificate,) = response.certificates
        certificate.verify_directly_issued_by(trust.ca.issuing)
        certificate.public_key().verify(response.signature, response.tbs_response_bytes, ec.ECDSA(SHA256()))
    return response


def test_openssl_finds_good_revoked_and_unknown_over_http(trust, officer, openssl, address):
    revoked = trust.ca.issue("officer", officer.signer.public_key, ANAN)
    trust.ca.revoke(revoked.serial_number, RevocationReason.KEY_COMPROMISE)
    issuing, root = openssl.pem("issuing.pem", trust.ca.issuing), openssl.pem("root.pem", trust.ca.root)
    good, bad = openssl.pem("good.pem", officer.certificate), openssl.pem("bad.pem", revoked)
    asked = ("-issuer", issuing, "-cert", good, "-cert", bad, "-serial", "0x1234", "-url", f"{address}/ocsp")
    said = openssl.run(
        "ocsp", *asked, "-CAfile", root, "-verify_other", issuing, *openssl.at, "-validity_period", str(10**10)
    )
    assert "Response verify OK" in said
    assert "Nonce Verify error" not in said
    assert "good.pem: good" in said
    assert "bad.pem: revoked" in said
    assert "Reason: keyCompromise" in said
    assert "0x1234: unknown" in said


@pytest.mark.parametrize("algorithm", [SHA1, SHA256, SHA384, SHA512])
def test_the_issuer_may_be_named_by_any_of_its_hashes(trust, officer, algorithm):
    response = answered(trust, question(trust, officer.certificate.serial_number, algorithm=algorithm))
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.serial_number == officer.certificate.serial_number
    assert type(response.hash_algorithm) is algorithm


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=30)
@given(serial=st.integers(min_value=1, max_value=2**159 - 1))
def test_a_serial_that_was_never_issued_is_never_good(trust, serial):
    assert answered(trust, question(trust, serial)).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


@pytest.mark.parametrize("serial", [0, -5, 2**161, 2**900])
def test_a_serial_that_cannot_exist_is_unknown(trust, serial):
    name_hash, key_hash = trust.ocsp.issuers.all()[0].hashes["sha256"]
    cert_id = {
        "hash_algorithm": {"algorithm": "sha256"},
        "issuer_name_hash": name_hash,
        "issuer_key_hash": key_hash,
        "serial_number": serial,
    }
    request = asn1.OCSPRequest({"tbs_request": {"request_list": [{"req_cert": cert_id}]}}).dump()
    response = asn1.OCSPResponse.load(trust.ocsp.answer(request))
    assert response.response_data["responses"][0]["cert_status"].name == "unknown"


def test_another_issuers_certificate_is_unknown_even_with_a_serial_of_ours(trust, officer):
    request = question(trust, officer.certificate.serial_number, issuer=(trust.ca.root, trust.ca.issuing))
    assert answered(trust, request).certificate_status is ocsp.OCSPCertStatus.UNKNOWN


def test_the_root_and_the_issuing_authority_are_not_answered_for(trust):
    for authority in (trust.ca.root, trust.ca.issuing):
        assert (
            answered(trust, question(trust, authority.serial_number)).certificate_status is ocsp.OCSPCertStatus.UNKNOWN
        )


@pytest.mark.parametrize("length", [1, 16, 32, 128])
def test_a_nonce_is_echoed(trust, officer, length):
    nonce = bytes(range(length))
    response = answered(trust, question(trust, officer.certificate.serial_number, nonce=nonce))
    assert response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce == nonce


@pytest.mark.parametrize("nonce", [b"", b"n" * 129])
def test_a_nonce_of_a_wrong_length_is_malformed(trust, officer, nonce):
    assert answered(trust, question(trust, officer.certificate.serial_number, nonce=nonce)).response_status is MALFORMED


def test_an_answer_says_when_it_was_made_and_how_long_it_holds(trust, officer, clock):
    response = answered(trust, question(trust, officer.certificate.serial_number))
    assert response.this_update_utc == response.produced_at_utc == clock.now()
    assert response.next_update_utc - response.this_update_utc == timedelta(hours=1)
    assert response.responder_key_hash == trust.services.current(Purpose.OCSP).key_hash


@pytest.mark.parametrize("reason", list(RevocationReason))
def test_a_revocation_has_its_time_and_reason(trust, officer, clock, reason):
    trust.ca.revoke(officer.certificate.serial_number, reason)
    response = answered(trust, question(trust, officer.certificate.serial_number))
    assert response.revocation_time_utc == clock.now()
    said = response.revocation_reason
    assert (said.name if said else "unspecified") == reason.value


def test_a_revocation_by_another_worker_is_told_within_half_a_minute(ground, trust, officer, clock):
    request = question(trust, officer.certificate.serial_number)
    assert answered(trust, request).certificate_status is ocsp.OCSPCertStatus.GOOD
    TrustServices(ground).ca.revoke(officer.certificate.serial_number)
    clock.advance(KEPT)
    assert answered(trust, request).certificate_status is ocsp.OCSPCertStatus.REVOKED


def test_answers_without_a_nonce_are_kept_for_a_moment_and_those_with_one_are_not(trust, officer):
    plain, fresh = (question(trust, officer.certificate.serial_number, nonce=nonce) for nonce in (None, b"nonce"))
    assert trust.ocsp.answer(plain) == trust.ocsp.answer(plain)
    assert trust.ocsp.answer(fresh) != trust.ocsp.answer(fresh)


def test_the_answer_for_a_signature_is_what_a_stranger_would_get(trust, officer):
    response = ocsp.load_der_ocsp_response(trust.ocsp.response_for(officer.certificate))
    assert response.certificate_status is ocsp.OCSPCertStatus.GOOD
    assert response.serial_number == officer.certificate.serial_number


def test_many_questions_in_one_request_are_answered_in_order_and_too_many_are_malformed(trust, officer):
    single = asn1.OCSPRequest.load(question(trust, officer.certificate.serial_number))["tbs_request"]["request_list"][0]
    for number, status in ((16, "successful"), (17, "malformed_request")):
        request = asn1.OCSPRequest({"tbs_request": {"request_list": [single.copy() for _ in range(number)]}})
        response = asn1.OCSPResponse.load(trust.ocsp.answer(request.dump()))
        assert response["response_status"].native == status
        if status == "successful":
            assert len(response.response_data["responses"]) == number


def test_an_unknown_critical_extension_is_malformed(trust, officer):
    request = asn1.OCSPRequest.load(question(trust, officer.certificate.serial_number))
    tbs = request["tbs_request"]
    tbs["request_extensions"] = [{"extn_id": "1.2.3.4", "critical": True, "extn_value": b"\x05\x00"}]
    assert trust.ocsp.answer(asn1.OCSPRequest({"tbs_request": tbs}).dump(force=True)) == MALFORMED_REQUEST


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_whatever_comes_in_there_is_an_answer(trust, data):
    request = bytearray(question(trust, 12345, nonce=b"nonce"))
    for _ in range(data.draw(st.integers(1, 4))):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(request)))
    for attempt in (bytes(request), bytes(request[:cut]), data.draw(st.binary(max_size=200))):
        asn1.OCSPResponse.load(trust.ocsp.answer(attempt), strict=True).native  # noqa: B018 - parses it all


def test_a_huge_request_is_malformed(trust):
    assert trust.ocsp.answer(b"\x30\x84\x7f\xff\xff\xff" + b"0" * 20_000) == MALFORMED_REQUEST
    assert trust.ocsp.answer(b"\x30\x80" * 5000) == MALFORMED_REQUEST


def test_every_answer_is_der(trust, officer):
    trust.ca.revoke(officer.certificate.serial_number, RevocationReason.SUPERSEDED)
    for serial in (officer.certificate.serial_number, 5):
        encoded = trust.ocsp.answer(question(trust, serial, nonce=b"nonce"))
        assert asn1.OCSPResponse.load(encoded, strict=True).dump(force=True) == encoded
