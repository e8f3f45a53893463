"""The steps of enrolment, page by page: parse, call one thing, lead on."""

from __future__ import annotations

from datetime import date

from flask import make_response, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import web
from core.errors import PersonError
from core.i18n import BANGKOK
from enrollment.enrolment import CardDetails
from enrollment.evidence.birth_date import read_birth_date
from enrollment.evidence.citizen_number import read_citizen_number
from enrollment.evidence.contact import read_contact
from enrollment.evidence.laser_code import read_laser_code
from enrollment.evidence.thai_name import read_thai_name
from enrollment.proofing import Case, Journey, State, StepTaken
from enrollment.views.pages import (
    COOKIE,
    Errors,
    Pages,
    collect,
    is_finished,
    return_to,
    typed_values,
    way_out,
)

DEVICES = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
    ("CrOS", "Chromebook"), ("Linux", "Linux"),
)  # fmt: skip


class StepPages:
    def __init__(self, pages: Pages) -> None:
        self.pages = pages
        self.enrolment = pages.enrolment

    # ------------------------------------------------------------ the beginning

    def entry(self) -> ResponseReturnValue:
        """The notice, or the step where this browser's case stands."""
        case, wanted = self.pages.case(), return_to()
        if case is None or is_finished(case):
            ended = case.step if case is not None and case.state in (State.EXPIRED, State.SUPERSEDED) else ""
            return self.pages.show("notice", None, ended=ended, return_to=wanted)
        if wanted and wanted != case.return_to:
            self.enrolment.remember_return(case, wanted)
        return self.pages.lead_on(case)

    def consent(self) -> ResponseReturnValue:
        case = self.pages.case()
        if case is not None and not is_finished(case):  # a double click, or a second tab
            return self.pages.lead_on(case)
        if request.form.get("agree") != "1":
            message = gettext("Please confirm that you have read this before you go on.")
            return self.pages.show("notice", None, errors={"agree": message}, status=400, return_to=return_to())
        return self.pages.start(self.enrolment.begin(return_to=return_to()))

    # ------------------------------------------------------------ details

    def details(self) -> ResponseReturnValue:
        case = self.pages.live_case("details")
        if case is None:
            return self.pages.lead_on()
        return self.pages.show("details", case, typed=typed_again(self.enrolment.details(case)))

    def give_details(self) -> ResponseReturnValue:
        case = self.pages.live_case("details")
        if case is None:
            return self.pages.lead_on()
        today = self.pages.services.ground.clock.now().astimezone(BANGKOK).date()
        card, errors = read_card(today)
        if card is None:
            return self.pages.show("details", case, errors=errors, status=400, typed=typed_values())
        try:
            self.enrolment.identify(case, card, source=web.source())
        except StepTaken:
            return self.pages.lead_on()
        except PersonError as error:
            return self.pages.refused("details", case, error, typed_values())
        return self.pages.lead_on()

    # ------------------------------------------------------------ contact and code

    def contact(self) -> ResponseReturnValue:
        case = self.pages.live_case("contact")
        if case is None:
            return self.pages.lead_on()
        typed = {"contact": self.enrolment.contact(case).address} if case.contact else {}
        return self.pages.show("contact", case, typed=typed)

    def give_contact(self) -> ResponseReturnValue:
        case = self.pages.live_case("contact")
        if case is None:
            return self.pages.lead_on()
        try:
            contact = read_contact(request.form.get("contact", ""))
            self.enrolment.give_contact(case, contact, source=web.source())
        except StepTaken:
            return self.pages.lead_on()
        except PersonError as error:
            return self.pages.refused("contact", case, error, typed_values())
        return self.pages.lead_on()

    def code(self) -> ResponseReturnValue:
        case = self.pages.live_case("code")
        if case is None:
            return self.pages.lead_on()
        return self._code_page(case, again=request.args.get("sent") == "again")

    def give_code(self) -> ResponseReturnValue:
        case = self.pages.live_case("code")
        if case is None:
            return self.pages.lead_on()
        try:
            self.enrolment.confirm(case, request.form.get("code", ""))
        except StepTaken:
            return self.pages.lead_on()
        except PersonError as error:
            return self._code_page(case, error=error)
        return self.pages.lead_on()

    def send_again(self) -> ResponseReturnValue:
        case = self.pages.live_case("code")
        if case is None:
            return self.pages.lead_on()
        try:
            self.enrolment.send_again(case, source=web.source())
        except StepTaken:
            return self.pages.lead_on()
        except PersonError as error:
            return self._code_page(case, error=error)
        return redirect("/enroll/code?sent=again", 303)

    def _code_page(self, case: Case, *, error: PersonError | None = None, again: bool = False) -> ResponseReturnValue:
        contact = self.enrolment.contact(case)
        if error is not None:
            return self.pages.refused("code", case, error, typed_values(), contact=contact, again=again)
        return self.pages.show("code", case, typed={}, contact=contact, again=again)

    # ------------------------------------------------------------ passkey

    def passkey(self) -> ResponseReturnValue:
        case = self.pages.live_case("passkey")
        return self.pages.lead_on() if case is None else self._passkey_page(case)

    def give_passkey(self) -> ResponseReturnValue:
        case = self.pages.live_case("passkey")
        if case is None:
            return self.pages.lead_on()
        credential = request.form.get("credential", "")
        if not credential:
            text = "Please press the button and follow what your device asks. This page needs JavaScript for that."
            return self._passkey_page(case, PersonError(text))
        try:
            passkey = self.enrolment.bind(
                case, credential, device=device_name(), remove_others=request.form.get("remove_others") == "1"
            )
        except StepTaken:
            return self.pages.lead_on()
        except PersonError as error:
            return self._passkey_page(case, error)
        if passkey is not None:
            if case.journey == Journey.RECOVERY:
                self.pages.end_sessions(case.account_id)
            self.pages.sign_in(passkey.account_id, passkey)
        return self.pages.lead_on()

    def _passkey_page(self, case: Case, error: PersonError | None = None) -> ResponseReturnValue:
        """Each showing has a challenge of its own, so that every open tab works."""
        options = self.enrolment.passkey_options(case)
        if error is not None:
            return self.pages.refused("passkey", case, error, typed_values(), options_json=options)
        return self.pages.show("passkey", case, options_json=options, typed={})

    # ------------------------------------------------------------ recovery codes, the end

    def recovery_codes(self) -> ResponseReturnValue:
        case = self.pages.live_case("recovery-codes")
        if case is None:
            return self.pages.lead_on()
        return self.pages.show("recovery_codes", case, codes=self.enrolment.recovery_codes(case))

    def keep_recovery_codes(self) -> ResponseReturnValue:
        case = self.pages.live_case("recovery-codes")
        if case is None:
            return self.pages.lead_on()
        if request.form.get("kept") != "1":
            message = gettext("Please confirm that you have kept the codes. They will not be shown again.")
            codes = self.enrolment.recovery_codes(case)
            return self.pages.show("recovery_codes", case, errors={"kept": message}, status=400, codes=codes)
        try:
            self.enrolment.keep_codes(case)
        except StepTaken:
            return self.pages.lead_on()
        return redirect("/enroll/done", 303)

    def done(self) -> ResponseReturnValue:
        case = self.pages.live_case("done")
        if case is None:
            return self.pages.lead_on()
        identity = self.pages.services.accounts.identity(case.account_id)
        return self.pages.show("done", case, way_out=way_out(case), identity=identity)

    def already_enrolled(self) -> ResponseReturnValue:
        case = self.pages.live_case("already-enrolled")
        if case is None:
            return self.pages.lead_on()
        return self.pages.show("already_enrolled", case, way_out=way_out(case))

    def withdraw(self) -> ResponseReturnValue:
        """Stops, and erases what was entered."""
        case = self.pages.case()
        if case is not None:
            try:
                self.enrolment.withdraw(case)
            except StepTaken:
                return self.pages.lead_on()
        response = make_response(redirect("/", 303))
        web.delete_cookie(response, COOKIE)
        return response


