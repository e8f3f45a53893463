"""Pre-signed OCSP answers, RFC 6960 section 2.5: shared by all workers, refreshed by a job, overtaken by no revocation."""

from __future__ import annotations

from datetime import timedelta

import pytest
from asn1crypto import ocsp as asn1
from cryptography.hazmat.primitives.hashes import SHA256, SHA384
from cryptography.x509 import ocsp
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from keys import der
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError, TokenAway
from keys.models import OcspAnswer
from keys.ocsp import KEPT
from keys.ocsp_answers import GIVEN_FOR, REFRESHED_AFTER
from keys.ocsp_response import ANSWER_LIFETIME, TRY_LATER
from keys.purposes import Purpose
from keys.trust_services import TrustServices
from tests.keys.conftest import ANAN
from tests.keys.test_ocsp import answered, question

GOOD, REVOKED = ocsp.OCSPCertStatus.GOOD, ocsp.OCSPCertStatus.REVOKED


def kept(ground):
    with ground.database.read() as connection:
        return connection.execute(select(func.count()).select_from(OcspAnswer)).scalar_one()


@pytest.fixture
def other_worker(ground, trust):
    return TrustServices(ground)


def test_what_one_worker_signed_all_workers_answer_with(ground, trust, officer, clock):
    request = question(trust, officer.certificate.serial_number)
    first = trust.ocsp.answer(request)
    clock.advance(timedelta(minutes=29))
    assert TrustServices(ground).ocsp.answer(request) == first
    assert kept(ground) == 1


def test_a_worker_that_was_not_asked_before_tells_of_a_revocation_at_once(ground, trust, officer):
    """The kept answer says good, and the status beside it says that it does no longer."""
    request = question(trust, officer.certificate.serial_number)
    assert answered(trust, request).certificate_status is GOOD
    TrustServices(ground).ca.revoke(officer.certificate.serial_number, RevocationReason.KEY_COMPROMISE)
    assert answered(TrustServices(ground), request).certificate_status is REVOKED


def test_a_worker_that_was_asked_before_tells_of_it_within_half_a_minute(other_worker, trust, officer, clock):
    request = question(trust, officer.certificate.serial_number)
    answered(trust, request)
    other_worker.ca.revoke(officer.certificate.serial_number)
    clock.advance(KEPT)
    assert answered(trust, request).certificate_status is REVOKED


def test_an_answer_that_a_slower_worker_kept_after_the_revocation_is_not_given(ground, trust, officer):
    """It looked, the certificate was revoked, it signed "good" and kept that."""
    request = question(trust, officer.certificate.serial_number)
    answered(trust, request)
    trust.ca.revoke(officer.certificate.serial_number)
    with ground.database.read() as connection:
        late = connection.execute(select(OcspAnswer.is_revoked)).scalar_one()
    assert late is False
    assert answered(TrustServices(ground), request).certificate_status is REVOKED


@pytest.mark.both_backends
def test_the_job_signs_anew_what_ages_and_what_was_revoked(ground, trust, officer, clock):
    other = trust.ca.issue("officer", officer.signer.public_key, ANAN)
    requests = [question(trust, each.serial_number) for each in (officer.certificate, other)]
    before = [trust.ocsp.answer(request) for request in requests]
    assert trust.ocsp.refresh() == 0
    trust.ca.revoke(other.serial_number)
    assert trust.ocsp.refresh() == 1
    assert trust.ocsp.refresh() == 0
    clock.advance(REFRESHED_AFTER)
    assert trust.ocsp.refresh() == 2
    worker = TrustServices(ground)
    after = [worker.ocsp.answer(request) for request in requests]
    assert not set(before) & set(after)
    assert [ocsp.load_der_ocsp_response(each).this_update_utc for each in after] == [clock.now()] * 2


def test_the_job_makes_what_a_request_would_get(other_worker, trust, officer, clock):
    """Byte for byte the question's own naming of its issuer, for each form that is kept."""
    (issuer,), serial = trust.ocsp.issuers.all(), officer.certificate.serial_number
    requests = [
        request_of(issuer.question(serial, hash_name, with_null=with_null))
        for hash_name in ("sha1", "sha256")
        for with_null in (False, True)  # RFC 5754 section 2: parameters absent; most clients say NULL
    ]
    for request in requests:
        trust.ocsp.answer(request)
    clock.advance(REFRESHED_AFTER)
    assert trust.ocsp.refresh() == 4
    for request in requests:
        (single,) = asn1.OCSPResponse.load(other_worker.ocsp.answer(request)).response_data["responses"]
        (asked,) = asn1.OCSPRequest.load(request)["tbs_request"]["request_list"]
        assert single["cert_id"].dump() == asked["req_cert"].dump()


def request_of(cert_id):
    return der.sequence(der.sequence(der.sequence(der.sequence(cert_id.encoded()))))


