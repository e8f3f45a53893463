"""A government agency, and the sector its pairwise identifiers belong to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, String, select
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime


class Agency(Base):
    """`sector` groups agencies by field of duty for the console and reports. It is not the sector identifier of
    OpenID Connect Core section 8.1, which is each client's own (`Client.sector_identifier`).
    """

    __tablename__ = "agency"

    id: Mapped[str] = mapped_column(String(22), primary_key=True)
    name_th: Mapped[str] = mapped_column(String(200), unique=True)
    name_en: Mapped[str] = mapped_column(String(200))
    sector: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)


def load_agency_names(connection: Connection, agency_ids: list[str]) -> dict[str, tuple[str, str]]:
    """Thai and English name by id, for lists."""
    query = select(Agency.id, Agency.name_th, Agency.name_en).where(Agency.id.in_(agency_ids))
    return {row.id: (row.name_th, row.name_en) for row in connection.execute(query)}
