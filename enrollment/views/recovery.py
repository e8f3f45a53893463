"""The way back in for somebody who lost the passkey: a saved code, then a code at the confirmed contact."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from core import web
from core.errors import PersonError
from enrollment.evidence.citizen_number import read_citizen_number
from enrollment.proofing import Journey
from enrollment.recovery_journey import RecoveryJourney
from enrollment.returning import Returning
from enrollment.views.pages import Errors, Pages, collect, is_finished, return_to, typed_values


class RecoveryPages:
    def __init__(self, pages: Pages) -> None:
        self.pages = pages

    def recover(self) -> ResponseReturnValue:
        case = self.pages.case()
        if case is not None and case.journey == Journey.RECOVERY and not is_finished(case):
            return self.pages.lead_on(case)
        return self.pages.show("recover", typed={}, return_to=return_to())

    def give_recovery_code(self) -> ResponseReturnValue:
        errors: Errors = {}
        typed = typed_values()
        number = collect(errors, lambda: read_citizen_number(typed.get("citizen_number", "")))
        code = collect(errors, lambda: read_recovery_code(typed.get("recovery_code", "")))
        if number is None or code is None:
            return self.pages.show("recover", errors=errors, status=400, typed=typed, return_to=return_to())
        try:
            secret = RecoveryJourney(self.pages.services).begin(
                number, code, source=web.source(), return_to=return_to()
            )
        except PersonError as error:
            return self.pages.refused("recover", None, error, typed, return_to=return_to())
        return self.pages.start(secret)

    def ask_return(self, secret: str) -> ResponseReturnValue:
        """The link that officers had sent: fetched by a mail scanner it must not be used up."""
        Returning(self.pages.services).check_link(secret)
        return self.pages.show("return", secret=secret)

    def take_return(self, secret: str) -> ResponseReturnValue:
        return self.pages.start(Returning(self.pages.services).take(secret))


def read_recovery_code(typed: str) -> str:
    if not typed.strip():
        raise PersonError("Please enter one of your recovery codes.", field="recovery_code")
    return typed[:100]
