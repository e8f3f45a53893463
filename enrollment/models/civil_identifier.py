"""A citizen number held by an account: found by a keyed hash, readable only through the person's data key."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base

CITIZEN_NUMBER = "citizen-number"


class CivilIdentifier(Base):
    """The primary key is what makes one citizen one account: of two parallel enrolments the second insert loses."""

    __tablename__ = "civil_identifier"

    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    blind_index: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
