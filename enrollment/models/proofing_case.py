"""One attempt to prove who somebody is, from the first page to a decision."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, Integer, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class ProofingCase(Base):
    """The browser that opened a case holds the secret behind `resume_hash`; a case opened by an officer has a hash
    that nothing matches. `account_id` is the account it is for, or will be for: it is chosen at the start, so that
    the passkey's user handle is known before the account is, and so is the data key under which the case is sealed.

    `citizen_index` is the keyed hash of the citizen number, empty until the register has confirmed the person and
    again when the case ends: the partial unique index lets one case of a journey live for one citizen.
    `contact` and `codes` are sealed, empty until known (recovery codes: until the person says they are kept).
    `version` counts the steps taken, so that of two parallel steps one wins. `opened_by` is an account or "self".
    """

    __tablename__ = "proofing_case"
    __table_args__ = (
        Index("uq_proofing_case_live", "journey", "citizen_index", unique=True,
              sqlite_where=text("citizen_index IS NOT NULL"), postgresql_where=text("citizen_index IS NOT NULL")),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    journey: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20), index=True)
    version: Mapped[int] = mapped_column(Integer)
    policy: Mapped[str] = mapped_column(String(40))
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    resume_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    citizen_index: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    contact: Mapped[bytes | None] = mapped_column(LargeBinary)
    codes: Mapped[bytes | None] = mapped_column(LargeBinary)
    opened_by: Mapped[str] = mapped_column(String(22))
    office: Mapped[str] = mapped_column(String(160), index=True)
    return_to: Mapped[str] = mapped_column(String(2000))
    opened_at: Mapped[datetime] = mapped_column(UTCDateTime)
    expires_at: Mapped[datetime] = mapped_column(UTCDateTime, index=True)
