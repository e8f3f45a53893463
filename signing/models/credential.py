"""Who may sign with which key, and the passkey that must agree each time."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from sqlalchemy import BigInteger, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime

ACTIVE, REVOKED, WAITING = "active", "revoked", "waiting"
OFFICER: Literal["officer"] = "officer"
SEAL: Literal["seal"] = "seal"


class SigningCredential(Base):
    """An officer's, or an agency's seal (`kind`). Names and positions are in clear: they stand in the certificate and
    on every signed document.

    One that another authority is to certify is `waiting` until its certificate was brought in, and has its own id for a
    serial number so long.

    `sub` is what the provider calls the officer towards this client; empty for a seal, as are the position and all of
    `passkey_*`. `revoked_at` is empty while the credential is active.
    """

    __tablename__ = "signing_credential"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    kind: Mapped[str] = mapped_column(String(10))
    sub: Mapped[str] = mapped_column(String(255), index=True)
    name_th: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200))
    position_th: Mapped[str] = mapped_column(String(200))
    position_en: Mapped[str] = mapped_column(String(200))
    agency_th: Mapped[str] = mapped_column(String(200))
    agency_en: Mapped[str] = mapped_column(String(200))
    kid: Mapped[str] = mapped_column(String(64), unique=True)
    certificate_serial: Mapped[str] = mapped_column(String(40), unique=True)
    passkey_id: Mapped[bytes] = mapped_column(LargeBinary)
    passkey_public_key: Mapped[bytes] = mapped_column(LargeBinary)
    passkey_aaguid: Mapped[str] = mapped_column(String(36))
    passkey_name: Mapped[str] = mapped_column(String(100))
    passkey_sign_count: Mapped[int] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
