"""Citizens at any level without a walk through the pages: what the policy's row asks for is recorded as passed, and
the level is derived from it by the same `award` as everybody's.
"""

from __future__ import annotations

from sqlalchemy import Connection

from core import audit
from core.assurance import IAL
from enrollment.account import PersonAttributes
from enrollment.civil_registry.fictional_people import FictionalPerson
from enrollment.dossier import Kind, inputs_of
from enrollment.evidence.birth_date import BirthDate
from enrollment.identities import activate, decide
from enrollment.policy import CURRENT_POLICY, Row, award, load_policy
from enrollment.proofing import Case, Journey, State
from enrollment.sealed import REASON
from enrollment.services import EnrolmentServices

ACTOR = "test"
CONTACT = "contact_address"


def seed_citizen(services: EnrolmentServices, person: FictionalPerson, ial: IAL, *, name: str) -> str:
    """The account of that stable name, at that level; made when it is missing. Returns its id."""
    existing = services.accounts.find_by_name(name)
    if existing is not None:
        return existing
    row = next(row for row in load_policy(CURRENT_POLICY).rows if row.ial == ial)
    sealed = services.accounts.seal(attributes_of(person, ial, name), name=name)
    with services.ground.database.write() as connection:
        case_id, _ = services.cases.begin(
            connection, journey=Journey.ENROLMENT, state=State.DONE, key=sealed.key, opened_by=ACTOR, office=ACTOR
        )
        case = services.cases.read(connection, case_id, key=sealed.key)
        services.accounts.add(connection, sealed)
        if row.checks:
            prove(connection, services, case, row)
        audit.record(
            connection, services.ground.clock, event="account.seeded", actor=ACTOR, subject=case.account_id,
            detail={"ial": ial.value},
        )  # fmt: skip
    return case.account_id


def prove(connection: Connection, services: EnrolmentServices, case: Case, row: Row) -> None:
    """What the row asks for, as if it had been done; then the same award and decision as everybody's."""
    types = {*row.evidence, CONTACT}
    held = {
        each: services.dossier.add_evidence(connection, case, type=each, source=ACTOR, attributes={}, captured_by=ACTOR)
        for each in sorted(types)
    }
    for wanted in row.checks:
        services.dossier.add_check(
            connection, held[wanted.evidence or CONTACT], kind=kind_of(wanted.method), method=wanted.method,
            outcome="pass", actor=ACTOR,
        )  # fmt: skip
    evidence, checks = inputs_of(connection, case.id)
    awarded = award(load_policy(case.policy), evidence, checks)
    assert awarded.ial == row.ial
    reason = services.cases.seal(case, b"", REASON)
    decide(
        connection, services.ground.clock, case_id=case.id, awarded=awarded, approved=True, decided_by=ACTOR,
        reason=reason,
    )  # fmt: skip
    activate(
        connection, services.ground.clock, account_id=case.account_id, case_id=case.id, awarded=awarded,
        evidence=evidence, checks=checks,
    )  # fmt: skip


def kind_of(method: str) -> Kind:
    if method == "contact_confirmed":
        return "contact"
    return "verification" if method.startswith(("face", "liveness", "biometric", "second")) else "validation"


def attributes_of(person: FictionalPerson, ial: IAL, name: str) -> PersonAttributes:
    """Title and Latin names are read from the card at a desk, so they come with IAL2.1."""
    registered = person.birth_date
    born = BirthDate(int(registered[:4]), int(registered[4:6]), int(registered[6:]))
    at_a_desk = ial.rank >= IAL.IAL2_1.rank
    return PersonAttributes(
        citizen_number=person.citizen_number,
        given_name_th=person.given_name_th,
        family_name_th=person.family_name_th,
        title_th=person.title_th if at_a_desk else "",
        title=person.title if at_a_desk else "",
        given_name=person.given_name if at_a_desk else "",
        family_name=person.family_name if at_a_desk else "",
        birthdate=born.birthdate,
        birthdate_registered=born.registered,
        email=f"{name}@citizen.example",
    )
