"""The `sub` of a person in a sector, OpenID Connect Core section 8: made once, kept for ever.

It is random and stored, not computed: no rotation of a key, and no leak of one, ever changes or links it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, String, UniqueConstraint, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.identifiers import new_id
from idp.models.client import RegisteredClient

PUBLIC = ""


class Subject(Base):
    """`sector` is a sector identifier (a host), or "" for the public subject."""

    __tablename__ = "subject"
    __table_args__ = (UniqueConstraint("sector", "sub"),)

    account_id: Mapped[str] = mapped_column(String(22), primary_key=True)
    sector: Mapped[str] = mapped_column(String(253), primary_key=True)
    sub: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


SUBJECT = Subject.__table__
SUB = select(SUBJECT.c.sub).where(
    SUBJECT.c.account_id == bindparam("account_id"), SUBJECT.c.sector == bindparam("sector")
)


def sector_of(client: RegisteredClient) -> str:
    """Section 8.1: the host that the client's redirect URIs share, or that of its `sector_identifier_uri`."""
    return PUBLIC if client.get("subject_type") == "public" else client.sector_identifier


def load_sub(connection: Connection, account_id: str, sector: str) -> str | None:
    return connection.execute(SUB, {"account_id": account_id, "sector": sector}).scalar_one_or_none()


def issue_sub(connection: Connection, account_id: str, sector: str, *, now: datetime) -> str:
    """Of two parallel first visits one inserts, and both read what it inserted."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    row = {"account_id": account_id, "sector": sector, "sub": new_id(), "created_at": now}
    connection.execute(dialect.insert(Subject).values(**row).on_conflict_do_nothing())
    sub = load_sub(connection, account_id, sector)
    assert sub is not None  # noqa: S101 - inserted above
    return sub


def load_account_of_sub(connection: Connection, sub: str, sector: str) -> str | None:
    """Whom an `id_token_hint` names."""
    query = select(Subject.account_id).where(Subject.sector == sector, Subject.sub == sub)
    return connection.execute(query).scalar_one_or_none()
