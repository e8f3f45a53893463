"""Who holds which office where, and the agencies themselves: an administrator's work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.clock import Clock
from core.errors import NotFound, PersonError
from core.identifiers import new_id
from idp.models.agency import Agency
from idp.models.membership import Membership, Role

LONGEST_NAME = 200


@dataclass(frozen=True)
class Office:
    """One membership in force."""

    id: str
    account_id: str
    role: Role
    agency_th: str
    agency_en: str
    granted_at: datetime


def load_offices(connection: Connection, limit: int = 200) -> list[Office]:
    query = select(
        Membership.id, Membership.account_id, Membership.role, Agency.name_th, Agency.name_en, Membership.granted_at
    ).join(Agency, Agency.id == Membership.agency_id)
    rows = connection.execute(
        query.where(Membership.ended_at.is_(None)).order_by(Agency.name_th, Membership.role, Membership.id).limit(limit)
    )
    return [Office(row[0], row[1], Role(row[2]), row[3], row[4], row[5]) for row in rows]


def load_agencies(connection: Connection) -> list[tuple[str, str, str, str]]:
    """(id, Thai name, English name, sector), in the order of the Thai name."""
    query = select(Agency.id, Agency.name_th, Agency.name_en, Agency.sector).order_by(Agency.name_th)
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def add_agency(connection: Connection, clock: Clock, *, name_th: str, name_en: str, sector: str, by: str) -> str:
    """Raises PersonError naming the field."""
    for field, text in (("name_th", name_th), ("name_en", name_en), ("sector", sector)):
        if not text or len(text) > LONGEST_NAME or not text.isprintable():
            raise PersonError("Fill this in, with at most %(limit)s characters.", field=field, limit=LONGEST_NAME)
    agency_id = new_id()
    row = {"id": agency_id, "name_th": name_th, "name_en": name_en, "sector": sector[:60], "created_at": clock.now()}
    try:
        connection.execute(insert(Agency), row)
    except IntegrityError as error:
        raise PersonError("An agency of this name is there already.", field="name_th") from error
    audit.record(connection, clock, event="agency.added", actor=by, subject=agency_id)
    return agency_id


def end_office(connection: Connection, clock: Clock, membership_id: str, *, by: str) -> None:
    """Takes effect with the person's next request. The last administrator stays: nobody could let another in."""
    mine = (Membership.id == membership_id, Membership.ended_at.is_(None))
    row = connection.execute(select(Membership.account_id, Membership.role).where(*mine)).first()
    if row is None:
        raise NotFound("This office has ended already.")
    if row.role == Role.ADMINISTRATOR and administrators(connection) == 1:
        raise PersonError("This is the last administrator. Invite another one first.")
    if connection.execute(update(Membership).where(*mine).values(ended_at=clock.now())).rowcount == 1:
        detail = {"role": str(row.role)}
        audit.record(connection, clock, event="membership.ended", actor=by, subject=row.account_id, detail=detail)


def administrators(connection: Connection) -> int:
    in_force = (Membership.role == Role.ADMINISTRATOR, Membership.ended_at.is_(None))
    return int(connection.execute(select(func.count()).select_from(Membership).where(*in_force)).scalar_one())