def read_card(today: date) -> tuple[CardDetails | None, Errors]:
    """All fields of the form, or all of its errors."""
    errors: Errors = {}
    form = {name: value[:300] for name, value in typed_values().items()}

    def typed(name: str) -> str:
        return form.get(name, "")

    number = collect(errors, lambda: read_citizen_number(typed("citizen_number")))
    given = collect(errors, lambda: read_thai_name(typed("given_name_th"), field="given_name_th"))
    family = collect(errors, lambda: read_thai_name(typed("family_name_th"), field="family_name_th", required=False))
    born = collect(
        errors,
        lambda: read_birth_date(
            typed("birth_day"), typed("birth_month"), typed("birth_year"), today=today, field="birth_day"
        ),
    )
    laser = collect(errors, lambda: read_laser_code(typed("laser_code")))
    if number is None or given is None or family is None or born is None or laser is None:
        return None, errors
    return CardDetails(number, given, family, born, laser), {}


def typed_again(details: dict[str, object]) -> dict[str, str]:
    """The fields of details that were confirmed before, to be done anew; the laser code was not kept."""
    if not details:
        return {}
    registered = str(details["birthdate_registered"])
    kept = {name: str(details[name]) for name in ("citizen_number", "given_name_th", "family_name_th")}
    day, month = (part.lstrip("0") for part in (registered[6:], registered[4:6]))
    return kept | {"birth_year": registered[:4], "birth_month": month, "birth_day": day}


def device_name() -> str:
    """What to call a new passkey, until its owner gives it a name."""
    agent = request.headers.get("User-Agent", "")
    return next((name for sign, name in DEVICES if sign in agent), gettext("My passkey"))
