"""Trying a service with a test citizen. What it would receive is shown to whoever signed in for it."""

from __future__ import annotations

import json

from flask import redirect, request
from flask.typing import ResponseReturnValue

from core.errors import NotFound
from core.web import ANYONE, callers, page
from idp.admin.access import current_staff, load_own_client
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.summary import client_name
from idp.admin.trial import Trial
from idp.models.client import RegisteredClient
from idp.models.membership import Role

SANDBOX_ONLY = "Services are tried in the sandbox. This is not the sandbox."


class TrialPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services
        self.trial = Trial(services)

    @callers(Role.DEVELOPER.value)
    def trial_page(self, client_id: str) -> ResponseReturnValue:
        """Who there is to sign in as, and what happens."""
        client = self.own(client_id)
        sandbox = self.services.interaction.sandbox
        return page(
            "admin/trial.html",
            navigation=navigation(self.services, "/console"),
            name=client_name(client.metadata),
            path=f"/console/clients/{client_id}",
            people=list(sandbox.users()) if sandbox else [],
        )

    @callers(Role.DEVELOPER.value)
    def begin_trial(self, client_id: str) -> ResponseReturnValue:
        return redirect(self.trial.begin(self.own(client_id)), 303)

    @callers(ANYONE)
    def finish_trial(self, client_id: str) -> ResponseReturnValue:
        """By now the browser is signed in as the test citizen, so no developer's role is asked for here."""
        outcome = self.trial.finish(client_id, request.args)
        return page(
            "admin/trial_outcome.html",
            outcome=outcome,
            path=f"/console/clients/{client_id}",
            id_token=json.dumps(outcome.id_token, ensure_ascii=False, indent=2),
            userinfo=json.dumps(outcome.userinfo, ensure_ascii=False, indent=2),
        )

    def own(self, client_id: str) -> RegisteredClient:
        if not self.services.ground.settings.sandbox:
            raise NotFound(SANDBOX_ONLY)
        staff = current_staff(self.services)
        with self.services.ground.database.read() as connection:
            return load_own_client(connection, staff, client_id)
