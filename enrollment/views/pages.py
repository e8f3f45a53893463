"""What all pages of enrolment share: the browser's case, leading on, a form shown again with what was typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from flask import make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import web
from core.errors import PersonError, TooMany
from enrollment.enrolment import Enrolment
from enrollment.proofing import ENDED, Case, State
from enrollment.services import EnrolmentServices
from enrollment.webauthn_authentication import AuthenticatedPasskey

COOKIE = "prajak-enrolment"
SECRET_LENGTH = 43
SHOWN_AS = {"details": 1, "contact": 2, "code": 3, "passkey": 4, "recovery-codes": 5}
RECOVERY_SHOWN_AS = {"recover": 1, "code": 2, "passkey": 3, "recovery-codes": 4}
DEFAULT_RETURN = "/me"
MAX_RETURN = 2000  # the column

SignIn = Callable[[str, AuthenticatedPasskey], None]
Errors = dict[str, str]
T = TypeVar("T")


@dataclass(frozen=True)
class Pages:
    services: EnrolmentServices
    sign_in: SignIn
    end_sessions: Callable[[str], None]

    @cached_property
    def enrolment(self) -> Enrolment:
        return Enrolment(self.services)

    @property
    def people_url(self) -> str:
        """Where the sandbox lists the people of its simulated register."""
        settings = self.services.ground.settings
        return settings.registry_url if settings.sandbox else ""

    def case(self) -> Case | None:
        """The case that this browser's cookie names."""
        secret = web.get_cookie(COOKIE)
        return self.services.cases.resume(secret) if secret and len(secret) == SECRET_LENGTH else None

    def live_case(self, step: str) -> Case | None:
        """The case, if this step's page makes sense for it now."""
        case = self.case()
        return case if case is not None and case.may_show(step) else None

    def lead_on(self, case: Case | None = None) -> ResponseReturnValue:
        """To the page of the step where the case stands; without one to the beginning."""
        case = case or self.case()
        if case is None or case.state in ENDED:
            return redirect("/enroll", 303)
        return redirect(f"/enroll/{case.step}", 303)

    def start(self, secret: str) -> ResponseReturnValue:
        """A new case: its cookie goes to this browser and host alone, and the way leads on."""
        response = make_response(redirect("/enroll", 303))
        web.set_cookie(response, COOKIE, secret)
        return response

    def show(
        self,
        template: str,
        case: Case | None = None,
        *,
        errors: Errors | None = None,
        status: int = 200,
        retry_after: int | None = None,
        **values: object,
    ) -> ResponseReturnValue:
        shown = {
            "case": case,
            "errors": errors or {},
            "people_url": self.people_url,
            **steps_of(case, template),
            **values,
        }
        response = web.page(f"enrollment/{template}.html", status, **shown)
        if retry_after is not None:
            response.headers["Retry-After"] = str(retry_after)
        return response

    def refused(
        self, template: str, case: Case | None, error: PersonError, typed: Mapping[str, str], **values: object
    ) -> ResponseReturnValue:
        """The same page with the sentence beside its field and everything that was typed."""
        errors = {error.field or "": gettext(error.message, **error.values)}
        after = error.retry_after if isinstance(error, TooMany) else None
        return self.show(template, case, errors=errors, status=error.status, retry_after=after, typed=typed, **values)


def steps_of(case: Case | None, template: str) -> dict[str, object]:
    shown = RECOVERY_SHOWN_AS if template == "recover" or (case and case.journey == "recovery") else SHOWN_AS
    return {"step": shown.get(template.replace("_", "-")), "steps": len(shown)}


def typed_values() -> dict[str, str]:
    return {name: value for name, value in request.form.items() if name not in ("csrf_token", "credential")}


def collect(errors: Errors, read: Callable[[], T]) -> T | None:
    """Reads one field; a refusal is kept beside it, so that a form tells all of its errors at once."""
    try:
        return read()
    except PersonError as error:
        errors[error.field or ""] = gettext(error.message, **error.values)
        return None


def return_to() -> str:
    """Where the person came from: a path on this site."""
    wanted = request.values.get("return_to", "")
    return web.local_path(wanted, default="") if len(wanted) <= MAX_RETURN else ""


def way_out(case: Case) -> str:
    return case.return_to or DEFAULT_RETURN


def is_finished(case: Case) -> bool:
    """Nothing is left to be done in this browser: whoever comes to /enroll now begins anew."""
    return case.state in ENDED or case.state == State.DONE
