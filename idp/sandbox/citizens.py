"""Citizens of the sandbox: they enrol by the same steps as everybody, and officers raise them at the same desk.

The register is the simulator's, asked in this process: the seed runs before the register's own process is up. What
would be mailed to them during their enrolment is read here and not kept.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sqlalchemy import Connection, update

from core.assurance import IAL
from core.ground import Ground
from core.outbox import Outbox, PersonKey
from enrollment.account import PersonAttributes
from enrollment.civil_registry.fictional_people import FictionalPerson, people
from enrollment.civil_registry.fictional_people import person as fictional_person
from enrollment.civil_registry.protocol import CardClaim, RegisterAnswer, RegisteredAddress
from enrollment.civil_registry.simulator import RegistrySimulator
from enrollment.civil_registry.soap_client import ADDRESS_FIELDS
from enrollment.dossier import Kind, inputs_of
from enrollment.dual_control import Officer
from enrollment.enrolment import CardDetails, Enrolment
from enrollment.evidence.birth_date import BirthDate
from enrollment.evidence.contact import Contact
from enrollment.identities import activate
from enrollment.models import Account
from enrollment.policy import CURRENT_POLICY, Requirement, Row, award, load_policy
from enrollment.proofing import Case, Journey, State
from enrollment.review import Review
from enrollment.services import EnrolmentServices
from enrollment.verification.officer import Face, Feature, Inspection
from idp.sandbox.authenticator import SoftwareAuthenticators
from idp.sandbox.passkeys import Owner, PasskeyMaker
from idp.sandbox.people import Citizen

CODE = re.compile(r"[0-9]{6}")
BY = "sandbox"
KINDS: dict[str, Kind] = {"contact_confirmed": "contact", "liveness": "verification"}


class SimulatedRegister:
    """`enrollment.civil_registry.protocol.CivilRegistry`, by the simulator's own rules."""

    def __init__(self, persons: list[FictionalPerson]) -> None:
        self.simulator = RegistrySimulator(persons)

    def check_card(self, claim: CardClaim) -> RegisterAnswer:
        code, _description = self.simulator.answer(fields_of(claim))
        return RegisterAnswer.CONFIRMED if code == "0" else RegisterAnswer.NOT_CONFIRMED

    def address(self, claim: CardClaim) -> RegisteredAddress:
        said = self.simulator.address(fields_of(claim))
        return RegisteredAddress(**{name: said.get(field, "") for name, field in ADDRESS_FIELDS.items()})


def fields_of(claim: CardClaim) -> dict[str, str]:
    return {
        "PID": claim.citizen_number,
        "FirstName": claim.given_name,
        "LastName": claim.family_name,
        "BirthDay": claim.birth_date,
        "Laser": claim.laser_code,
    }


class Letterbox(Outbox):
    """Where the seeded people's letters arrive: the newest is read, none is kept."""

    newest = ""

    def enqueue(
        self,
        connection: Connection,  # noqa: ARG002
        *,
        channel: str,  # noqa: ARG002
        recipient: str,  # noqa: ARG002
        subject: str,  # noqa: ARG002
        body: str,
        key: PersonKey | None = None,  # noqa: ARG002
    ) -> str:
        self.newest = body
        return ""


