"""One human, or one member of staff. Never deleted: what must go is the data key, and with it everything sealed. What
is left of an erased person is this row's id, so that the trail of what was done keeps its meaning.
"""

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
    ERASED = "erased"


class Account(Base):
    """`attributes` is sealed under the person's data key (`keys/data_key.py`), and empty once the person is erased.
    `name` is the sandbox's stable name, empty for everybody who enrolled. The id is also the WebAuthn user handle, so
    it says nothing of the person.
    """

    __tablename__ = "account"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    status: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(40), index=True)
    attributes: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
