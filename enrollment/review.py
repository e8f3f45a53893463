"""Officers raise a citizen to IAL2.1, and give access back. Who opened or captured a case does not decide it.

1. an officer opens a case for a citizen who has an account, and is present with the card
2. an officer captures: card inspected, register asked anew, face compared
3. another officer of the office decides; the policy says whether the checks suffice, not the officer

An officer sees the cases of the own offices and no others, and never touches a case about oneself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.assurance import IAL
from core.errors import NotAllowed, NotFound, PersonError
from core.i18n import BANGKOK
from enrollment import letters
from enrollment.account import PersonAttributes
from enrollment.civil_registry.protocol import CardClaim
from enrollment.dossier import Kind, Outcome, inputs_of
from enrollment.dual_control import ABOUT_ONESELF, Officer, captors, check_independent
from enrollment.evidence.contact import Contact
from enrollment.identities import activate, check_reaches, decide, inputs_in_force
from enrollment.models import Account, Decision, Evidence, ProofingCase
from enrollment.models.account import AccountStatus
from enrollment.notices import contact_of
from enrollment.policy import Award, CheckMade, EvidenceHeld, award, load_policy
from enrollment.proofing import CASE, LIVE, REVIEW_LIFETIME, Case, Journey, State, StepTaken
from enrollment.returning import Returning
from enrollment.sealed import REASON
from enrollment.services import EnrolmentServices
from enrollment.verification.officer import Inspection

WANTED = IAL.IAL2_1
CARD = "th_id_card"
LISTED = 100
LOOKUPS = 60  # an hour, by one officer
MAX_REASON = 2000

NO_ACCOUNT = "Nobody with this citizen number has an account yet. The citizen enrols first, at /enroll."
NOT_SUFFICIENT = "This cannot be approved: a check was not passed. Please refuse it, with your reason."


@dataclass(frozen=True)
class CaseFile:
    """A case as an officer sees it."""

    case: Case
    person: PersonAttributes
    level: IAL
    on_hold: bool
    inspection: dict[str, object] | None
    checks: tuple[CheckMade, ...]
    captured_by: tuple[str, ...]
    decided_by: str
    approved: bool
    reason: str


class Review:
    def __init__(self, services: EnrolmentServices) -> None:
        self.services = services
        self.ground = services.ground
        self.cases = services.cases
        self.accounts = services.accounts

    # ------------------------------------------------------------ 1. opening

    def open(self, officer: Officer, citizen_number: str) -> str:
        """Returns the case: a new one, or the one under way. Every look-up is counted and recorded."""
        self.services.throttle.check("officer-lookup", officer.account_id, limit=LOOKUPS, window=timedelta(hours=1))
        account_id = self.accounts.find_by_citizen_number(citizen_number)
        with self.ground.database.write() as connection:
            audit.record(
                connection, self.ground.clock, event="officer.looked_up", actor=officer.account_id,
                subject=account_id or "",
            )  # fmt: skip
        if account_id is None:
            raise PersonError(NO_ACCOUNT, field="citizen_number")
        self._check_may_be_raised(officer, account_id)
        index = self.accounts.citizen_index(citizen_number)
        return self._under_way(officer, index) or self._begin(officer, account_id, index)

    def _check_may_be_raised(self, officer: Officer, account_id: str) -> None:
        if account_id == officer.account_id:
            raise NotAllowed(ABOUT_ONESELF, field="citizen_number")
        if self.accounts.identity(account_id) is None:
            raise PersonError(NO_ACCOUNT, field="citizen_number")

    def _under_way(self, officer: Officer, index: bytes) -> str | None:
        where = (ProofingCase.citizen_index == index, ProofingCase.journey == Journey.REVIEW)
        with self.ground.database.read() as connection:
            row = connection.execute(CASE.where(*where)).mappings().first()
        case = self.cases.load(row["id"]) if row is not None else None
        if case is None or case.state not in LIVE:
            return None
        if case.office not in officer.offices:
            raise PersonError("Another office has a case about this citizen under way.", field="citizen_number")
        return case.id

    def _begin(self, officer: Officer, account_id: str, index: bytes) -> str:
        key = self.accounts.key(account_id)
        try:
            with self.ground.database.write() as connection:
                case_id, _ = self.cases.begin(
                    connection, journey=Journey.REVIEW, state=State.OPENED, key=key,
                    opened_by=officer.account_id, office=officer.offices[0], citizen_index=index,
                    lifetime=REVIEW_LIFETIME,
                )  # fmt: skip
        except IntegrityError as error:  # another officer was first, this very moment
            under_way = self._under_way(officer, index)
            if under_way is None:
                raise StepTaken from error
            return under_way
        return case_id

    # ------------------------------------------------------------ looking

    def load(self, officer: Officer, case_id: str) -> Case:
        """Raises NotFound for a case of another office: it does not exist for them."""
        case = self.cases.load(case_id)
        if case is None or case.journey != Journey.REVIEW or case.office not in officer.offices:
            raise NotFound("There is no such case.")
        if case.account_id == officer.account_id:
            raise NotAllowed(ABOUT_ONESELF)
        return case

    def listed(self, officer: Officer) -> Sequence[Case]:
        """The newest cases of the officer's offices, those about the officer left out."""
        where = (
            ProofingCase.journey == Journey.REVIEW,
            ProofingCase.office.in_(officer.offices),
            ProofingCase.account_id != officer.account_id,
        )
        query = CASE.where(*where).order_by(ProofingCase.opened_at.desc()).limit(LISTED)
        with self.ground.database.read() as connection:
            return [self.cases.of(row) for row in connection.execute(query).mappings()]

    def file(self, officer: Officer, case_id: str) -> CaseFile:
        case = self.load(officer, case_id)
        with self.ground.database.read() as connection:
            inspection = self.services.dossier.attributes(connection, case, CARD)
            _, checks = inputs_of(connection, case.id)
            decision = (
                connection.execute(select(Decision.__table__).where(Decision.case_id == case.id)).mappings().first()
            )
            captured_by = tuple(captors(connection, case.id))
        identity = self.accounts.identity(case.account_id)
        return CaseFile(
            case=case,
            person=self.accounts.attributes(case.account_id),
            level=identity.ial if identity else IAL.IAL1_1,
            on_hold=not self.accounts.is_active(case.account_id),
            inspection=inspection,
            checks=checks,
            captured_by=captured_by,
            decided_by=decision["decided_by"] if decision else "",
            approved=bool(decision and decision["approved"]),
            reason=self._reason(case, decision["reason"]) if decision else "",
        )

    def _reason(self, case: Case, sealed: bytes) -> str:
        """Nothing is left of it where the citizen was erased."""
        return self.cases.open(case, sealed, REASON).decode() if sealed else ""

    def may_decide(self, officer: Officer, file: CaseFile) -> bool:
        """For the page; `decide` asks again itself."""
        barred = {file.case.opened_by, file.case.account_id, *file.captured_by}
        return file.case.state == State.CAPTURED and officer.account_id not in barred

    # ------------------------------------------------------------ 2. capturing

    def capture(self, officer: Officer, case_id: str, inspection: Inspection) -> None:
        """Raises PersonError beside `laser_code` where the register does not confirm: it can be read once more, and a
        card that stays unconfirmed is grounds to close the case.
        """
        case = self.load(officer, case_id)
        if not case.may_show("inspect"):
            raise StepTaken
        claim = claim_of(self.accounts.attributes(case.account_id), inspection.laser_code)
        if not self.services.register.is_confirmed(
            claim, source=f"officer:{officer.account_id}", actor=officer.account_id
        ):
            raise PersonError(
                "The civil register does not confirm this card. Please read the code on its back once more;"
                " if it is right, close the case.",
                field="laser_code",
            )
        today = self.ground.clock.now().astimezone(BANGKOK).date()
        checks: tuple[tuple[Kind, str, Outcome, str], ...] = (
            ("validation", "card_inspected", inspection.card_outcome(today), officer.account_id),
            ("validation", "register_status", "pass", "CheckCardByLaser"),
            ("verification", "face_compared_in_person", inspection.face_outcome, officer.account_id),
        )
        with self.ground.database.write() as connection:
            self.cases.take(connection, case, "inspect", State.CAPTURED)
            evidence = self.services.dossier.add_evidence(
                connection, case, type=CARD, source="officers-desk", attributes=inspection.kept(),
                captured_by=officer.account_id,
            )  # fmt: skip
            for kind, method, outcome, actor in checks:
                self.services.dossier.add_check(
                    connection, evidence, kind=kind, method=method, outcome=outcome, actor=actor
                )
            detail = {"case": case.id} | {method: outcome for _, method, outcome, _ in checks}
            audit.record(
                connection, self.ground.clock, event="review.captured", actor=officer.account_id,
                subject=case.account_id, detail=detail,
            )  # fmt: skip

    # ------------------------------------------------------------ 3. deciding

    def decide(self, officer: Officer, case_id: str, *, approve: bool, reason: str) -> None:
        """Raises NotAllowed for who opened, captured, or is the citizen; StepTaken for who comes second."""
        case = self.load(officer, case_id)
        reason = check_reason(reason, required=not approve)
        with self.ground.database.write() as connection:
            check_independent(connection, officer, case)
            self.cases.take(
                connection, case, "decide", State.APPROVED if approve else State.REFUSED, citizen_index=None
            )
            if approve:
                self._check_by_second_officer(connection, officer, case)
            evidence, checks = self._inputs(connection, case)
            awarded = award(load_policy(case.policy), evidence, checks)
            if approve:
                check_reaches(awarded, WANTED.rank, NOT_SUFFICIENT)
                self._raise_level(connection, case, awarded, evidence, checks)
            decide(
                connection, self.ground.clock, case_id=case.id, awarded=awarded, approved=approve,
                decided_by=officer.account_id, reason=self.cases.seal(case, reason.encode(), REASON),
            )  # fmt: skip
            self._tell(connection, case, awarded if approve else None)  # before the address may change
            if approve:
                self._give_access_back(connection, case)
            event = "review.approved" if approve else "review.refused"
            audit.record(
                connection, self.ground.clock, event=event, actor=officer.account_id, subject=case.account_id,
                detail={"case": case.id, "policy": awarded.policy, "rule": awarded.rule},
            )  # fmt: skip

    def _check_by_second_officer(self, connection: Connection, officer: Officer, case: Case) -> None:
        card = select(Evidence.id).where(
            Evidence.case_id == case.id, Evidence.type == CARD, Evidence.erased_at.is_(None)
        )
        for evidence_id in connection.execute(card).scalars().all():
            self.services.dossier.add_check(
                connection, evidence_id, kind="verification", method="second_officer_approved", outcome="pass",
                actor=officer.account_id,
            )  # fmt: skip

    def _inputs(self, connection: Connection, case: Case) -> tuple[tuple[EvidenceHeld, ...], tuple[CheckMade, ...]]:
        """What the identity in force rests on, and what this case adds."""
        before, now = inputs_in_force(connection, case.account_id), inputs_of(connection, case.id)
        return before[0] + now[0], before[1] + now[1]

    def _raise_level(
        self,
        connection: Connection,
        case: Case,
        awarded: Award,
        evidence: tuple[EvidenceHeld, ...],
        checks: tuple[CheckMade, ...],
    ) -> None:
        activate(
            connection, self.ground.clock, account_id=case.account_id, case_id=case.id, awarded=awarded,
            evidence=evidence, checks=checks,
        )  # fmt: skip
        read = self.services.dossier.attributes(connection, case, CARD) or {}
        names = ("title_th", "title", "given_name", "family_name")
        person = self.accounts.read(connection, case.key)
        as_read: dict[str, Any] = {name: str(read[name]) for name in names}
        self.accounts.update(connection, case.key, replace(person, **as_read))

    def _give_access_back(self, connection: Connection, case: Case) -> None:
        """Repeated proofing (SP 800-63B section 4.2.2.2): a hold ends; and where every way in was lost, the old ones
        are worth nothing any more and a link for a new passkey goes to the address the citizen gave at the desk.
        """
        read = self.services.dossier.attributes(connection, case, CARD) or {}
        new_contact = read.get("new_contact")
        if isinstance(new_contact, list) and new_contact:
            Returning(self.services).begin(connection, case, Contact(*new_contact))
        held = (Account.id == case.account_id, Account.status == AccountStatus.SUSPENDED)
        connection.execute(update(Account).where(*held).values(status=AccountStatus.ACTIVE))

    def _tell(self, connection: Connection, case: Case, awarded: Award | None) -> None:
        contact = contact_of(self.accounts.read(connection, case.key))
        if contact is not None:
            what, ial = (letters.RAISED, awarded.ial.value) if awarded else (letters.NOT_RAISED, "")
            self.services.notices.tell(connection, case.key, contact, what, ial=ial)

    def close(self, officer: Officer, case_id: str, reason: str) -> None:
        """Ends a case before anything was captured: the wrong citizen, or a card that the register does not confirm."""
        case = self.load(officer, case_id)
        reason = check_reason(reason, required=True)
        if case.state != State.OPENED:
            raise StepTaken
        with self.ground.database.write() as connection:
            self.cases.end(connection, case, State.WITHDRAWN, actor=officer.account_id, reason="closed by an officer")
            nothing = award(load_policy(case.policy), (), ())
            decide(
                connection, self.ground.clock, case_id=case.id, awarded=nothing, approved=False,
                decided_by=officer.account_id, reason=self.cases.seal(case, reason.encode(), REASON),
            )  # fmt: skip


def claim_of(person: PersonAttributes, laser_code: str) -> CardClaim:
    """The register is asked about the person it confirmed before, with the card that lies on the desk."""
    return CardClaim(
        citizen_number=person.citizen_number,
        given_name=person.given_name_th,
        family_name=person.family_name_th,
        birth_date=person.birthdate_registered,
        laser_code=laser_code,
    )


def check_reason(reason: str, *, required: bool) -> str:
    reason = reason.strip()
    if required and not reason:
        raise PersonError("Please give the reason. It stays with the case.", field="reason")
    if len(reason) > MAX_REASON:
        raise PersonError("The reason is too long: 2000 characters at most.", field="reason")
    return reason
