"""An officer's session at the signing desk: its own, not the provider's."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class DeskSession(Base):
    """`secret_hash` is SHA-256 of the cookie. `sub` and `sid` are the provider's words for the person and for the
    session there, by which back-channel logout ends this one. `ended_at` is empty while it lives.
    """

    __tablename__ = "desk_session"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    secret_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    sub: Mapped[str] = mapped_column(String(255), index=True)
    sid: Mapped[str] = mapped_column(String(255), index=True)
    name_sealed: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    last_seen_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
