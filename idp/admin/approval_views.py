"""Approvals: what waits, what was decided; one page each, where somebody else than the asker decides."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from core.errors import NotFound, PersonError
from core.web import callers, page
from idp.admin import approval
from idp.admin.access import AGENCY_STAFF, APPROVER, Staff, current_staff
from idp.admin.approval import Asked
from idp.admin.clients import Registrar
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.summary import changed_members, claim_rows, client_name, summary_rows
from idp.admin.words import DECISIONS, WAITING
from idp.interaction.person import display_name
from idp.models.client import RegisteredClient, load_client
from idp.models.membership import Role

APPROVALS = "/console/approvals"


class ApprovalPages:
    def __init__(self, services: ConsoleServices, registrar: Registrar) -> None:
        self.services = services
        self.registrar = registrar

    @callers(AGENCY_STAFF)
    def approvals(self) -> ResponseReturnValue:
        """Those that this person may decide, and those of the agencies they develop for."""
        agencies = readable_agencies(current_staff(self.services))
        with self.services.ground.database.read() as connection:
            found = approval.load_recent(connection, agency_ids=agencies)
        rows = [(each, client_name(each.proposed), self.name_of(each.asked_by)) for each in found]
        return page(
            "admin/approvals.html",
            navigation=navigation(self.services, APPROVALS),
            approvals=rows,
            decisions=DECISIONS,
            waiting=WAITING,
        )

    @callers(AGENCY_STAFF)
    def approval(self, approval_id: str) -> ResponseReturnValue:
        return self.approval_page(approval_id, {})

    @callers(APPROVER)
    def decide(self, approval_id: str) -> ResponseReturnValue:
        """A refusal that gives no reason is shown again; whatever was decided meanwhile is said and shown."""
        try:
            self.take_decision(approval_id)
        except PersonError as error:
            text = gettext(error.message, **error.values)
            return self.approval_page(approval_id, {error.field or "": text}, error.status)
        return redirect(f"{APPROVALS}/{approval_id}", 303)

    def take_decision(self, approval_id: str) -> None:
        ground, staff = self.services.ground, current_staff(self.services)
        with ground.database.read() as connection:
            asked, _client = load_for(connection, approval_id, staff.approves_for)
        if request.form.get("decision") == "approve":
            self.registrar.approve(asked, by=staff.account_id)
            return
        with ground.database.write() as connection:
            reason = request.form.get("reason", "")
            approval.refuse(connection, ground.clock, asked, decided_by=staff.account_id, reason=reason)

    def approval_page(self, approval_id: str, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        staff = current_staff(self.services)
        with self.services.ground.database.read() as connection:
            asked, client = load_for(connection, approval_id, readable_agencies(staff))
        approves_for = staff.approves_for
        return page(
            "admin/approval.html",
            status,
            navigation=navigation(self.services, APPROVALS),
            approval=asked,
            client=client,
            name=client_name(asked.proposed),
            proposed=summary_rows(asked.proposed),
            claim_rows=claim_rows(asked.proposed),
            changed=changed_members(client.metadata, asked.proposed) if client.status == "live" else [],
            asked_by=self.name_of(asked.asked_by),
            decided_by=self.name_of(asked.decided_by) if asked.decided_by else "",
            may_decide=staff.account_id != asked.asked_by
            and (approves_for is None or client.agency_id in approves_for),
            is_asker=staff.account_id == asked.asked_by,
            decisions=DECISIONS,
            waiting=WAITING,
            reason=request.form.get("reason", ""),
            errors=errors,
        )

    def name_of(self, account_id: str) -> str:
        return display_name(self.services.accounts.attributes(account_id)) or account_id


def readable_agencies(staff: Staff) -> list[str] | None:
    """None: all of them."""
    if staff.holds(Role.ADMINISTRATOR):
        return None
    return sorted({*staff.agencies(Role.DEVELOPER), *staff.agencies(Role.AGENCY_APPROVER)})


def load_for(connection: Connection, approval_id: str, agency_ids: list[str] | None) -> tuple[Asked, RegisteredClient]:
    """Raises NotFound for another agency's: it does not exist for them."""
    asked = approval.load(connection, approval_id)
    client = load_client(connection, asked.client_id) if asked else None
    if asked is None or client is None or (agency_ids is not None and client.agency_id not in agency_ids):
        raise NotFound("There is no such approval.")
    return asked, client
