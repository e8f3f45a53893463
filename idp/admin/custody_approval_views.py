"""What cannot be undone waits here for the second of two administrators (`keys/two_person.py`)."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core.errors import NotFound, PersonError
from core.web import callers, page
from idp.admin.access import FRESH_ADMINISTRATOR, KEY_STAFF, current_staff
from idp.admin.custody_views import KEYS
from idp.admin.independence import check_independent
from idp.admin.irrevocable import PERFORMED, perform
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.words import ACT_WARNINGS, ACTS, OUTCOMES
from idp.interaction.person import display_name
from idp.models.membership import Role
from keys import two_person
from keys.two_person import COMMAND, Act, Asked

APPROVALS = f"{KEYS}/approvals"
OF_KEYS = (Act.DESTROY_KEY, Act.COMPROMISE_KEY, Act.RETIRE_KEY)
SHOWN = 50


class CustodyApprovalPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services

    @callers(KEY_STAFF)
    def approvals(self) -> ResponseReturnValue:
        """The open ones, and what was decided lately."""
        with self.services.ground.database.read() as connection:
            found = two_person.load_recent(connection, limit=SHOWN)
        return page(
            "admin/custody_approvals.html",
            navigation=navigation(self.services, KEYS),
            approvals=[(each, self.name_of(each.asked_by)) for each in found],
            now=self.services.ground.clock.now(),
            acts=ACTS,
            outcomes=OUTCOMES,
        )

    @callers(KEY_STAFF)
    def approval(self, approval_id: str) -> ResponseReturnValue:
        return self.approval_page(self.load(approval_id), {})

    @callers(FRESH_ADMINISTRATOR)
    def decide(self, approval_id: str) -> ResponseReturnValue:
        """What was decided meanwhile is said and shown; what stood against the act is said and can be tried again."""
        asked = self.load(approval_id)
        try:
            why_not = self.take_decision(asked)
        except PersonError as error:
            text = gettext(error.message, **error.values)
            return self.approval_page(self.load(approval_id), {error.field or "": text}, error.status)
        if why_not:
            text = gettext("This could not be done: %(why)s", why=why_not)
            return self.approval_page(self.load(approval_id), {"": text}, 409)
        return redirect(f"{APPROVALS}/{approval_id}", 303)

    def take_decision(self, asked: Asked) -> str:
        """What stood against doing it, "" where nothing did or nothing was to be done yet."""
        ground, by = self.services.ground, current_staff(self.services).account_id
        decision = request.form.get("decision", "")
        if decision == "refuse":
            with ground.database.write() as connection:
                two_person.refuse(connection, ground.clock, asked, by=by, reason=request.form.get("reason", ""))
        elif decision == "agree":
            with ground.database.write() as connection:
                is_second = two_person.agree(connection, ground.clock, asked, by=by)
                if is_second:
                    first = two_person.load(connection, asked.id)  # as it stands now, not as the page had it
                    check_independent(connection, first.first_by if first and first.first_by else "", by)
            return perform(self.services, asked, by=by) if is_second else ""
        elif decision == "do" and asked.is_agreed(ground.clock.now()):
            return perform(self.services, asked, by=by)
        return ""

    def approval_page(self, asked: Asked, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        staff, now = current_staff(self.services), self.services.ground.clock.now()
        is_administrator = staff.holds(Role.ADMINISTRATOR)
        return page(
            "admin/custody_approval.html",
            status,
            navigation=navigation(self.services, KEYS),
            approval=asked,
            is_open=asked.is_open(now),
            is_agreed=asked.is_agreed(now),
            is_done_here=asked.act in PERFORMED,
            is_of_key=asked.act in OF_KEYS,
            names={who: self.name_of(who) for who in (asked.asked_by, asked.first_by, asked.second_by) if who},
            closed_by=self.name_of(asked.closed_by) if asked.closed_by else "",
            may_agree=is_administrator and asked.may_agree(staff.account_id, now),
            may_refuse=is_administrator and asked.is_open(now),
            is_own=staff.account_id in (asked.asked_by, asked.first_by),
            acts=ACTS,
            warnings=ACT_WARNINGS,
            outcomes=OUTCOMES,
            reason=request.form.get("reason", ""),
            errors=errors,
        )

    def load(self, approval_id: str) -> Asked:
        with self.services.ground.database.read() as connection:
            asked = two_person.load(connection, approval_id)
        if asked is None:
            raise NotFound("There is no such approval.")
        return asked

    def name_of(self, account_id: str) -> str:
        if account_id == COMMAND:
            return gettext("The command line")
        return display_name(self.services.accounts.attributes(account_id)) or account_id
