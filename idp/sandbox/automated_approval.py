"""A CIBA request decided by a script, as certification's `automated_ciba_approval_url`: the person whom it names signs
in by the sandbox's software authenticator, and presses one of the two buttons. Every rule of the interaction holds.
"""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from flask.typing import ResponseReturnValue

from core.errors import NotFound, PersonError
from core.web import ANYONE, callers, machine
from idp.interaction import approval, views
from idp.interaction.approval_views import begin_interaction
from idp.interaction.services import InteractionServices
from idp.interaction.visit import Visit, load_visit
from idp.models.decoupled_request import load_by_code
from idp.oidc.ciba import GRANT_TYPE

ACTIONS = {"allow": approval.approve, "deny": approval.deny}
MOST_STEPS = 5


def blueprint(services: InteractionServices) -> Blueprint:
    """Registered only where PRAJAK_SANDBOX=1: elsewhere this address does not exist."""
    pages = Blueprint("sandbox_ciba", __name__, url_prefix="/sandbox")

    @pages.post("/ciba")
    @callers(ANYONE)
    @machine
    def decide() -> ResponseReturnValue:
        """As the suite is told: …/sandbox/ciba?auth_req_id={auth_req_id}&action={action}"""
        action = request.args.get("action", "")
        decide_automatically(services, request.args.get("auth_req_id", ""), action)
        return jsonify(decided=action)

    return pages


def decide_automatically(services: InteractionServices, auth_req_id: str, action: str) -> None:
    """Raises NotFound for what is not open, PersonError for what a script cannot answer."""
    decide = ACTIONS.get(action)
    with services.ground.database.read() as connection:
        asked = load_by_code(connection, auth_req_id[:100])
    if asked is None or asked.grant_type != GRANT_TYPE or not asked.is_open(services.ground.clock.now()):
        raise NotFound("This request was answered already, or its time is over. There is nothing left to do.")
    if decide is None or services.sandbox is None:
        raise PersonError("The request could not be understood.")
    interaction_id, name = begin_interaction(services, asked, {}), services.sandbox.name_of(asked.account_id)
    for _ in range(MOST_STEPS):
        visit = load_visit(services, interaction_id)
        if visit.asked is not None and visit.asked.prompt == "approve":
            return decide(visit)
        take_step(visit, name)
    raise PersonError("The request could not be understood.")


def take_step(visit: Visit, name: str) -> None:
    """What the policy asks before: a sign-in, a stronger passkey, or to go on at the level that there is."""
    if visit.asked is not None and visit.asked.prompt == "raise_identity":
        visit.note(level_accepted=True)
    else:
        views.sandbox_step(visit, {"user": name})
