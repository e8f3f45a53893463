"""What is fixed in the data when it is made: sandbox or production, the issuer, the WebAuthn RP ID.

A start with another value refuses, both ways: a sandbox's keys and people must never become a country's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Integer, String, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.ground import Ground
from core.settings import SettingsError


class Installation(Base):
    """One row, `number` 1."""

    __tablename__ = "installation"

    number: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    mode: Mapped[str] = mapped_column(String(10))
    issuer: Mapped[str] = mapped_column(String(400))
    rp_id: Mapped[str] = mapped_column(String(253))
    made_at: Mapped[datetime] = mapped_column(UTCDateTime)


def check_installation(ground: Ground) -> None:
    """Marks a new database, or raises SettingsError when the settings are not those it was made with."""
    settings = ground.settings
    mine = {"mode": "sandbox" if settings.sandbox else "production", "issuer": settings.issuer, "rp_id": settings.rp_id}
    query = select(Installation.mode, Installation.issuer, Installation.rp_id)
    with ground.database.read() as connection:
        found = connection.execute(query).mappings().first()
    row: Mapping[str, str] = mark(ground, mine) if found is None else dict(found)
    for name, setting in (("mode", "PRAJAK_SANDBOX"), ("issuer", "PRAJAK_ISSUER"), ("rp_id", "PRAJAK_RP_ID")):
        if row[name] != mine[name]:
            raise SettingsError(f"{setting}: this database was made for {row[name]}, not for {mine[name]}")


def mark(ground: Ground, mine: dict[str, str]) -> dict[str, str]:
    try:
        with ground.database.write() as connection:
            connection.execute(insert(Installation).values(number=1, made_at=ground.clock.now(), **mine))
    except IntegrityError:  # another worker was first
        with ground.database.read() as connection:
            return dict(connection.execute(select(Installation.__table__)).mappings().one())
    return mine
