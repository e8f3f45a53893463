"""Recovering access: a saved code opens the way to a code at the confirmed contact, two classes (SP 800-63B section
4.2.2.2). From there on the steps are enrolment's: confirm the code, bind a passkey, keep new recovery codes.
"""

from __future__ import annotations

from core import audit
from core.errors import PersonError
from core.identifiers import new_id
from enrollment import recovery
from enrollment.case_contact import keep_contact, send_code
from enrollment.notices import contact_of
from enrollment.proofing import Journey, State
from enrollment.services import EnrolmentServices

NOT_RECOVERED = "The citizen number or the recovery code is wrong, or the code was used before."


class RecoveryJourney:
    def __init__(self, services: EnrolmentServices) -> None:
        self.services = services
        self.ground = services.ground

    def begin(self, citizen_number: str, typed: str, *, source: str, return_to: str) -> str:
        """Returns the secret for the browser's cookie. Raises PersonError, the same for every reason.

        Failures count for this citizen from this source, so that an outsider's guesses lock out the outsider.
        """
        key = f"{self.services.accounts.citizen_index(citizen_number).hex()}:{source}"[:200]
        self.services.throttle.check_failures("recovery", key)
        account_id = self.services.accounts.find_by_citizen_number(citizen_number)
        secret = self._begin(account_id, typed, return_to=return_to) if account_id else None
        if secret is None:
            self.services.throttle.failed("recovery", key)
            raise PersonError(NOT_RECOVERED)
        self.services.throttle.succeeded("recovery", key)
        return secret

    def _begin(self, account_id: str, typed: str, *, return_to: str) -> str | None:
        """The code is spent in the transaction that begins the case: of two parallel uses one wins."""
        services, cases = self.services, self.services.cases
        contact = contact_of(services.accounts.attributes(account_id))
        if contact is None or not services.accounts.is_active(account_id):
            return None
        key, case_id = services.accounts.key(account_id), new_id()
        made = services.codes.make(case_id)
        with self.ground.database.write() as connection:
            if not recovery.spend_code(connection, self.ground, account_id, typed):
                return None
            _, secret = cases.begin(
                connection, journey=Journey.RECOVERY, state=State.ADDRESSED, case_id=case_id, key=key,
                return_to=return_to,
            )  # fmt: skip
            case = cases.read(connection, case_id, key=key)
            keep_contact(connection, cases, case, contact)
            send_code(connection, services, case, contact, made)
            audit.record(connection, self.ground.clock, event="recovery.begun", actor=case_id, subject=account_id)
        return secret
