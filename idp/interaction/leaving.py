"""Going back to the agency without an answer: the person's own wish, or a level that is out of reach."""

from __future__ import annotations

from flask import redirect
from flask.typing import ResponseReturnValue

from core.assurance import Acr
from idp.interaction import approval, consent
from idp.interaction.visit import Visit

UNMET = "unmet_authentication_requirements"  # OpenID Connect Core: Unmet Authentication Requirements 1.0
OUT_OF_REACH = ("raise_identity", "step_up")


def leave(visit: Visit) -> ResponseReturnValue:
    """Answered already: the stale tab leads on. Else the agency gets the error; one of our own pages, the front."""
    if visit.request is None:
        return redirect("/", 303)
    if visit.is_decoupled:
        return leave_undecided(visit)
    if visit.progress.answered_at is None and not visit.progress.refused:
        if visit.asked is not None and visit.asked.prompt in OUT_OF_REACH and is_essential(visit):
            refuse(visit, UNMET)
        else:
            consent.deny(visit, event="interaction.left")
    return redirect(visit.onward, 303)


def leave_undecided(visit: Visit) -> ResponseReturnValue:
    """Whoever did not sign in decides nothing for somebody else; whoever did, and is the one asked, refuses."""
    if visit.asked is None or visit.asked.prompt in ("login", "select_account"):
        return redirect("/", 303)
    approval.deny(visit)
    return redirect(visit.onward, 303)


def refuse(visit: Visit, error: str) -> None:
    with visit.services.ground.database.write() as connection:
        visit.services.interactions.refuse(connection, visit.progress.id, error)


def is_essential(visit: Visit) -> bool:
    return visit.services.prompting.demand(visit.request, visit.client, visit.progress).acr_essential


def level_context(visit: Visit) -> dict[str, object]:
    """What is wanted, what is had, and whether the person may go on without it."""
    demand = visit.services.prompting.demand(visit.request, visit.client, visit.progress)
    assert visit.session is not None  # noqa: S101 - login comes first
    lowest: Acr = min(demand.acr, key=lambda acr: acr.ial.rank)
    return {"wanted": lowest.ial.value, "have": visit.session.ial.value, "essential": demand.acr_essential}
