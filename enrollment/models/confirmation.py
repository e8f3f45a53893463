"""A confirmation code sent to an address (SP 800-63A section 3.1.8): kept as a keyed hash, spent once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class ConfirmationCode(Base):
    """`spent_at` is empty while the code can be used: it is set by success, by a newer code and by going back.
    `attempts` counts the tries that were let through to the comparison.
    """

    __tablename__ = "confirmation_code"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("proofing_case.id"), index=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    attempts: Mapped[int] = mapped_column(Integer)
    sent_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime)
    spent_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
