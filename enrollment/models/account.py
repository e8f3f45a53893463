"""One human, or one member of staff. Never deleted: what must go is the data key, and with it everything sealed."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class AccountStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Account(Base):
    """`data_key` is wrapped by `keys.envelope`; `attributes` is sealed under it. `name` is the sandbox's stable name,
    empty for everybody who enrolled. The id is also the WebAuthn user handle, so it says nothing of the person.
    """

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    status: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(40), index=True)
    data_key: Mapped[bytes] = mapped_column(LargeBinary)
    attributes: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
