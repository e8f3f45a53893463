"""signDoc, CSC API v2 section 11.11, within the desk: the prepared document is completed with the credential's key.

Nobody calls it before `check_authorization` has agreed and the assertion is spent (signing/signing_act.py).
"""

from __future__ import annotations

from signing.documents import Document
from signing.errors import DocumentChanged
from signing.models.document import SigningDocument
from signing.pades import Level, finish
from signing.prepared import Prepared
from signing.remote_signer import RemoteSigner, SignatureValue
from signing.services import SigningServices


def sign_doc(services: SigningServices, document: Document, level: Level = Level.B_LTA) -> bytes:
    """The signed file, or LevelNotReached or DocumentChanged; never one of a lower level."""
    if document.digest is None or document.credential_id is None:
        raise DocumentChanged
    try:
        prepared = Prepared.from_bytes(services.files.prepared(document.id, document.digest).read_bytes())
    except FileNotFoundError as error:
        raise DocumentChanged from error
    credential = services.credentials.load(document.credential_id)
    signer = RemoteSigner(
        services.trust_services.keystore.load(credential.kid),
        services.credentials.certificate(credential),
        authorized_digest=document.digest,
        made=signature_value(document),
        keep=lambda value: keep_signature_value(services, document.id, value),
    )
    return finish(prepared, signer=signer, trust=services.trust, level=level, expected_digest=document.digest)


def signature_value(document: Document) -> SignatureValue | None:
    if document.signature_value is None or document.signed_attributes_hash is None:
        return None
    return SignatureValue(document.signed_attributes_hash, document.signature_value)


def keep_signature_value(services: SigningServices, document_id: str, value: SignatureValue) -> SignatureValue:
    """Stored at once, so that a retry uses it; where another worker stored one first, that is the one."""
    values = {"signed_attributes_hash": value.signed_attributes_hash, "signature_value": value.value}
    with services.ground.database.write() as connection:
        if services.documents.change(connection, document_id, SigningDocument.signature_value.is_(None), **values):
            return value
    return signature_value(services.documents.load_any(document_id)) or value
