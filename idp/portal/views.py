"""The pages of `/me`. Looking takes a session; changing how one signs in takes a fresh passkey."""

from __future__ import annotations

import re

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue

from core.errors import NotFound
from core.web import callers, page
from enrollment import recovery
from idp.interaction.claim_words import shown_birthdate
from idp.interaction.guards import SIGNED_IN
from idp.portal import consents, directory
from idp.portal.activity import activity
from idp.portal.device_views import add_devices
from idp.portal.recovery_code_views import add_recovery_codes
from idp.portal.requests import waiting_requests
from idp.portal.services import PortalServices

NUMBER = re.compile(r"[0-9]{1,17}")  # ASCII digits: int() and isdigit() take Thai ones too


def blueprint(services: PortalServices) -> Blueprint:
    pages = Blueprint("portal", __name__, template_folder="templates", url_prefix="/me")
    pages.add_app_template_filter(shown_birthdate, "birthdate")
    add_overview(pages, services)
    add_services(pages, services)
    add_devices(pages, services)
    add_recovery_codes(pages, services)
    return pages


def add_overview(pages: Blueprint, services: PortalServices) -> None:
    @pages.get("")
    @callers(SIGNED_IN)
    def overview() -> ResponseReturnValue:
        return page(
            "portal/overview.html",
            person=services.accounts.attributes(services.account_id),
            ial=services.session().ial.value,
            requests=waiting_requests(services.ground, services.account_id),
            services_known=consents.services_of(services.ground, services.account_id),
            passkeys=services.accounts.passkeys(services.account_id),
            codes_left=recovery.codes_left(services.ground, services.account_id),
        )

    @pages.get("/profile")
    @callers(SIGNED_IN)
    def profile() -> ResponseReturnValue:
        return page(
            "portal/profile.html",
            person=services.accounts.attributes(services.account_id),
            identity=services.accounts.identity(services.account_id),
            ial=services.session().ial.value,
        )

    @pages.get("/activity")
    @callers(SIGNED_IN)
    def own_activity() -> ResponseReturnValue:
        before = request.args.get("before", "")
        number = int(before) if NUMBER.fullmatch(before) else None
        return page("portal/activity.html", **vars(activity(services.ground, services.account_id, before=number)))


def add_services(pages: Blueprint, services: PortalServices) -> None:
    @pages.get("/services")
    @callers(SIGNED_IN)
    def known_services() -> ResponseReturnValue:
        found = consents.services_of(services.ground, services.account_id)
        others = directory.services_to_begin(services.ground, known={each.client_id for each in found})
        return page("portal/services.html", services_known=found, others=others, withdrawn="withdrawn" in request.args)

    @pages.post("/services/<grant_id>/withdraw")
    @callers(SIGNED_IN)
    def withdraw(grant_id: str) -> ResponseReturnValue:
        try:
            consents.withdraw(services.ground, services.account_id, grant_id)
        except NotFound:  # a double click: it is withdrawn, which is what was wanted
            return redirect("/me/services", 303)
        return redirect("/me/services?withdrawn", 303)
