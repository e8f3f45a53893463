"""Confirmation codes (SP 800-63A section 3.1.8): six digits, ten minutes, five tries, once, kept as a keyed hash.

1. a try is counted in its own transaction, before the code is looked at: a refusal cannot roll it back
2. the comparison takes the same time for every wrong code
3. the code is spent by a conditional write in the transaction of the step it opens
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta
from secrets import randbelow

from sqlalchemy import Connection, insert, update

from core.errors import PersonError
from core.ground import Ground
from core.identifiers import new_id
from core.rate_limit import Throttle
from enrollment.evidence.citizen_number import SEPARATORS, western_digits
from enrollment.models import ConfirmationCode
from enrollment.proofing import Case, StepTaken
from keys.envelope import Envelope

DIGITS = 6
TRIES = 5
SENT_PER_CASE = 5  # an hour
SENT_PER_ADDRESS = 8  # a day: nobody's telephone is flooded
SENT_PER_SOURCE = 60  # an hour; many share one address behind a carrier's gateway


@dataclass(frozen=True)
class NewCode:
    """Made for one case, not issued yet."""

    text: str
    code_hash: bytes


@dataclass(frozen=True)
class AcceptedCode:
    """The right code, not spent yet."""

    id: str


class ConfirmationCodes:
    def __init__(self, ground: Ground, envelope: Envelope) -> None:
        self.ground = ground
        self.envelope = envelope
        self.throttle = Throttle(ground)

    def check_sending(self, case: Case, address: str, *, source: str) -> None:
        """Counts one message against case, address and source; raises TooMany. Not inside a transaction."""
        hour, day = timedelta(hours=1), timedelta(days=1)
        index = self.envelope.blind_index("contact", address).hex()
        self.throttle.check("code-sent-case", case.id, limit=SENT_PER_CASE, window=hour)
        self.throttle.check("code-sent-source", source, limit=SENT_PER_SOURCE, window=hour)
        self.throttle.check("code-sent-address", index, limit=SENT_PER_ADDRESS, window=day)

    def make(self, case_id: str) -> NewCode:
        """A code for this case. Not inside a transaction: the key of its hash may live in a token."""
        code = f"{randbelow(10**DIGITS):0{DIGITS}}"
        return NewCode(code, self._hash(case_id, code))

    def issue(self, connection: Connection, case: Case, made: NewCode) -> None:
        """In the place of the old one, in the caller's transaction. The code leaves here only to be sent."""
        now = self.ground.clock.now()
        old = (ConfirmationCode.case_id == case.id, ConfirmationCode.spent_at.is_(None))
        connection.execute(update(ConfirmationCode).where(*old).values(spent_at=now))
        row = {"id": new_id(), "case_id": case.id, "code_hash": made.code_hash, "attempts": 0, "sent_at": now}
        connection.execute(
            insert(ConfirmationCode), row | {"expires_at": now + self.ground.settings.confirmation_code_lifetime}
        )

    def check(self, case: Case, typed: str) -> AcceptedCode:
        """Steps 1 and 2; raises PersonError beside the field `code`. Not inside a transaction."""
        code = SEPARATORS.sub("", western_digits(typed))
        if not (len(code) == DIGITS and code.isascii() and code.isdigit()):
            raise PersonError("The code has six digits. Please check the message.", field="code")
        code_id, code_hash, left = self._count_try(case)
        if not hmac.compare_digest(code_hash, self._hash(case.id, code)):
            if left == 0:
                raise PersonError(
                    "The code is wrong, and it cannot be tried again. Please have a new one sent.", field="code"
                )
            raise PersonError("The code is wrong. Please check the newest message.", field="code")
        return AcceptedCode(code_id)

    def spend(self, connection: Connection, accepted: AcceptedCode) -> None:
        """Step 3; raises StepTaken when a parallel request was first."""
        where = (ConfirmationCode.id == accepted.id, ConfirmationCode.spent_at.is_(None))
        spent = update(ConfirmationCode).where(*where).values(spent_at=self.ground.clock.now())
        if connection.execute(spent).rowcount != 1:
            raise StepTaken

    def _count_try(self, case: Case) -> tuple[str, bytes, int]:
        living = (
            ConfirmationCode.case_id == case.id,
            ConfirmationCode.spent_at.is_(None),
            ConfirmationCode.expires_at > self.ground.clock.now(),
            ConfirmationCode.attempts < TRIES,
        )
        counted = update(ConfirmationCode).where(*living).values(attempts=ConfirmationCode.attempts + 1)
        columns = (ConfirmationCode.id, ConfirmationCode.code_hash, ConfirmationCode.attempts)
        with self.ground.database.write() as connection:
            row = connection.execute(counted.returning(*columns)).first()
        if row is None:
            raise PersonError("This code can no longer be used. Please have a new one sent.", field="code")
        return row[0], row[1], TRIES - row[2]

    def _hash(self, case_id: str, code: str) -> bytes:
        return self.envelope.blind_index("confirmation-code", f"{case_id}:{code}")
