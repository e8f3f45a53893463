"""A citizen enrols: what each step of `proofing` does.

The register is asked and codes are checked outside transactions; then the step, its evidence, its checks, its letter
and its audit entry are one transaction, so that a step is taken whole or not at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.assurance import IAL
from core.errors import PersonError
from enrollment import letters, recovery, webauthn_registration
from enrollment.account import AlreadyEnrolled, PersonAttributes, SealedAccount
from enrollment.case_contact import contact_of_case, sealed_contact, send_code
from enrollment.civil_registry.protocol import CardClaim
from enrollment.dossier import inputs_of
from enrollment.evidence.birth_date import BirthDate
from enrollment.evidence.contact import Contact
from enrollment.identities import activate, check_reaches, decide
from enrollment.models import Passkey, ProofingCase
from enrollment.notices import contact_of
from enrollment.policy import Award, award, load_policy
from enrollment.proofing import Case, Journey, State, StepTaken
from enrollment.sealed import CODES, REASON
from enrollment.services import EnrolmentServices
from enrollment.webauthn_authentication import AuthenticatedPasskey

NOTICE_VERSION = "2026-11-22"  # of the text that is consented to
NOT_CONFIRMED = (
    "These details could not be confirmed. Please compare every field with your card and try again."
    " If they are right, please go to a district office."
)
NOT_ENOUGH = "What was checked is not enough for an account. Please begin anew."


@dataclass(frozen=True)
class CardDetails:
    """What the holder read from the card. The laser code is used once and not kept."""

    citizen_number: str
    given_name_th: str
    family_name_th: str
    born: BirthDate
    laser_code: str

    def claim(self) -> CardClaim:
        return CardClaim(
            citizen_number=self.citizen_number,
            given_name=self.given_name_th,
            family_name=self.family_name_th,
            birth_date=self.born.registered,
            laser_code=self.laser_code,
        )

    def kept(self) -> dict[str, object]:
        return {
            "citizen_number": self.citizen_number,
            "given_name_th": self.given_name_th,
            "family_name_th": self.family_name_th,
            "birthdate": self.born.birthdate,
            "birthdate_registered": self.born.registered,
        }


class Enrolment:
    def __init__(self, services: EnrolmentServices) -> None:
        self.services = services
        self.ground = services.ground
        self.cases = services.cases
        self.dossier = services.dossier
        self.accounts = services.accounts

    def begin(self, *, return_to: str) -> str:
        """The person has read the notice and agreed; returns the secret for the browser's cookie."""
        key = self.accounts.new_key()
        with self.ground.database.write() as connection:
            case_id, secret = self.cases.begin(
                connection, journey=Journey.ENROLMENT, state=State.CONSENTED, key=key, return_to=return_to
            )
            detail = {"notice": NOTICE_VERSION}
            audit.record(
                connection, self.ground.clock, event="enrolment.consented", actor="self", subject=case_id, detail=detail
            )
        return secret

    # ------------------------------------------------------------ details

    def identify(self, case: Case, card: CardDetails, *, source: str) -> None:
        """Raises PersonError, the same for everything that does not match."""
        check_shown(case, "details")
        if not self.services.register.is_confirmed(card.claim(), source=source, actor=case.id):
            raise PersonError(NOT_CONFIRMED)
        enrolled = self.accounts.find_by_citizen_number(card.citizen_number)
        if enrolled is not None:
            self._lead_to_sign_in(case, "details", enrolled)
            return
        details = card.kept() | {"address": self.services.register.address(card.claim())}
        try:
            self._keep_details(case, card, details)
        except IntegrityError:  # a parallel case of the same citizen was first; now it is there to be superseded
            self._keep_details(case, card, details)

    def _keep_details(self, case: Case, card: CardDetails, details: dict[str, object]) -> None:
        index = self.accounts.citizen_index(card.citizen_number)
        with self.ground.database.write() as connection:
            self.cases.supersede(connection, case, index)
            self.cases.take(connection, case, "details", State.IDENTIFIED, citizen_index=index)
            evidence = self.dossier.add_evidence(
                connection, case, type="th_id_card_data", source="self", attributes=details
            )
            for method, actor in (("checksum", "citizen_number"), ("register_status", "CheckCardByLaser")):
                self.dossier.add_check(
                    connection, evidence, kind="validation", method=method, outcome="pass", actor=actor
                )

    def _lead_to_sign_in(self, case: Case, step: str, account_id: str) -> None:
        """Only somebody who has shown to be this citizen comes here; the account's holder is told in any case."""
        contact, key = contact_of(self.accounts.attributes(account_id)), self.accounts.key(account_id)
        with self.ground.database.write() as connection:
            self.cases.take(connection, case, step, State.ALREADY_ENROLLED, citizen_index=None)
            if contact is not None:
                self.services.notices.tell(connection, key, contact, letters.ENROLMENT_ATTEMPTED)
            audit.record(
                connection, self.ground.clock, event="enrolment.already_enrolled", actor=case.id, subject=account_id
            )

    def details(self, case: Case) -> dict[str, object]:
        """What was confirmed, to show it again; empty before."""
        with self.ground.database.read() as connection:
            return self.dossier.attributes(connection, case, "th_id_card_data") or {}

    # ------------------------------------------------------------ contact and code

    def give_contact(self, case: Case, contact: Contact, *, source: str) -> None:
        check_shown(case, "contact")
        self.services.codes.check_sending(case, contact.address, source=source)
        made = self.services.codes.make(case.id)
        with self.ground.database.write() as connection:
            sealed = sealed_contact(self.cases, case, contact)
            self.cases.take(connection, case, "contact", State.ADDRESSED, contact=sealed)
            send_code(connection, self.services, case, contact, made)

    def send_again(self, case: Case, *, source: str) -> None:
        """A new code to the same address; the old one is worth nothing from now on."""
        if case.state != State.ADDRESSED:
            raise StepTaken
        contact = self.contact(case)
        self.services.codes.check_sending(case, contact.address, source=source)
        made = self.services.codes.make(case.id)
        with self.ground.database.write() as connection:
            send_code(connection, self.services, case, contact, made)

    def contact(self, case: Case) -> Contact:
        return contact_of_case(self.cases, case)

    def confirm(self, case: Case, typed: str) -> None:
        check_shown(case, "code")
        accepted, contact = self.services.codes.check(case, typed), self.contact(case)
        with self.ground.database.write() as connection:
            self.services.codes.spend(connection, accepted)
            self.cases.take(connection, case, "code", State.PROVEN)
            evidence = self.dossier.add_evidence(
                connection,
                case,
                type="contact_address",
                source=contact.channel,
                attributes={"address": contact.address},
            )
            self.dossier.add_check(
                connection, evidence, kind="contact", method="contact_confirmed", outcome="pass", actor=contact.channel
            )
            if case.journey == Journey.ENROLMENT:
                check_reaches(self._award(connection, case), IAL.IAL1_3.rank, NOT_ENOUGH)

    def _award(self, connection: Connection, case: Case) -> Award:
        return award(load_policy(case.policy), *inputs_of(connection, case.id))

    def awarded(self, case: Case) -> Award:
        with self.ground.database.read() as connection:
            return self._award(connection, case)

    # ------------------------------------------------------------ passkey

    def person(self, case: Case) -> PersonAttributes:
        """Who the account is for: as it stands, or as the case has proven it."""
        if case.journey == Journey.RECOVERY:
            return self.accounts.attributes(case.account_id)
        with self.ground.database.read() as connection:
            return self._proven_person(connection, case)

    def _proven_person(self, connection: Connection, case: Case) -> PersonAttributes:
        details = self.dossier.attributes(connection, case, "th_id_card_data")
        if details is None:
            raise StepTaken
        contact = self.contact(case)
        known: dict[str, Any] = details | {"email" if contact.channel == "email" else "phone": contact.address}
        return PersonAttributes(**known)

    def passkey_options(self, case: Case) -> str:
        name = self.person(case).name_th
        return webauthn_registration.begin_registration(
            self.ground, case.account_id, bound_to=case.id, user_name=name, display_name=name
        )

    def bind(
        self, case: Case, credential_json: str, *, device: str, remove_others: bool = False
    ) -> AuthenticatedPasskey | None:
        """The account comes to be (or is recovered) with its passkey; None when it turned out to exist already."""
        check_shown(case, "passkey")
        passkey = webauthn_registration.verify_registration(
            self.ground, case.account_id, credential_json, bound_to=case.id
        )
        sealed = self.accounts.seal(self.person(case), key=case.key) if case.journey == Journey.ENROLMENT else None
        try:
            with self.ground.database.write() as connection:
                self.cases.take(connection, case, "passkey", State.BOUND, citizen_index=None)
                if sealed is not None:
                    self._open_account(connection, case, sealed)
                elif remove_others:
                    self._revoke_passkeys(connection, case)
                webauthn_registration.bind(connection, self.ground, passkey, name=device, actor=case.account_id)
                self._issue_recovery_codes(connection, case)
        except AlreadyEnrolled:
            existing = self.accounts.find_by_citizen_number(self.person(case).citizen_number)
            self._lead_to_sign_in(case, "passkey", existing or "")
            return None
        return webauthn_registration.authenticated(passkey)

    def _open_account(self, connection: Connection, case: Case, sealed: SealedAccount) -> None:
        contact = self.contact(case)
        evidence, checks = inputs_of(connection, case.id)
        awarded = award(load_policy(case.policy), evidence, checks)
        check_reaches(awarded, IAL.IAL1_3.rank, NOT_ENOUGH)
        self.accounts.add(connection, sealed)
        reason = self.cases.seal(case, b"", REASON)
        decide(
            connection, self.ground.clock, case_id=case.id, awarded=awarded, approved=True,
            decided_by="policy", reason=reason,
        )  # fmt: skip
        activate(
            connection, self.ground.clock, account_id=case.account_id, case_id=case.id, awarded=awarded,
            evidence=evidence, checks=checks,
        )  # fmt: skip
        detail = {"ial": awarded.ial.value, "policy": awarded.policy, "rule": awarded.rule}
        audit.record(
            connection,
            self.ground.clock,
            event="account.enrolled",
            actor=case.id,
            subject=case.account_id,
            detail=detail,
        )
        self.services.notices.tell(connection, case.key, contact, letters.ENROLLED, ial=awarded.ial.value)

    def _revoke_passkeys(self, connection: Connection, case: Case) -> None:
        living = (Passkey.account_id == case.account_id, Passkey.revoked_at.is_(None))
        connection.execute(update(Passkey).where(*living).values(revoked_at=self.ground.clock.now()))

    def _issue_recovery_codes(self, connection: Connection, case: Case) -> None:
        """Kept sealed until the person says they are written down: a page that is reloaded must not lose them."""
        if case.journey == Journey.RECOVERY:
            self.services.notices.tell(connection, case.key, self.contact(case), letters.RECOVERED)
            audit.record(
                connection, self.ground.clock, event="account.recovered", actor=case.id, subject=case.account_id
            )
        codes = recovery.issue_codes(connection, self.ground, case.account_id, actor=case.account_id)
        sealed = self.cases.seal(case, json.dumps(codes).encode(), CODES)
        connection.execute(update(ProofingCase).where(ProofingCase.id == case.id).values(codes=sealed))

    # ------------------------------------------------------------ recovery codes

    def recovery_codes(self, case: Case) -> list[str]:
        if case.codes is None:
            raise StepTaken
        codes: list[str] = json.loads(self.cases.open(case, case.codes, CODES))
        return [recovery.grouped(code) for code in codes]

    def keep_codes(self, case: Case) -> None:
        """From now on nobody can read them here again."""
        with self.ground.database.write() as connection:
            self.cases.take(connection, case, "recovery-codes", State.DONE, codes=None, contact=None)

    # ------------------------------------------------------------ leaving

    def withdraw(self, case: Case) -> None:
        """The person stops; what was entered is erased."""
        with self.ground.database.write() as connection:
            self.cases.end(connection, case, State.WITHDRAWN, actor="self")

    def remember_return(self, case: Case, return_to: str) -> None:
        """The newest place the person came from; it is where they are led on to at the end."""
        with self.ground.database.write() as connection:
            mine = ProofingCase.id == case.id
            connection.execute(update(ProofingCase).where(mine).values(return_to=return_to))


def check_shown(case: Case, step: str) -> None:
    """Raises StepTaken before anybody is asked anything on behalf of a stale page."""
    if not case.may_show(step):
        raise StepTaken
