"""What was proven about an account, version by version. The level is derived; what it rests on is kept beside it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Identity(Base):
    """`inputs` is the JSON that `award` was given (types, methods and outcomes; no personal data), so that a later
    policy can be asked about it. `unverified_mapping` says the policy row has not been compared with the standard.
    `superseded_at` is empty for the one that counts.
    """

    __tablename__ = "identity"
    __table_args__ = (
        UniqueConstraint("account_id", "version"),
        Index("uq_identity_in_force", "account_id", unique=True,
              sqlite_where=text("superseded_at IS NULL"), postgresql_where=text("superseded_at IS NULL")),
    )  # fmt: skip

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("account.id"), index=True)
    version: Mapped[int] = mapped_column(Integer)
    case_id: Mapped[str] = mapped_column(ForeignKey("proofing_case.id"))
    ial: Mapped[str] = mapped_column(String(4))
    policy: Mapped[str] = mapped_column(String(40), index=True)
    rule: Mapped[str] = mapped_column(String(60))
    unverified_mapping: Mapped[bool] = mapped_column(Boolean)
    inputs: Mapped[str] = mapped_column(Text)
    awarded_at: Mapped[datetime] = mapped_column(UTCDateTime)
    superseded_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
