"""A document on an officer's desk, from the upload to the signed file."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Float, ForeignKey, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class SigningDocument(Base):
    """The files themselves lie below the data directory (`signing/files.py`).

    `title_sealed` and `facts` come from the upload. `credential_id`, `page` … `height`, `digest` (the prepared byte
    range, as authorized), `prepared_at` are empty until the place of the signature is chosen. `authorized_at` is empty
    until the officer's assertion is spent; then `authorization_expires_at` and `assertion` say what was agreed, and
    `busy_until` keeps two workers from completing it at once (empty: nobody does). `signature_value` and
    `signed_attributes_hash` are empty until the key has signed, once. `signed_at` and `result_hash` are empty until
    the signed file is kept.
    """

    __tablename__ = "signing_document"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    sub: Mapped[str] = mapped_column(String(255), index=True)
    state: Mapped[str] = mapped_column(String(12))
    reference: Mapped[str] = mapped_column(String(32), unique=True)
    title_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    length: Mapped[int] = mapped_column(BigInteger)
    document_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    facts: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    credential_id: Mapped[str | None] = mapped_column(ForeignKey("signing_credential.id"))
    page: Mapped[int | None] = mapped_column(Integer)
    left: Mapped[float | None] = mapped_column(Float)
    bottom: Mapped[float | None] = mapped_column(Float)
    width: Mapped[float | None] = mapped_column(Float)
    height: Mapped[float | None] = mapped_column(Float)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    prepared_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    authorized_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    authorization_expires_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    assertion: Mapped[str | None] = mapped_column(Text)
    busy_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    signed_attributes_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    signature_value: Mapped[bytes | None] = mapped_column(LargeBinary)
    signed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    result_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
