"""What the signing desk lets go of when an officer is erased, and what it keeps.

Gone: sessions, unsigned documents with their files, titles, the pinned passkey; the credential and its certificate are
revoked. Kept: signed documents, their hashes and references, and the certificate with the names that stand on them. A
signature must stay verifiable (Electronic Transactions Act B.E. 2544, section 26), whoever made it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, or_, select, update

from core.ground import Ground
from keys.certificate_rows import RevocationReason
from keys.data_key import DESK, Owner, delete_data_key
from signing.credentials import Credentials
from signing.documents import State
from signing.files import DocumentFiles
from signing.models.credential import ACTIVE, SigningCredential
from signing.models.document import SigningDocument
from signing.models.session import DeskSession

UNPINNED = {"passkey_id": b"", "passkey_public_key": b"", "passkey_name": "", "passkey_aaguid": ""}


class DeskErasure:
    def __init__(self, ground: Ground, credentials: Credentials, files: DocumentFiles) -> None:
        self.ground = ground
        self.credentials = credentials
        self.files = files

    def before(self, sub: str, *, actor: str) -> None:
        """Revokes what the officer could sign with, in transactions of its own: the authority is asked."""
        mine = (SigningCredential.sub == sub, SigningCredential.status == ACTIVE)
        with self.ground.database.read() as connection:
            held = connection.execute(select(SigningCredential.id).where(*mine)).scalars().all()
        for credential_id in held:
            self.credentials.revoke(credential_id, reason=RevocationReason.CESSATION_OF_OPERATION, actor=actor)

    def erase(self, connection: Connection, sub: str, *, now: datetime) -> list[str]:
        """In the transaction that erases the person; the documents whose files go afterwards (`after`)."""
        connection.execute(delete(DeskSession).where(DeskSession.sub == sub))
        connection.execute(update(SigningCredential).where(SigningCredential.sub == sub).values(**UNPINNED))
        free = or_(SigningDocument.busy_until.is_(None), SigningDocument.busy_until < now)
        unsigned = (SigningDocument.sub == sub, SigningDocument.state != State.SIGNED, free)
        gone = connection.execute(delete(SigningDocument).where(*unsigned).returning(SigningDocument.id)).scalars()
        removed = list(gone.all())
        connection.execute(update(SigningDocument).where(SigningDocument.sub == sub).values(title_sealed=b""))
        delete_data_key(connection, Owner(DESK, sub))
        return removed

    def after(self, document_ids: list[str]) -> None:
        for document_id in document_ids:
            self.files.remove(document_id)
