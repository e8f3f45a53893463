"""From an uploaded file to a signed document: the officer's way, step by step.

 1. `upload`     the file is looked at in the limited child, then kept                                    → uploaded
 2. `ask`        the signature's place is drawn, the byte range is frozen, and the provider is asked for an
                 authorization of just this digest                                                        → prepared
 3. `authorize`  the answer is checked (signing/csc/authorization.py); in one transaction the assertion is spent, the
                 counter moves and the document is marked                                               → authorized
 4. `complete`   the key signs once, time-stamp and revocation answers are added, the file is kept          → signed

1 and 2 are here, 3 and 4 in signing/signing_act.py. No outbound call and no key operation is inside a transaction.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import PurePosixPath, PureWindowsPath
from typing import IO, Any

from core import audit
from core.assurance import AAL, IAL, Acr, acr_value
from core.identifiers import new_id, new_secret
from signing.appearance import Appearance
from signing.authorization import SIGNING_SCOPE, new_code_verifier, signing_redirect_uri
from signing.credentials import Credential
from signing.csc.authorization import DocumentDigest, SigningRequest
from signing.documents import Document, PageFacts, State
from signing.errors import SigningNotPermitted
from signing.pades import prepare
from signing.pdf_input import PdfFacts, check_pdf
from signing.pending import PendingRequest
from signing.prepared import Placement
from signing.refusals import NoCredential, StepNotPossible
from signing.services import SigningServices
from signing.session import Officer

AUTHORIZATION_LIFETIME = timedelta(minutes=10)  # from pressing the button to the passkey
TITLE_LENGTH = 200


class Workflow:
    def __init__(self, services: SigningServices) -> None:
        self.services = services
        self.ground = services.ground

    def upload(self, officer: Officer, source: IO[bytes], filename: str) -> str:
        """Step 1; answers the document's identifier. A file that is refused leaves nothing behind."""
        services, document_id = self.services, new_id()
        with services.files.arriving(source) as arrived:
            facts = check_pdf(arrived, settings=self.ground.settings)
            if not facts.signing_permitted:
                raise SigningNotPermitted
            services.files.keep_upload(arrived, document_id)
        key = services.documents.key(officer.sub)
        try:
            with self.ground.database.write() as connection:
                services.documents.add(
                    connection,
                    document_id=document_id,
                    title=title_from(filename),
                    key=key,
                    facts=page_facts(facts),
                    length=facts.length,
                    document_hash=bytes.fromhex(facts.sha256),
                )
                audit.record(
                    connection,
                    self.ground.clock,
                    event="signing.document.uploaded",
                    actor=officer.sub,
                    subject=document_id,
                )
        except BaseException:
            services.files.remove(document_id)
            raise
        return document_id

    def ask(self, officer: Officer, document_id: str, placement: Placement, *, browser: str) -> str:
        """Step 2; answers the URL at the provider. Asking again takes the place of what was asked before."""
        credential = self.services.credentials.active_for(officer.sub)
        if credential is None:
            raise NoCredential
        document = self.services.documents.load(document_id, sub=officer.sub)
        if document.state not in (State.UPLOADED, State.PREPARED):
            raise StepNotPossible
        digest = self._prepare(document, credential, placement)
        return self._push(document, credential, digest, browser)

    def remove(self, officer: Officer, document_id: str) -> None:
        """Takes an unsigned document off the desk; raises StepNotPossible for a signed one."""
        self.services.documents.load(document_id, sub=officer.sub)
        with self.ground.database.write() as connection:
            if not self.services.documents.remove(connection, document_id):
                raise StepNotPossible
            audit.record(
                connection, self.ground.clock, event="signing.document.removed", actor=officer.sub, subject=document_id
            )
        self.services.files.remove(document_id)

    def _prepare(self, document: Document, credential: Credential, placement: Placement) -> bytes:
        services, now = self.services, self.ground.clock.now()
        certificate = services.credentials.certificate(credential)
        if certificate.not_valid_after_utc <= now:  # before the officer confirms what could not be completed
            raise NoCredential
        prepared = prepare(
            services.files.uploaded(document.id).read_bytes(),
            settings=self.ground.settings,
            certificate=certificate,
            chain=services.trust_services.chain(certificate)[1:-1],
            at=now,
            placement=placement,
            appearance=self._appearance(credential, document, now),
        )
        digest = prepared.byte_range_digest
        services.files.write(services.files.prepared(document.id, digest), prepared.to_bytes())
        values: dict[str, Any] = {"credential_id": credential.id, "digest": digest, "prepared_at": now}
        with self.ground.database.write() as connection:
            if not services.documents.step(connection, document.id, State.PREPARED, **values, **vars(placement)):
                raise StepNotPossible
            audit.record(
                connection,
                self.ground.clock,
                event="signing.document.prepared",
                actor=document.sub,
                subject=document.id,
                detail={"digest": digest.hex()},
            )
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

    def _appearance(self, credential: Credential, document: Document, at: datetime) -> Appearance:
        """In Thai whatever language the desk is read in: the signed document is the state's."""
        return Appearance(
            name=credential.name_th,
            position=credential.position_th,
            agency=credential.agency_th,
            at=at,
            qr_url=f"{self.ground.settings.issuer}/verify/{document.reference}",
        )


def title_from(filename: str) -> str:
    """The file's own name: no folders (some browsers send them), nothing that is not text, not endlessly long."""
    name = PureWindowsPath(PurePosixPath(filename).name).name
    printable = "".join(each for each in name if each.isprintable()).strip()
    return printable[:TITLE_LENGTH] if printable.strip(".") else "document.pdf"


def page_facts(facts: PdfFacts) -> PageFacts:
    signatures = sum(field.kind == "signature" for field in facts.fields)
    return PageFacts(page_sizes=facts.page_sizes, concerns=tuple(facts.concerns), signatures=signatures)
