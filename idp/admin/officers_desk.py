"""The proofing officers' desk, `/officer`: raise a citizen to IAL2.1, with four eyes.

The rules stand in `enrollment/review.py`; here is who the officer is, what was typed, and what is shown.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core.errors import NotAllowed, PersonError
from core.i18n import BUDDHIST_ERA, format_date, language
from core.web import callers, page
from enrollment.dual_control import Officer
from enrollment.evidence.citizen_number import read_citizen_number
from enrollment.evidence.contact import read_contact
from enrollment.evidence.laser_code import read_laser_code
from enrollment.evidence.thai_name import read_latin_name
from enrollment.proofing import StepTaken
from enrollment.review import CaseFile, Review
from enrollment.services import EnrolmentServices
from enrollment.verification.officer import LIFELONG, Face, Feature, Inspection, read_expiry
from idp.interaction import signed_in
from idp.interaction.person import display_name
from idp.interaction.services import InteractionServices
from idp.models.membership import Role, load_memberships

PROOFING_OFFICER = Role.PROOFING_OFFICER.value  # the word of `callers`; its guard is the interaction's
TITLES = (("นาย", "Mr."), ("นาง", "Mrs."), ("นางสาว", "Miss"), ("เด็กชาย", "Master"), ("เด็กหญิง", "Miss"))
MAX_TYPED = 2500
T = TypeVar("T")
Errors = dict[str, str]


def blueprint(enrolment: EnrolmentServices, interaction: InteractionServices) -> Blueprint:
    """Every page of the desk, with its methods."""
    made = Blueprint("officers_desk", __name__, template_folder="templates", url_prefix="/officer")
    desk = OfficersDesk(enrolment, interaction)
    made.add_url_rule("", "desk", desk.desk)
    made.add_url_rule("/cases", "open_case", desk.open_case, methods=["POST"])
    made.add_url_rule("/cases/<case_id>", "case", desk.case)
    made.add_url_rule("/cases/<case_id>/inspection", "inspect", desk.inspect, methods=["POST"])
    made.add_url_rule("/cases/<case_id>/decision", "decide", desk.decide, methods=["POST"])
    made.add_url_rule("/cases/<case_id>/close", "close", desk.close, methods=["POST"])
    return made


class OfficersDesk:
    def __init__(self, enrolment: EnrolmentServices, interaction: InteractionServices) -> None:
        self.enrolment = enrolment
        self.interaction = interaction
        self.review = Review(enrolment)

    # ------------------------------------------------------------ pages

    @callers(PROOFING_OFFICER)
    def desk(self) -> ResponseReturnValue:
        return self._desk_page({})

    @callers(PROOFING_OFFICER)
    def case(self, case_id: str) -> ResponseReturnValue:
        return self._case_page(case_id, {})

    # ------------------------------------------------------------ acts

    @callers(PROOFING_OFFICER)
    def open_case(self) -> ResponseReturnValue:
        """The number is posted, never part of an address: addresses are kept in histories."""
        try:
            number = read_citizen_number(request.form.get("citizen_number", ""))
            case_id = self.review.open(self._officer(), number)
        except StepTaken:
            return redirect("/officer", 303)
        except PersonError as error:
            return self._desk_page(told(error), error.status)
        return redirect(f"/officer/cases/{case_id}", 303)

    @callers(PROOFING_OFFICER)
    def inspect(self, case_id: str) -> ResponseReturnValue:
        self.review.load(self._officer(), case_id)
        inspection, errors = read_inspection()
        if inspection is None:
            return self._case_page(case_id, errors, 400)
        return self._act(case_id, lambda: self.review.capture(self._officer(), case_id, inspection))

    @callers(PROOFING_OFFICER)
    def decide(self, case_id: str) -> ResponseReturnValue:
        decision = request.form.get("decision")
        if decision not in ("approve", "refuse"):
            return self._case_page(case_id, {"decision": gettext("Please approve or refuse.")}, 400)
        reason = request.form.get("reason", "")[:MAX_TYPED]
        return self._act(case_id, lambda: self._decide(case_id, approve=decision == "approve", reason=reason))

    @callers(PROOFING_OFFICER)
    def close(self, case_id: str) -> ResponseReturnValue:
        reason = request.form.get("reason", "")[:MAX_TYPED]
        return self._act(case_id, lambda: self.review.close(self._officer(), case_id, reason))

    def _decide(self, case_id: str, *, approve: bool, reason: str) -> None:
        """Where access was lost, whoever is still signed in with the old passkeys is signed out at once."""
        officer = self._officer()
        self.review.decide(officer, case_id, approve=approve, reason=reason)
        file = self.review.file(officer, case_id)
        if approve and file.inspection and file.inspection["new_contact"]:
            with self.enrolment.ground.database.write() as connection:
                self.interaction.sessions.end_all(
                    connection, file.case.account_id, reason="access given back by officers", actor=officer.account_id
                )

    def _act(self, case_id: str, act: Callable[[], None]) -> ResponseReturnValue:
        """Does it and shows where the case stands; a refusal is said beside its field. A stale page is led on."""
        try:
            act()
        except StepTaken:
            pass
        except NotAllowed:
            raise
        except PersonError as error:
            return self._case_page(case_id, told(error), error.status)
        return redirect(f"/officer/cases/{case_id}", 303)

    # ------------------------------------------------------------ who, and what is shown

    def _officer(self) -> Officer:
        """Only behind the guard: somebody with the role is signed in."""
        session = signed_in.current(self.interaction)
        if session is None:
            raise NotAllowed("Please sign in.")
        with self.enrolment.ground.database.read() as connection:
            held = load_memberships(connection, session.account_id)
        offices = tuple(f"{agency}/{office}" for agency, office, role in held if role is Role.PROOFING_OFFICER)
        if not offices:
            raise NotAllowed("This page is for officers with another role. You are signed in, but not as one of them.")
        return Officer(session.account_id, offices)

    def _desk_page(self, errors: Errors, status: int = 200) -> ResponseReturnValue:
        officer = self._officer()
        cases = [
            (case, self._name(case.account_id), self._name(case.opened_by)) for case in self.review.listed(officer)
        ]
        typed = request.form.get("citizen_number", "")[:100]
        return page("admin/officers_desk.html", status, errors=errors, cases=cases, typed=typed, officer=officer)

    def _case_page(self, case_id: str, errors: Errors, status: int = 200) -> ResponseReturnValue:
        officer = self._officer()
        file = self.review.file(officer, case_id)
        return page(
            "admin/officers_desk_case.html",
            status,
            errors=errors,
            file=file,
            case=file.case,
            officer=officer,
            may_decide=self.review.may_decide(officer, file),
            opened_by=self._name(file.case.opened_by),
            captured_by=self._names_of_captors(file),
            decided_by=self._name(file.decided_by) if file.decided_by else "",
            outcomes={check.method: check.outcome for check in file.checks},
            typed=request.form,
            ticked=request.form.getlist("features"),
            titles=[("", gettext("Please choose"))] + [(thai, f"{thai} ({latin})") for thai, latin in TITLES],
            born=birth_date(file.person.birthdate),
            expires=expiry_date(str(file.inspection["card_expires"])) if file.inspection else "",
        )

    def _names_of_captors(self, file: CaseFile) -> str:
        return ", ".join(sorted(self._name(each) for each in file.captured_by if len(each) == ID_LENGTH))

    def _name(self, account_id: str) -> str:
        return display_name(self.enrolment.accounts.attributes(account_id))


ID_LENGTH = 22  # an account's; a register's or a policy's name is another


def read_inspection() -> tuple[Inspection | None, Errors]:
    """All fields of the form, or all of its errors."""
    errors: Errors = {}
    form = {name: value[:MAX_TYPED] for name, value in request.form.items()}

    def typed(name: str) -> str:
        return form.get(name, "")

    title = next((pair for pair in TITLES if pair[0] == typed("title_th")), None)
    if title is None:
        errors["title_th"] = gettext("Please choose the title as it stands on the card.")
    given = collect(errors, lambda: read_latin_name(typed("given_name"), field="given_name"))
    family = collect(errors, lambda: read_latin_name(typed("family_name"), field="family_name", required=False))
    expires = collect(errors, lambda: read_expiry(typed("expiry_day"), typed("expiry_month"), typed("expiry_year")))
    laser = collect(errors, lambda: read_laser_code(typed("laser_code")))
    face = typed("face")
    if face not in set(Face):
        errors["face"] = gettext("Please say how the person compares with the photograph.")
    lost = bool(typed("lost"))
    contact = collect(errors, lambda: read_contact(typed("new_contact"), field="new_contact")) if lost else None
    if errors or laser is None or expires is None or given is None or family is None or title is None:
        return None, errors
    ticked = frozenset(Feature(each) for each in request.form.getlist("features") if each in set(Feature))
    note = typed("note").strip()[:1000]
    return Inspection(laser, expires, ticked, Face(face), title[0], title[1], given, family, note, contact), {}


def collect(errors: Errors, read: Callable[[], T]) -> T | None:
    try:
        return read()
    except PersonError as error:
        errors.update(told(error))
        return None


def birth_date(birthdate: str) -> str:
    """In the language of the page; only the year, where the register knows no more."""
    if len(birthdate) == len("YYYY-MM-DD"):
        return format_date(date.fromisoformat(birthdate))
    return str(int(birthdate) + BUDDHIST_ERA) if birthdate and language() == "th" else birthdate


def expiry_date(registered: str) -> str:
    """Of the card, YYYYMMDD in the Buddhist era."""
    if registered == LIFELONG:
        return gettext("For life")
    return format_date(date(int(registered[:4]) - BUDDHIST_ERA, int(registered[4:6]), int(registered[6:])))


def told(error: PersonError) -> Errors:
    return {error.field or "": gettext(error.message, **error.values)}
