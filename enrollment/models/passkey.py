"""A WebAuthn credential of an account."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, Boolean, ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Passkey(Base):
    """`credential_id` is base64url as browsers write it. `last_used_at` is empty until the first sign-in and
    `revoked_at` until it is removed; a removed passkey keeps its row, so that its id can never be bound again.
    """

    __tablename__ = "passkey"

    credential_id: Mapped[str] = mapped_column(String(1400), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    sign_count: Mapped[int] = mapped_column(BigInteger)
    aaguid: Mapped[str] = mapped_column(String(36))
    backup_eligible: Mapped[bool] = mapped_column(Boolean)
    backed_up: Mapped[bool] = mapped_column(Boolean)
    attestation_trusted: Mapped[bool] = mapped_column(Boolean)
    aal: Mapped[int] = mapped_column(Integer)
    transports: Mapped[str] = mapped_column(String(200))
    name: Mapped[str] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_used_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
