"""Who works where, as what. Everybody is a citizen; a role is held in one agency."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Connection, ForeignKey, Index, String, select, text
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Role(StrEnum):
    DEVELOPER = "developer"
    AGENCY_APPROVER = "agency-approver"
    PROOFING_OFFICER = "proofing-officer"
    SIGNING_OFFICER = "signing-officer"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


class Membership(Base):
    """`office` is the unit within the agency, empty where the agency has none. `ended_at` is empty while it lasts."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "uq_membership_in_force",
            "account_id",
            "agency_id",
            "office",
            "role",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    account_id: Mapped[str] = mapped_column(String(22), index=True)
    agency_id: Mapped[str] = mapped_column(ForeignKey("agency.id"), index=True)
    office: Mapped[str] = mapped_column(String(120))
    role: Mapped[str] = mapped_column(String(20))
    granted_by: Mapped[str] = mapped_column(String(22))
    granted_at: Mapped[datetime] = mapped_column(UTCDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


def load_memberships(connection: Connection, account_id: str) -> list[tuple[str, str, Role]]:
    """(agency_id, office, role) of every membership in force."""
    query = select(Membership.agency_id, Membership.office, Membership.role)
    rows = connection.execute(query.where(Membership.account_id == account_id, Membership.ended_at.is_(None)))
    return [(row.agency_id, row.office, Role(row.role)) for row in rows]


def has_role(connection: Connection, account_id: str, *roles: Role) -> bool:
    """Whether the account holds one of these roles anywhere."""
    query = select(Membership.id).where(Membership.account_id == account_id, Membership.ended_at.is_(None))
    return connection.execute(query.where(Membership.role.in_(roles)).limit(1)).first() is not None
