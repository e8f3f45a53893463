"""The act of signing: the officer's answer is checked and spent, then the signature is completed.

Steps 3 and 4 of signing/workflow.py. A crash after 3 loses nothing and asks for nothing twice: `complete` goes on from
there, with the signature value that was kept if the key had made one. The order of 3 is the point: what is spent is
committed before the key is touched, so that no second answer can ever reach the key.
"""

from __future__ import annotations

from datetime import timedelta
from hashlib import sha256

import structlog
from sqlalchemy import or_

from core import audit
from core.one_time import spend
from signing.authorization import signing_redirect_uri
from signing.credentials import count_assertion
from signing.csc.authorization import SignatureAuthorization, SigningRequest, check_authorization
from signing.csc.sign_doc import sign_doc
from signing.documents import Document, State
from signing.models.document import SigningDocument
from signing.pending import PendingRequest
from signing.refusals import AuthorizationExpired, NotAuthorized
from signing.services import SigningServices
from signing.session import Officer

SPENT_KEPT = timedelta(days=1)  # longer than any authorization could be presented again
BUSY = timedelta(minutes=2)  # a worker that completes a signature is given so long
ASSERTION_SPENT = "signing-assertion"

log = structlog.get_logger()


class SigningAct:
    def __init__(self, services: SigningServices) -> None:
        self.services = services
        self.ground = services.ground

    def authorize(self, officer: Officer, pending: PendingRequest, code: str) -> str:
        """Step 3, and 4 at once; answers the document's identifier."""
        services = self.services
        document = services.documents.load(pending.document_id, sub=officer.sub)
        request = SigningRequest.from_json(pending.request)
        credential = services.credentials.load(request.credential_id)
        redirect_uri = signing_redirect_uri(self.ground.settings)
        answer = services.provider.redeem(code, code_verifier=pending.code_verifier, redirect_uri=redirect_uri)
        try:
            authorization = check_authorization(
                answer,
                request=request,
                prepared=[document.digest] if document.digest else [],
                credential=credential,
                officer=officer.sub,
                issuer=services.issuer,
                settings=self.ground.settings,
            )
            self._spend(officer, document, authorization)
        except NotAuthorized as refusal:
            self._refused(officer, document, refusal.reason)
            raise
        except AuthorizationExpired:
            self._refused(officer, document, "expired")
            raise
        self.complete(document.id)
        return document.id

    def complete(self, document_id: str) -> bool:
        """Step 4. False when there is nothing to do, or another worker is at it."""
        if not self._begin(document_id):
            return False
        document = self.services.documents.load_any(document_id)
        try:
            self._check_not_too_late(document)
            signed = sign_doc(self.services, document)
            result_hash = sha256(signed).digest()
            self.services.files.write(self.services.files.signed(document.id, result_hash), signed)
        except BaseException:
            with self.ground.database.write() as connection:
                self.services.documents.change(connection, document_id, busy_until=None)
            raise
        with self.ground.database.write() as connection:
            values = {"signed_at": self.ground.clock.now(), "result_hash": result_hash, "busy_until": None}
            if self.services.documents.step(connection, document_id, State.SIGNED, **values):
                detail = {"credential": document.credential_id or "", "result": result_hash.hex()}
                audit.record(
                    connection,
                    self.ground.clock,
                    event="signing.document.signed",
                    actor=document.sub,
                    subject=document_id,
                    detail=detail,
                )
        self.services.files.forget_prepared(document_id)
        return True

    def complete_interrupted(self) -> None:
        """A job: documents whose officer has agreed and whose worker died are completed without asking again."""
        for document_id in self.services.documents.interrupted(patience=BUSY):
            try:
                self.complete(document_id)
            except AuthorizationExpired:
                log.warning("signing_authorization_ran_out", document=document_id)

    def _spend(self, officer: Officer, document: Document, authorization: SignatureAuthorization) -> None:
        """One transaction: spent, counted, marked. Of two answers with one assertion exactly one comes through."""
        request, now = authorization.request, self.ground.clock.now()
        digest = request.documents[0].digest
        values = {
            "authorized_at": now,
            "authorization_expires_at": request.expires_at,
            "assertion": authorization.assertion,
            "busy_until": None,
        }
        same = (SigningDocument.digest == digest, SigningDocument.credential_id == request.credential_id)
        with self.ground.database.write() as connection:
            if not spend(connection, ASSERTION_SPENT, authorization.spend, expires_at=now + SPENT_KEPT):
                raise NotAuthorized("assertion spent")
            if not count_assertion(connection, request.credential_id, authorization.sign_count):
                raise NotAuthorized("credential revoked or signature counter")
            if not self.services.documents.step(connection, document.id, State.AUTHORIZED, *same, **values):
                raise NotAuthorized("document moved on")
            detail = {"credential": request.credential_id, "digest": digest.hex()}
            audit.record(
                connection,
                self.ground.clock,
                event="signing.document.authorized",
                actor=officer.sub,
                subject=document.id,
                detail=detail,
            )

    def _refused(self, officer: Officer, document: Document, reason: str) -> None:
        """Its own transaction, committed before the refusal is told."""
        log.warning("signing_refused", document=document.id, reason=reason)
        with self.ground.database.write() as connection:
            audit.record(
                connection,
                self.ground.clock,
                event="signing.refused",
                actor=officer.sub,
                subject=document.id,
                reason=reason,
            )

    def _begin(self, document_id: str) -> bool:
        now = self.ground.clock.now()
        free = or_(SigningDocument.busy_until.is_(None), SigningDocument.busy_until < now)
        authorized = SigningDocument.state == State.AUTHORIZED
        with self.ground.database.write() as connection:
            return self.services.documents.change(connection, document_id, free, authorized, busy_until=now + BUSY)

    def _check_not_too_late(self, document: Document) -> None:
        """An authorization that ran out before the key signed is worth nothing: the officer is asked again."""
        expires_at = document.authorization_expires_at
        if document.signature_value is not None or expires_at is None or self.ground.clock.now() < expires_at + BUSY:
            return
        with self.ground.database.write() as connection:
            self.services.documents.step(connection, document.id, State.UPLOADED, digest=None, authorized_at=None)
            audit.record(
                connection,
                self.ground.clock,
                event="signing.refused",
                actor=document.sub,
                subject=document.id,
                reason="expired before it was completed",
            )
        raise AuthorizationExpired
