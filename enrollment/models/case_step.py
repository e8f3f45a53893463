"""What a case consists of: evidence collected, checks made of it, and decisions. Checks are only ever added."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Evidence(Base):
    """`attributes` is sealed under the case's data key. `erased_at` is empty while the evidence counts: going back
    a step, and an expired case, erase it, and the ciphertext goes with it (`attributes` becomes empty bytes).
    """

    __tablename__ = "proofing_evidence"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("proofing_case.id"), index=True)
    step: Mapped[str] = mapped_column(String(20))
    type: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(40))
    captured_by: Mapped[str] = mapped_column(String(22))
    attributes: Mapped[bytes] = mapped_column(LargeBinary)
    captured_at: Mapped[datetime] = mapped_column(UTCDateTime)
    erased_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


class Check(Base):
    """`kind` is validation, verification, fraud or contact; `outcome` pass, fail, inconclusive or unavailable.
    `method` is the policy's word for what was done, `actor` who or what did it.
    """

    __tablename__ = "proofing_check"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    evidence_id: Mapped[str] = mapped_column(ForeignKey("proofing_evidence.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    method: Mapped[str] = mapped_column(String(40))
    actor: Mapped[str] = mapped_column(String(60))
    outcome: Mapped[str] = mapped_column(String(12))
    at: Mapped[datetime] = mapped_column(UTCDateTime)


class Decision(Base):
    """`rule` names the policy row; `inputs_hash` is over the evidence and checks it rested on. `ial` is empty in a
    refusal. `reason` is sealed under the case's data key: it is the officer's words about a person.
    """

    __tablename__ = "proofing_decision"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    case_id: Mapped[str] = mapped_column(ForeignKey("proofing_case.id"), index=True)
    approved: Mapped[bool] = mapped_column(Boolean)
    ial: Mapped[str] = mapped_column(String(4))
    policy: Mapped[str] = mapped_column(String(40))
    rule: Mapped[str] = mapped_column(String(60))
    inputs_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    decided_by: Mapped[str] = mapped_column(String(22))
    reason: Mapped[bytes] = mapped_column(LargeBinary)
    decided_at: Mapped[datetime] = mapped_column(UTCDateTime)