class Citizens:
    def __init__(
        self, services: EnrolmentServices, authenticators: SoftwareAuthenticators, maker: PasskeyMaker, more: int = 0
    ) -> None:
        persons = [*people(), *(fictional_person(number) for number in range(len(people()), len(people()) + 32 + more))]
        self.letters = Letterbox(services.ground, services.envelope, {})
        self.services = replace(services, registry=SimulatedRegister(persons), outbox=self.letters)
        self.ground: Ground = services.ground
        self.authenticators = authenticators
        self.maker = maker

    def settle(self, citizen: Citizen, position: int) -> None:
        """Enrols the citizen, or finishes what an interrupted seeding began."""
        person = fictional_person(citizen.number)
        known = self.services.accounts.find_by_citizen_number(person.citizen_number)
        if known is None and citizen.ial.rank >= IAL.IAL1_3.rank:
            self.enrol(citizen, person, position)
            return
        if known is None:
            known = self.services.accounts.create(attributes_of(person), name=citizen.name)
        self.maker.give(owner_of(known, citizen, person, position))
        self._name(known, citizen.name)

    def enrol(self, citizen: Citizen, person: FictionalPerson, position: int) -> str:
        """Every step of `/enroll`, taken as its pages take it; the account's id."""
        enrolment, source = Enrolment(self.services), f"{BY}:{citizen.name}"
        secret = enrolment.begin(return_to="")
        enrolment.identify(self._case(secret), card_of(person), source=source)
        enrolment.give_contact(self._case(secret), Contact("email", f"{citizen.name}@people.example"), source=source)
        code = CODE.search(self.letters.newest)
        assert code is not None  # noqa: S101 - the letter that was just written
        enrolment.confirm(self._case(secret), code.group())
        account_id = self._bind(enrolment, self._case(secret), citizen, person, position)
        enrolment.keep_codes(self._case(secret))
        return account_id

    def raise_at_desk(self, citizen: Citizen, officers: tuple[Officer, Officer]) -> None:
        """IAL2.1: one officer inspects, another decides."""
        person, review = fictional_person(citizen.number), Review(self.services)
        first, second = officers
        case_id = review.open(first, person.citizen_number)
        review.capture(first, case_id, inspection_of(person))
        review.decide(second, case_id, approve=True, reason="")

    def show_level(self, account_id: str, ial: IAL) -> None:
        """A level whose evidence nothing here can collect yet: held as the policy asks, marked as the sandbox's."""
        policy = load_policy(CURRENT_POLICY)
        row = next(each for each in policy.rows if each.ial == ial)
        key = self.services.accounts.key(account_id)
        with self.ground.database.write() as connection:
            case_id, _secret = self.services.cases.begin(
                connection, journey=Journey.REVIEW, state=State.APPROVED, key=key, opened_by=BY,
            )  # fmt: skip
            self._collect(connection, self.services.cases.read(connection, case_id, key=key), row)
            evidence, checks = inputs_of(connection, case_id)
            activate(
                connection, self.ground.clock, account_id=account_id, case_id=case_id,
                awarded=award(policy, evidence, checks), evidence=evidence, checks=checks,
            )  # fmt: skip

    def _collect(self, connection: Connection, case: Case, row: Row) -> None:
        dossier, held = self.services.dossier, {}
        for kind in (*row.evidence, "contact_address"):
            held[kind] = dossier.add_evidence(connection, case, type=kind, source=BY, attributes={}, captured_by=BY)
        for check in row.checks:
            dossier.add_check(
                connection, held[check.evidence or "contact_address"], kind=kind_of(check), method=check.method,
                outcome="pass", actor=BY,
            )  # fmt: skip

    def _bind(self, enrolment: Enrolment, case: Case, citizen: Citizen, person: FictionalPerson, position: int) -> str:
        credential_id, signer = self.authenticators.make_key(citizen.name)
        answer = self.authenticators.register(
            enrolment.passkey_options(case), credential_id=credential_id, signer=signer, attestation=None
        )
        passkey = enrolment.bind(case, answer, device="Sandbox passkey")
        assert passkey is not None  # noqa: S101 - None is for somebody who has an account, and this one had none
        self.maker.remember(owner_of(passkey.account_id, citizen, person, position), credential_id, signer)
        self._name(passkey.account_id, citizen.name)
        return passkey.account_id

    def _name(self, account_id: str, name: str) -> None:
        with self.ground.database.write() as connection:
            connection.execute(update(Account).where(Account.id == account_id).values(name=name))

    def _case(self, secret: str) -> Case:
        case = self.services.cases.resume(secret)
        assert case is not None  # noqa: S101 - begun a moment ago
        return case


def kind_of(check: Requirement) -> Kind:
    """OpenID Connect for Identity Assurance tells validation of evidence from verification of the person."""
    if check.method.startswith(("face", "biometric")):
        return "verification"
    return KINDS.get(check.method, "validation")


def owner_of(account_id: str, citizen: Citizen, person: FictionalPerson, position: int) -> Owner:
    thai = f"{person.title_th}{person.given_name_th} {person.family_name_th}".strip()
    english = f"{person.title} {person.given_name} {person.family_name}".strip()
    level = f"IAL{citizen.ial.value}"
    return Owner(account_id, citizen.name, f"{thai} ({level})", f"{english} ({level})", position)


def born(person: FictionalPerson) -> BirthDate:
    text = person.birth_date
    return BirthDate(int(text[:4]), int(text[4:6]), int(text[6:]))


def card_of(person: FictionalPerson) -> CardDetails:
    return CardDetails(
        citizen_number=person.citizen_number,
        given_name_th=person.given_name_th,
        family_name_th=person.family_name_th,
        born=born(person),
        laser_code=person.laser_code,
    )


def attributes_of(person: FictionalPerson) -> PersonAttributes:
    return PersonAttributes(
        citizen_number=person.citizen_number,
        title_th=person.title_th,
        given_name_th=person.given_name_th,
        family_name_th=person.family_name_th,
        title=person.title,
        given_name=person.given_name,
        family_name=person.family_name,
        birthdate=born(person).birthdate,
        birthdate_registered=person.birth_date,
        email=f"person{person.number}@people.example",
    )


def inspection_of(person: FictionalPerson) -> Inspection:
    return Inspection(
        laser_code=person.laser_code,
        card_expires=person.card_expires,
        features=frozenset(Feature),
        face=Face.SAME,
        title_th=person.title_th,
        title=person.title,
        given_name=person.given_name,
        family_name=person.family_name,
        note="",
    )
