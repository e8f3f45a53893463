"""Four eyes: whose hands were in a case does not decide it. A rule of the case, not a courtesy of the page."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, select

from core.errors import NotAllowed
from enrollment.models import Check, Evidence
from enrollment.proofing import Case

ABOUT_ONESELF = "This case is about you. Another officer must take it."
OPENED_OR_CAPTURED = "You opened this case or inspected the card, so another officer must decide it."


@dataclass(frozen=True)
class Officer:
    """A proofing officer: `offices` are where the role is held, each `agency/unit`."""

    account_id: str
    offices: tuple[str, ...]


def check_independent(connection: Connection, officer: Officer, case: Case) -> None:
    """Raises NotAllowed for the citizen, for who opened the case, and for who captured or checked anything in it."""
    if officer.account_id == case.account_id:
        raise NotAllowed(ABOUT_ONESELF)
    if officer.account_id in {case.opened_by, *captors(connection, case.id)}:
        raise NotAllowed(OPENED_OR_CAPTURED)


def captors(connection: Connection, case_id: str) -> set[str]:
    """Everybody whose hands were in the evidence: who captured it, and who made a check of it."""
    mine = select(Evidence.id).where(Evidence.case_id == case_id)
    captured = connection.execute(select(Evidence.captured_by).where(Evidence.case_id == case_id)).scalars()
    second = Check.method == "second_officer_approved"
    checked = connection.execute(select(Check.actor).where(Check.evidence_id.in_(mine), ~second)).scalars()
    return {*captured, *checked}
