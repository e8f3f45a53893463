"""The sandbox's agencies and the people who work there, one for each role in each office."""

from __future__ import annotations

from sqlalchemy import insert, select

from core import audit
from core.ground import Ground
from core.identifiers import new_id
from enrollment.account import AccountStore
from enrollment.dual_control import Officer
from idp.models.agency import Agency
from idp.models.membership import Membership, Role, load_memberships
from idp.sandbox.passkeys import Owner, PasskeyMaker
from idp.sandbox.people import OFFICES, STAFF, Office, Staff

BY = "sandbox"


class StaffMaker:
    def __init__(self, ground: Ground, accounts: AccountStore, maker: PasskeyMaker) -> None:
        self.ground = ground
        self.accounts = accounts
        self.maker = maker

    def agencies(self) -> dict[str, str]:
        """The id of each office's agency, made where it is missing."""
        return {office.key: self._agency(office) for office in OFFICES}

    def settle(self, staff: Staff, agency_id: str, position: int) -> None:
        """The account, the office, and an attested security key: officers sign and decide at AAL3."""
        account_id = self.accounts.find_by_name(staff.name)
        if account_id is None:
            account_id = self.accounts.create_staff(staff.person, invited_by=BY, name=staff.name)
        self._appoint(account_id, staff, agency_id)
        label = f"{staff.person.name_th} ({staff.role.value})", f"{staff.person.name_en} ({staff.role.value})"
        self.maker.give(Owner(account_id, staff.name, *label, position, attested=True))

    def proofing_officers(self) -> tuple[Officer, Officer]:
        """The two of the first office: who inspects does not decide."""
        first, second = (each for each in STAFF if each.role is Role.PROOFING_OFFICER and each.office == OFFICES[0].key)
        return self._officer(first), self._officer(second)

    def _officer(self, staff: Staff) -> Officer:
        account_id = self.accounts.find_by_name(staff.name) or ""
        with self.ground.database.read() as connection:
            held = load_memberships(connection, account_id)
        return Officer(account_id, tuple(f"{agency}/{office}" for agency, office, _role in held))

    def _agency(self, office: Office) -> str:
        with self.ground.database.write() as connection:
            found = connection.execute(select(Agency.id).where(Agency.name_th == office.name_th)).scalar_one_or_none()
            if found is not None:
                return str(found)
            row = {"id": new_id(), "name_th": office.name_th, "name_en": office.name_en, "sector": office.sector}
            connection.execute(insert(Agency), row | {"created_at": self.ground.clock.now()})
            audit.record(connection, self.ground.clock, event="agency.added", actor=BY, subject=row["id"])
            return row["id"]

    def _appoint(self, account_id: str, staff: Staff, agency_id: str) -> None:
        office = next(each.office for each in OFFICES if each.key == staff.office)
        with self.ground.database.write() as connection:
            if (agency_id, office, staff.role) in load_memberships(connection, account_id):
                return
            row = {"id": new_id(), "account_id": account_id, "agency_id": agency_id, "office": office}
            row |= {"role": staff.role.value, "granted_by": BY}
            connection.execute(insert(Membership), row | {"granted_at": self.ground.clock.now(), "ended_at": None})
            detail = {"role": staff.role.value, "agency_id": agency_id}
            audit.record(
                connection, self.ground.clock, event="membership.granted", actor=BY, subject=account_id, detail=detail
            )
