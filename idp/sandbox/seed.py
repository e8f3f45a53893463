"""`prajak demo`: the sandbox's people, agencies, clients and signing credentials. Twice does no harm.

Everything is made by the functions that make it for real; what an interrupted seeding left is finished by the next.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

from core.assurance import IAL
from core.errors import PersonError
from core.ground import Ground
from core.settings import SettingsError
from enrollment.services import EnrolmentServices
from idp.models.client import Clients
from idp.models.membership import Role
from idp.sandbox.authenticator import SoftwareAuthenticators
from idp.sandbox.catalogue import offer_records
from idp.sandbox.citizens import Citizens
from idp.sandbox.clients import DemoClients
from idp.sandbox.passkeys import PasskeyMaker
from idp.sandbox.people import OFFICES, STAFF, Citizen, citizens, more_citizens
from idp.sandbox.staff import StaffMaker
from keys.keystore import Keystore

DemoFacts = dict[str, Any]
MOST_PERSONS = 9_700  # the fictional citizen numbers end there
SEAL_IDENTIFIER = "GOVTH-0000000000000"  # nobody's: the first agency is fictional
POSITION = ("นักวิชาการชำนาญการ", "Senior Officer")


class HasKeystore(Protocol):
    @property
    def keystore(self) -> Keystore: ...


class HasClients(Protocol):
    @property
    def clients(self) -> Clients: ...


class Provider(Protocol):
    """What is needed of `idp.composition.Provider`, which stands a floor higher."""

    @property
    def ground(self) -> Ground: ...

    @property
    def trust(self) -> HasKeystore: ...

    @property
    def enrolment(self) -> EnrolmentServices: ...

    @property
    def server(self) -> HasClients: ...


class SigningOfficers(Protocol):
    """What is needed of `idp.signing_officers.SigningOfficers`: the way to signing is given from above."""

    @property
    def module(self) -> Any: ...

    def issue(self, account_id: str, position: Any, *, actor: str) -> Any: ...


@dataclass(frozen=True)
class Position:
    """As it stands in the certificate."""

    th: str
    en: str


def seed(provider: Provider, officers: SigningOfficers, *, persons: int = 0) -> DemoFacts:
    """Refuses outside the sandbox; `persons` more citizens for load."""
    ground = provider.ground
    if not ground.settings.sandbox:
        raise SettingsError("PRAJAK_SANDBOX: the demonstration is for the sandbox only")
    if persons > MOST_PERSONS:
        raise PersonError("There are at most %(most)s more fictional people.", most=MOST_PERSONS)
    agencies = populate(provider, persons)
    clients = DemoClients(ground, provider.server.clients).settle(agencies)
    offer_records(ground, agencies)
    return {
        "issuer": ground.settings.issuer,
        "people": [*map(citizen_facts, citizens() + more_citizens(persons)), *staff_facts()],
        "agencies": [
            {"id": agencies[each.key], "name": each.name_en, "name#th": each.name_th, "sector": each.sector}
            for each in OFFICES
        ],
        "clients": clients,
        "credentials": credentials(provider, officers),
    }


def populate(provider: Provider, persons: int) -> dict[str, str]:
    """Agencies, citizens, staff, in this order; the agencies' ids by key."""
    ground, keystore = provider.ground, provider.trust.keystore
    authenticators = SoftwareAuthenticators(ground, keystore)
    maker = PasskeyMaker(ground, authenticators, keystore)
    staff = StaffMaker(ground, provider.enrolment.accounts, maker)
    town = Citizens(provider.enrolment, authenticators, maker, persons)
    agencies, settled = staff.agencies(), set(authenticators.names())
    everybody = citizens() + more_citizens(persons)
    for position, citizen in enumerate(everybody):
        if citizen.name not in settled:
            town.settle(citizen, position)
    for position, member in enumerate(STAFF, len(everybody)):
        if member.name not in settled:
            staff.settle(member, agencies[member.office], position)
    raise_levels(provider, town, staff)
    return agencies


def raise_levels(provider: Provider, town: Citizens, staff: StaffMaker) -> None:
    """Those who are not yet where the list says: at the desk for IAL2.1, by the sandbox's own word for the others."""
    accounts = provider.enrolment.accounts
    for citizen in citizens():
        account_id = accounts.find_by_name(citizen.name) or ""
        identity = accounts.identity(account_id)
        if identity is not None and identity.ial == citizen.ial:
            continue
        if citizen.ial == IAL.IAL2_1:
            town.raise_at_desk(citizen, staff.proofing_officers())
        else:
            town.show_level(account_id, citizen.ial)


def credentials(provider: Provider, officers: SigningOfficers) -> list[dict[str, str]]:
    """A signing credential for each signing officer and a seal for the first agency; which ones, the folder knows."""
    kept = provider.ground.settings.data_dir / "demo" / "credentials.json"
    if kept.is_file():
        known: list[dict[str, str]] = json.loads(kept.read_text("utf-8"))
        return known
    found = []
    for member in (each for each in STAFF if each.role is Role.SIGNING_OFFICER):
        account_id = provider.enrolment.accounts.find_by_name(member.name) or ""
        made = officers.issue(account_id, Position(*POSITION), actor="sandbox")
        found.append({"credential": made.id, "kind": "officer", "holder": member.name})
    first = OFFICES[0]
    seal = officers.module.issue_seal(first.name_th, first.name_en, SEAL_IDENTIFIER, actor="sandbox")
    found.append({"credential": seal.id, "kind": "seal", "holder": first.name_en})
    kept.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n", "utf-8")
    return found


def citizen_facts(citizen: Citizen) -> dict[str, str]:
    return {"name": citizen.name, "role": "citizen", "level": f"ial{citizen.ial.value}", "agency": ""}


def staff_facts() -> list[dict[str, str]]:
    names = {office.key: office.name_en for office in OFFICES}
    return [
        {"name": each.name, "role": each.role.value, "level": "aal3", "agency": names[each.office]} for each in STAFF
    ]
