"""From an uploaded file to a signed document: the officer's way, step by step.

 1. `upload`     the file is looked at in the limited child, then kept                                    → uploaded
 2. `ask`        the signature's place is drawn, the byte range is frozen, and the provider is asked for an
                 authorization of just this digest                                                        → prepared
 3. `authorize`  the answer is checked (signing/csc/authorization.py); in one transaction the assertion is spent, the
                 counter moves and the document is marked                                               → authorized
 4. `complete`   the key signs once, time-stamp and revocation answers are added, the file is kept          → signed

A crash after 3 loses nothing and asks for nothing twice: `complete` goes on from there, with the signature value that
was kept, if the key had made one. No outbound call and no key operation happens inside a transaction.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

import structlog
from sqlalchemy import Connection, or_

from core import audit
from core.assurance import AAL, IAL, Acr, acr_value
from core.identifiers import new_id, new_secret
from core.one_time import spend
from signing.authorization import SIGNING_SCOPE, new_code_verifier, signing_redirect_uri
from signing.credentials import Credential, count_assertion
from signing.csc.authorization import (
    DocumentDigest,
    SignatureAuthorization,
    SigningRequest,
    check_authorization,
)
from signing.csc.sign_doc import sign_doc
from signing.documents import Document, PageFacts, State
from signing.errors import SigningNotPermitted
from signing.files import file_hash
from signing.models.document import SigningDocument
from signing.pades import prepare
from signing.pdf_input import PdfFacts, check_pdf
from signing.pending import PendingRequest
from signing.placement import Placement
from signing.preparation import appearance_of
from signing.refusals import AuthorizationExpired, NoCredential, NotAuthorized, StepNotPossible
from signing.services import SigningServices
from signing.session import Officer

AUTHORIZATION_LIFETIME = timedelta(minutes=10)  # from pressing the button to the passkey
SPENT_KEPT = timedelta(days=1)  # longer than any authorization could be presented again
BUSY = timedelta(minutes=2)  # a worker that completes a signature is given so long
TITLE_LENGTH = 200
ASSERTION_SPENT = "signing-assertion"

log = structlog.get_logger()


class Workflow:
    def __init__(self, services: SigningServices) -> None:
        self.services = services
        self.ground = services.ground

    def upload(self, officer: Officer, source: BinaryIO, filename: str) -> str:
        """Step 1; answers the document's identifier. A file that is refused leaves nothing behind."""
        services, document_id = self.services, new_id()
        with services.files.arriving(source) as arrived:
            facts = check_pdf(arrived, settings=self.ground.settings)
            if not facts.signing_permitted:
                raise SigningNotPermitted
            services.files.keep_upload(arrived, document_id)
        try:
            with self.ground.database.write() as connection:
                services.documents.add(
                    connection,
                    document_id=document_id,
                    title=title_from(filename),
                    facts=page_facts(facts),
                    sub=officer.sub,
                    length=facts.length,
                    document_hash=bytes.fromhex(facts.sha256),
                )
                self._audit(connection, "signing.document.uploaded", officer.sub, document_id)
        except BaseException:
            services.files.remove(document_id)
            raise
        return document_id

    def ask(self, officer: Officer, document_id: str, placement: Placement, *, language: str, browser: str) -> str:
        """Step 2; answers the URL at the provider. Asking again takes the place of what was asked before."""
        credential = self.services.credentials.active_for(officer.sub)
        if credential is None:
            raise NoCredential
        document = self.services.documents.load(document_id, sub=officer.sub)
        if document.state not in (State.UPLOADED, State.PREPARED):
            raise StepNotPossible
        digest = self._prepare(document, credential, placement, language)
        return self._push(document, credential, digest, browser)

    def authorize(self, officer: Officer, pending: PendingRequest, code: str, source: str) -> str:
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
            self._spend(officer, document, authorization, source)
        except NotAuthorized as refusal:
            self._refused(officer, document, refusal.reason, source)
            raise
        except AuthorizationExpired:
            self._refused(officer, document, "expired", source)
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
            self.services.files.write(self.services.files.signed(document.id), signed)
        except BaseException:
            with self.ground.database.write() as connection:
                self.services.documents.change(connection, document_id, busy_until=None)
            raise
        result_hash = file_hash(self.services.files.signed(document.id))
        with self.ground.database.write() as connection:
            values = {"signed_at": self.ground.clock.now(), "result_hash": result_hash, "busy_until": None}
            if self.services.documents.step(connection, document_id, State.SIGNED, **values):
                detail = {"credential": document.credential_id or "", "result": result_hash.hex()}
                self._audit(connection, "signing.document.signed", document.sub, document_id, detail=detail)
        self.services.files.forget_prepared(document_id)
        return True

    def complete_interrupted(self) -> None:
        """A job: documents whose officer has agreed and whose worker died are completed without asking again."""
        with self.ground.database.read() as connection:
            waiting = self.services.documents.interrupted(connection)
        for document_id in waiting:
            try:
                self.complete(document_id)
            except AuthorizationExpired:
                log.warning("signing_authorization_ran_out", document=document_id)

    def remove(self, officer: Officer, document_id: str) -> None:
        """Takes an unsigned document off the desk; raises StepNotPossible for a signed one."""
        self.services.documents.load(document_id, sub=officer.sub)
        with self.ground.database.write() as connection:
            if not self.services.documents.remove(connection, document_id):
                raise StepNotPossible
            self._audit(connection, "signing.document.removed", officer.sub, document_id)
        self.services.files.remove(document_id)

    def _prepare(self, document: Document, credential: Credential, placement: Placement, language: str) -> bytes:
        services, now = self.services, self.ground.clock.now()
        certificate = services.credentials.certificate(credential)
        prepared = prepare(
            services.files.uploaded(document.id).read_bytes(),
            settings=self.ground.settings,
            certificate=certificate,
            chain=services.trust_services.ca.chain(certificate)[1:-1],
            at=now,
            placement=placement,
            appearance=appearance_of(credential, document, at=now, issuer=self.ground.settings.issuer, language=language),
        )
        digest = prepared.byte_range_digest
        services.files.write(services.files.prepared(document.id, digest), prepared.to_bytes())
        values: dict[str, Any] = {"credential_id": credential.id, "digest": digest, "prepared_at": now}
        with self.ground.database.write() as connection:
            if not services.documents.step(connection, document.id, State.PREPARED, **values, **vars(placement)):
                raise StepNotPossible
            self._audit(connection, "signing.document.prepared", document.sub, document.id, detail={"digest": digest.hex()})
        return digest

    def _push(self, document: Document, credential: Credential, digest: bytes, browser: str) -> str:
        settings = self.ground.settings
        request = SigningRequest(
            credential_id=credential.id,
            documents=(DocumentDigest(digest=digest, document_hash=document.document_hash, name=document.title),),
            expires_at=(self.ground.clock.now() + AUTHORIZATION_LIFETIME).replace(microsecond=0),
            nonce=new_secret(),
        )
        state, nonce, code_verifier = new_secret(), new_secret(), new_code_verifier()
        parameters = {
            "scope": SIGNING_SCOPE,
            "redirect_uri": signing_redirect_uri(settings),
            "acr_values": acr_value(Acr(IAL.NONE, AAL.AAL3), sandbox=settings.sandbox),
            "authorization_details": request.to_wire(),
        }
        url = self.services.provider.push(parameters, state=state, nonce=nonce, code_verifier=code_verifier)
        pending = PendingRequest(
            browser=browser,
            nonce=nonce,
            code_verifier=code_verifier,
            document_id=document.id,
            request=request.to_json(),
        )
        self.services.pending.remember(state, pending)
        return url

    def _spend(self, officer: Officer, document: Document, authorization: SignatureAuthorization, source: str) -> None:
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
            self._audit(connection, "signing.document.authorized", officer.sub, document.id, source=source, detail=detail)

    def _refused(self, officer: Officer, document: Document, reason: str, source: str) -> None:
        """Its own transaction, committed before the refusal is told."""
        log.warning("signing_refused", document=document.id, reason=reason)
        with self.ground.database.write() as connection:
            self._audit(connection, "signing.refused", officer.sub, document.id, reason=reason, source=source)

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
            self._audit(connection, "signing.refused", document.sub, document.id, reason="expired before it was completed")
        raise AuthorizationExpired

    def _audit(
        self,
        connection: Connection,
        event: str,
        actor: str,
        document_id: str,
        *,
        reason: str = "",
        source: str = "",
        detail: dict[str, str] | None = None,
    ) -> None:
        audit.record(
            connection,
            self.ground.clock,
            event=event,
            actor=actor,
            subject=document_id,
            reason=reason,
            source=source,
            detail=detail,
        )


def title_from(filename: str) -> str:
    """The file's own name: no folders (some browsers send them), nothing that is not text, not endlessly long."""
    name = PureWindowsPath(PurePosixPath(filename).name).name
    printable = "".join(each for each in name if each.isprintable()).strip()
    return printable[:TITLE_LENGTH] or "document.pdf"


def page_facts(facts: PdfFacts) -> PageFacts:
    signatures = sum(field.kind == "signature" for field in facts.fields)
    return PageFacts(page_sizes=facts.page_sizes, concerns=tuple(facts.concerns), signatures=signatures)
