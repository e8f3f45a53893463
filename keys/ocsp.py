"""An OCSP responder, RFC 6960, delegated by each issuing authority (its certificates have id-pkix-ocsp-nocheck).

A serial that was never issued is `unknown`, never `good`; so is every certificate of a stranger. A nonce is echoed
(RFC 9654) in an answer signed for it. Answers without one are signed ahead (`ocsp_answers.py`), and a process keeps
them for half a minute: with the half minute that a cache on the way has, a revocation takes effect within sixty
seconds, and on a worker that was not asked before, at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography import x509
from sqlalchemy.exc import SQLAlchemyError

from core.ground import Ground
from keys.certificate import CertificateAuthority
from keys.certificate_rows import RevokedStatus, as_text
from keys.errors import CertificateError, KeystoreError
from keys.ocsp_answers import Due, forget_answers, forget_ended, form_of, keep_answers, load_due, load_standing
from keys.ocsp_issuers import Issuer, Issuers
from keys.ocsp_request import CertId, MalformedRequest, OcspRequest, parse_request
from keys.ocsp_response import (
    GOOD,
    MALFORMED_REQUEST,
    TRY_LATER,
    UNKNOWN,
    Responder,
    revoked_info,
    signed_response,
)
from keys.purposes import Purpose
from keys.service_certificates import ServiceCertificates

KEPT = timedelta(seconds=30)
KEPT_AT_MOST = 4096  # answers in this process
SERIAL_BITS = 160  # RFC 5280 section 4.1.2.2
ERRORS = {MALFORMED_REQUEST: "malformedRequest", TRY_LATER: "tryLater"}  # section 4.2.1

log = structlog.get_logger()


@dataclass(frozen=True)
class Reply:
    """`this_update` is when it was signed; empty where no cache may keep it."""

    encoded: bytes
    this_update: datetime | None = None


@dataclass(frozen=True)
class Kept:
    reply: Reply
    until: datetime
    revocations: int

    def is_fresh(self, now: datetime) -> bool:
        """Not for as long as a clock was set back, either."""
        return self.until - KEPT <= now < self.until


class OcspResponder:
    """One per process."""

    def __init__(self, ground: Ground, authority: CertificateAuthority, services: ServiceCertificates) -> None:
        self.ground = ground
        self.authority = authority
        self.services = services
        self.issuers = Issuers(authority)
        self._kept: dict[tuple[CertId, ...], Kept] = {}

    def answer(self, der_request: bytes) -> bytes:
        """The DER response to a DER request, whatever it is. May write: never call it within a transaction."""
        return self.reply(der_request).encoded

    def reply(self, der_request: bytes) -> Reply:
        """The same, and whether it may be kept."""
        found = self._reply(der_request)
        self.ground.metrics.count("prajak_ocsp_answers_total", ERRORS.get(found.encoded, "successful"))
        return found

    def _reply(self, der_request: bytes) -> Reply:
        """Where nothing can be signed, section 2.3's tryLater."""
        try:
            request = parse_request(der_request)
        except MalformedRequest:
            return Reply(MALFORMED_REQUEST)
        try:
            return self._kept_reply(request) if request.nonce is None else Reply(self._live(request))
        except (KeystoreError, CertificateError) as error:
            log.warning("ocsp_cannot_sign", why=str(error))
            return Reply(TRY_LATER)

    def response_for(self, certificate: x509.Certificate) -> bytes:
        """Of one of our certificates, to be embedded beside a signature: signed now, because an answer from before the
        signature proves nothing of it (EN 319 102-1 section 5.2.5).
        """
        question = self.issuers.of(certificate).question(certificate.serial_number, "sha256")
        return self._live(OcspRequest((question,)))

    def refresh(self) -> int:
        """A job's round: signs anew what ages and what a revocation has overtaken; how many answers those were."""
        now = self.ground.clock.now()
        with self.ground.database.read() as connection:
            due = load_due(connection, now)
        if not due:
            return 0
        rows, past = [], []
        for each in due:
            try:
                rows.append(self._row(self.issuers.of_serial(each.issuer_serial), each, now))
            except CertificateError:  # its authority can certify no responder any more, and must not hold up the others
                past.append(each)
        with self.ground.database.write() as connection:
            if rows:
                keep_answers(connection, rows)
            forget_answers(connection, past)
            forget_ended(connection, now)
        return len(rows)

    def _kept_reply(self, request: OcspRequest) -> Reply:
        now, revocations = self.ground.clock.now(), self.authority.revocations
        kept = self._kept.get(request.questions)
        if kept is not None and kept.is_fresh(now) and kept.revocations == revocations:
            return kept.reply
        reply = self._stored(request.questions[0], now) if len(request.questions) == 1 else None
        if reply is None:
            reply = Reply(self._live(request), now)
        if len(self._kept) >= KEPT_AT_MOST:
            self._kept = {}
        self._kept[request.questions] = Kept(reply, now + KEPT, revocations)
        return reply

    def _stored(self, question: CertId, now: datetime) -> Reply | None:
        """The answer that all workers give; signed and kept where there is none. None where none is ever kept."""
        issuer, form = self.issuers.asked(question), form_of(question)
        if issuer is None or not form or not is_possible(question):
            return None
        with self.ground.database.read() as connection:
            standing = load_standing(connection, issuer.serial, question.serial, form)
        if not standing.is_issued:
            return None
        signed_by = self.services.keystore.active(Purpose.OCSP).kid
        if standing.stored is not None and standing.stored.is_given(signed_by, now):
            return Reply(standing.stored.encoded, standing.stored.this_update)
        return self._newly_stored(issuer, Due(question.serial, form, issuer.serial, standing.revoked), now)

    def _newly_stored(self, issuer: Issuer, due: Due, now: datetime) -> Reply:
        row = self._row(issuer, due, now)
        try:
            with self.ground.database.write() as connection:
                keep_answers(connection, [row])
        except SQLAlchemyError:
            log.exception("ocsp_answer_not_kept")  # it is good all the same, and the next who asks has it signed again
        return Reply(bytes(row["der"]), now)

    def _row(self, issuer: Issuer, due: Due, now: datetime) -> dict[str, Any]:
        hash_name, _, null = due.form.partition(":")
        question = issuer.question(due.serial, hash_name, with_null=bool(null))
        responder = self._responder([issuer])
        signed = signed_response(responder, [(question, status_of(due.revoked))], now=now)
        return {
            "serial": as_text(due.serial),
            "form": due.form,
            "kid": responder.signer.kid,
            "is_revoked": due.revoked is not None,
            "this_update": now,
            "der": signed,
        }

    def _live(self, request: OcspRequest) -> bytes:
        now = self.ground.clock.now()
        issuers = [self.issuers.asked(question) for question in request.questions]
        statuses = [
            (question, self._status(question, issuer))
            for question, issuer in zip(request.questions, issuers, strict=True)
        ]
        named = [each for each in dict.fromkeys(issuers) if each is not None]
        return signed_response(self._responder(named), statuses, now=now, nonce=request.nonce)

    def _status(self, question: CertId, issuer: Issuer | None) -> bytes:
        """Section 2.2."""
        if issuer is None or not is_possible(question):
            return UNKNOWN
        with self.ground.database.read() as connection:
            standing = load_standing(connection, issuer.serial, question.serial, "")
        return status_of(standing.revoked) if standing.is_issued else UNKNOWN

    def _responder(self, issuers: Sequence[Issuer]) -> Responder:
        """One key, certified by each of these; by the authority of now where all are strangers."""
        services = [self.services.current(Purpose.OCSP, issuer=each.name) for each in issuers]
        services = services or [self.services.current(Purpose.OCSP)]
        first = services[0]
        return Responder(
            first.signer, first.key_hash, tuple(each.encoded for each in services if each.key_hash == first.key_hash)
        )


def is_possible(question: CertId) -> bool:
    """A serial that a certificate of ours can have."""
    return question.serial > 0 and question.serial.bit_length() <= SERIAL_BITS


def status_of(revoked: RevokedStatus | None) -> bytes:
    return GOOD if revoked is None else revoked_info(revoked)
