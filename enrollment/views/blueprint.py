"""Every page of `/enroll` on one screen: its address, its methods, the function that answers.

A page is shown by GET and answered by POST; a POST that did its work redirects to /enroll, which leads to the step
where the case stands. All of them are for anyone: the browser's own cookie binds it to its case.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint
from flask.typing import ResponseReturnValue

from core.web import ANYONE, callers
from enrollment.services import EnrolmentServices
from enrollment.views.pages import Pages, SignIn
from enrollment.views.recovery import RecoveryPages
from enrollment.views.repudiation import RepudiationPages
from enrollment.views.steps import StepPages


def blueprint(
    enrolment: EnrolmentServices,
    *,
    sign_in: SignIn,
    end_sessions: Callable[[str], None],
) -> Blueprint:
    """`sign_in(account_id, passkey)` starts the provider's session on this response; `end_sessions(account_id)` ends
    all of the account's, after a recovery and when somebody says "this was not me".
    """
    made = Blueprint("enrollment", __name__, template_folder="../templates", url_prefix="/enroll")
    pages = Pages(enrolment, sign_in, end_sessions)
    steps, recovery, repudiation = StepPages(pages), RecoveryPages(pages), RepudiationPages(pages)
    routes: tuple[tuple[str, str, Callable[..., ResponseReturnValue]], ...] = (
        ("", "GET", steps.entry),
        ("", "POST", steps.consent),
        ("/details", "GET", steps.details),
        ("/details", "POST", steps.give_details),
        ("/contact", "GET", steps.contact),
        ("/contact", "POST", steps.give_contact),
        ("/code", "GET", steps.code),
        ("/code", "POST", steps.give_code),
        ("/code/again", "POST", steps.send_again),
        ("/passkey", "GET", steps.passkey),
        ("/passkey", "POST", steps.give_passkey),
        ("/recovery-codes", "GET", steps.recovery_codes),
        ("/recovery-codes", "POST", steps.keep_recovery_codes),
        ("/done", "GET", steps.done),
        ("/already-enrolled", "GET", steps.already_enrolled),
        ("/withdraw", "POST", steps.withdraw),
        ("/recover", "GET", recovery.recover),
        ("/recover", "POST", recovery.give_recovery_code),
        ("/not-me/<token>", "GET", repudiation.ask),
        ("/not-me/<token>", "POST", repudiation.hold),
        ("/on-hold", "GET", repudiation.held),
        ("/return/<secret>", "GET", recovery.ask_return),
        ("/return/<secret>", "POST", recovery.take_return),
    )
    for rule, method, answer in routes:
        made.add_url_rule(rule, answer.__name__, open_to_anyone(answer), methods=[method])
    return made


def open_to_anyone(answer: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    """A bound method carries no attributes of its own, so the declaration stands on a function around it."""

    def view(**values: str) -> ResponseReturnValue:
        return answer(**values)

    return callers(ANYONE)(view)