def test_nothing_is_kept_of_serials_that_were_not_issued_nor_of_rare_hashes_or_nonces(ground, trust, officer):
    serial = officer.certificate.serial_number
    for request in (
        question(trust, 12345),
        question(trust, serial, nonce=b"nonce"),
        question(trust, serial, algorithm=SHA384),
    ):
        answered(trust, request)
    assert kept(ground) == 0


def test_an_answer_is_given_well_before_its_end_and_not_after(other_worker, trust, officer, clock):
    request = question(trust, officer.certificate.serial_number)
    first = trust.ocsp.answer(request)
    clock.advance(GIVEN_FOR - timedelta(seconds=1))
    assert other_worker.ocsp.answer(request) == first
    clock.advance(KEPT)
    latest = answered(other_worker, request)
    assert latest.next_update_utc - clock.now() == ANSWER_LIFETIME


def test_an_answer_from_a_future_that_was_taken_back_is_not_given(ground, trust, officer, clock):
    request = question(trust, officer.certificate.serial_number)
    clock.advance(timedelta(minutes=20))
    answered(trust, request)
    clock.step(timedelta(minutes=-10))
    assert answered(TrustServices(ground), request).this_update_utc == clock.now()


def test_a_new_responders_key_signs_everything_anew(ground, trust, officer):
    """What a compromised key has signed is not given out again."""
    request = question(trust, officer.certificate.serial_number)
    answered(trust, request)
    old = trust.services.current(Purpose.OCSP)
    trust.compromise(old.signer.kid, actor="administrator", reason="a stolen disk")
    response = answered(TrustServices(ground), request)
    assert response.responder_key_hash != old.key_hash


def test_answers_about_ended_certificates_are_forgotten(ground, trust, officer, clock):
    answered(trust, question(trust, officer.certificate.serial_number))
    clock.advance(timedelta(days=366))
    trust.ocsp.refresh()
    assert kept(ground) == 0


def test_an_answer_that_cannot_be_kept_is_given_all_the_same(trust, officer, monkeypatch):
    def full(*_):
        raise OperationalError("INSERT", {}, Exception("database or disk is full"))

    monkeypatch.setattr("keys.ocsp.keep_answers", full)
    assert answered(trust, question(trust, officer.certificate.serial_number)).certificate_status is GOOD


def test_without_the_token_kept_answers_go_on_and_others_are_told_to_try_later(
    other_worker, trust, officer, monkeypatch
):
    plain, fresh = (question(trust, officer.certificate.serial_number, nonce=nonce) for nonce in (None, b"nonce"))
    first = trust.ocsp.answer(plain)

    def away(*_, **__):
        raise TokenAway("the token does not answer")

    monkeypatch.setattr("keys.ocsp.signed_response", away)
    assert other_worker.ocsp.answer(plain) == first
    assert other_worker.ocsp.answer(fresh) == TRY_LATER
    assert ocsp.load_der_ocsp_response(TRY_LATER).response_status is ocsp.OCSPResponseStatus.TRY_LATER


def test_an_answer_for_a_signature_is_never_older_than_the_signature(trust, officer, clock):
    """EN 319 102-1 section 5.2.5: one from before it proves nothing of it."""
    answered(trust, question(trust, officer.certificate.serial_number, algorithm=SHA256))
    clock.advance(timedelta(seconds=10))
    response = ocsp.load_der_ocsp_response(trust.ocsp.response_for(officer.certificate))
    assert response.this_update_utc == clock.now()


def test_an_authority_that_has_no_responder_any_more_does_not_hold_up_the_others(
    ground, trust, officer, clock, monkeypatch
):
    answered(trust, question(trust, officer.certificate.serial_number))

    def gone(*_):
        raise CertificateError("the key is not in custody here")

    clock.advance(REFRESHED_AFTER)
    monkeypatch.setattr(trust.ocsp, "_row", gone)
    assert trust.ocsp.refresh() == 0
    assert kept(ground) == 0


def test_a_token_that_is_away_loses_no_kept_answer(ground, trust, officer, clock, monkeypatch):
    answered(trust, question(trust, officer.certificate.serial_number))

    def away(*_):
        raise TokenAway("the token does not answer")

    clock.advance(REFRESHED_AFTER)
    monkeypatch.setattr(trust.ocsp, "_row", away)
    with pytest.raises(TokenAway):
        trust.ocsp.refresh()
    assert kept(ground) == 1


def test_a_clock_that_was_set_back_keeps_no_answer_of_the_future(other_worker, trust, officer, clock):
    request = question(trust, officer.certificate.serial_number)
    clock.step(timedelta(days=2))
    assert answered(trust, request).certificate_status is GOOD
    other_worker.ca.revoke(officer.certificate.serial_number)
    clock.step(-timedelta(days=2) + timedelta(minutes=1))
    answer = answered(trust, request)
    assert answer.certificate_status is REVOKED
    assert answer.this_update_utc <= clock.now()
