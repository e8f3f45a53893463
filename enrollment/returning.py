"""Giving access back to somebody whom officers have proofed anew, and who has lost every way in.

The old passkeys and recovery codes end in the transaction of the decision. A link (256 bits, 24 hours) goes to the
address that the citizen gave at the desk; opening it makes that browser the one that binds the new passkey.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, select, update

from core import audit
from core.errors import NotFound
from core.identifiers import hashed, new_secret
from enrollment import letters
from enrollment.case_contact import keep_contact
from enrollment.evidence.contact import Contact
from enrollment.models import Passkey, ProofingCase, RecoveryCode
from enrollment.proofing import Case, Journey, State
from enrollment.services import EnrolmentServices

LINK_LIFETIME = timedelta(hours=24)  # SP 800-63A section 3.1.8: what is sent by e-mail


class Returning:
    def __init__(self, services: EnrolmentServices) -> None:
        self.cases = services.cases
        self.accounts = services.accounts
        self.notices = services.notices
        self.ground = services.ground

    def begin(self, connection: Connection, review: Case, contact: Contact) -> None:
        """In the transaction of the second officer's approval."""
        self._end_old_ways(connection, review.account_id)
        case_id, secret = self.cases.begin(
            connection, journey=Journey.RECOVERY, state=State.PROVEN, key=review.key, opened_by=review.opened_by,
            lifetime=LINK_LIFETIME,
        )  # fmt: skip
        case = self.cases.read(connection, case_id, key=review.key)
        keep_contact(connection, self.cases, case, contact)
        person = self.accounts.read(connection, review.key)
        new: dict[str, Any] = {"email": "", "phone": ""}
        new["email" if contact.channel == "email" else "phone"] = contact.address
        self.accounts.update(connection, review.key, replace(person, **new))
        link = f"{self.ground.settings.issuer}/enroll/return/{secret}"
        self.notices.send(connection, review.key, contact, letters.new_passkey(link, channel=contact.channel))
        audit.record(
            connection, self.ground.clock, event="recovery.begun_by_officers", actor=review.opened_by,
            subject=review.account_id, detail={"case": review.id},
        )  # fmt: skip

    def _end_old_ways(self, connection: Connection, account_id: str) -> None:
        now = self.ground.clock.now()
        passkeys = (Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        codes = (RecoveryCode.account_id == account_id, RecoveryCode.spent_at.is_(None))
        cases = (ProofingCase.account_id == account_id, ProofingCase.journey == Journey.RECOVERY)
        living = ProofingCase.state.in_([State.ADDRESSED, State.PROVEN])
        connection.execute(update(Passkey).where(*passkeys).values(revoked_at=now))
        connection.execute(update(RecoveryCode).where(*codes).values(spent_at=now))
        connection.execute(update(ProofingCase).where(*cases, living).values(state=State.SUPERSEDED, contact=None))

    def check_link(self, secret: str) -> None:
        """Raises NotFound for a link that leads nowhere (any more)."""
        with self.ground.database.read() as connection:
            case_id = connection.execute(self._waiting(secret)).scalar()
        if case_id is None:
            raise NotFound("This link was used already, or it is older than 24 hours.")

    def take(self, secret: str) -> str:
        """Spends the link: the secret changes, and only the browser that took it has the new one."""
        self.check_link(secret)
        new = new_secret()
        waiting = (ProofingCase.resume_hash == hashed(secret), ProofingCase.state == State.PROVEN)
        with self.ground.database.write() as connection:
            taken = update(ProofingCase).where(*waiting).values(resume_hash=hashed(new))
            if connection.execute(taken).rowcount != 1:
                raise NotFound("This link was used already, or it is older than 24 hours.")
        return new

    def _waiting(self, secret: str) -> Select[str]:
        now = self.ground.clock.now()
        mine = (ProofingCase.resume_hash == hashed(secret), ProofingCase.expires_at > now)
        return select(ProofingCase.id).where(
            *mine, ProofingCase.journey == Journey.RECOVERY, ProofingCase.state == State.PROVEN
        )
