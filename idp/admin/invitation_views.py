"""An invitation's page: make a passkey, or take the office with the account you are signed in with."""

from __future__ import annotations

from typing import Any

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import i18n
from core.errors import PersonError
from core.web import ANYONE, callers, page
from enrollment import webauthn_registration
from enrollment.account import PersonAttributes
from idp.admin.invitation import OpenInvitation, accept_with_account, accept_with_new_account, load_open
from idp.admin.services import ConsoleServices
from idp.admin.words import ROLES
from idp.interaction import signed_in
from idp.models.agency import load_agency_names
from idp.models.membership import Role

NAMES = ("given_name_th", "family_name_th", "given_name", "family_name")
LONGEST_NAME = 80
FIRST_PAGES = {Role.PROOFING_OFFICER: "/officer", Role.SIGNING_OFFICER: "/sign"}


class InvitationPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services

    @callers(ANYONE)
    def invitation(self, token: str) -> ResponseReturnValue:
        return self.invitation_page(self.load(token), {}, {})

    @callers(ANYONE)
    def accept(self, token: str) -> ResponseReturnValue:
        invitation = self.load(token)
        typed = {name: " ".join(request.form.get(name, "").split()) for name in NAMES}
        try:
            self.take_office(invitation, typed)
        except PersonError as error:
            text = gettext(error.message, **error.values)
            return self.invitation_page(invitation, typed, {error.field or "": text}, error.status)
        return redirect(FIRST_PAGES.get(invitation.role, "/console"), 303)

    def take_office(self, invitation: OpenInvitation, typed: dict[str, str]) -> None:
        services = self.services
        session = signed_in.current(services.interaction)
        if session is not None and request.form.get("account") == "mine":
            accept_with_account(services.ground, invitation, account_id=session.account_id)
            return
        names: dict[str, Any] = check_names(typed)
        attributes = PersonAttributes(email=invitation.email, **names)
        passkey = accept_with_new_account(
            services.ground, services.accounts, invitation, attributes, request.form.get("credential", "")
        )
        signed_in.sign_in(services.interaction, passkey)

    def load(self, token: str) -> OpenInvitation:
        return load_open(self.services.ground, self.services.envelope, token)

    def invitation_page(
        self, invitation: OpenInvitation, typed: dict[str, str], errors: dict[str, str], status: int = 200
    ) -> ResponseReturnValue:
        with self.services.ground.database.read() as connection:
            thai, english = load_agency_names(connection, [invitation.agency_id])[invitation.agency_id]
        return page(
            "admin/invitation.html",
            status,
            invitation=invitation,
            role=ROLES[invitation.role],
            agency=thai if i18n.language() == "th" else english,
            options=webauthn_registration.begin_registration(
                self.services.ground,
                invitation.account_id,
                bound_to=invitation.bound_to,
                user_name=invitation.email,
                display_name=invitation.email,
            ),
            session=signed_in.current(self.services.interaction),
            typed=typed,
            errors=errors,
        )


def check_names(typed: dict[str, str]) -> dict[str, str]:
    """Both forms of the name: pages are read in both languages. Raises PersonError naming the field."""
    for field, text in typed.items():
        if not 1 <= len(text) <= LONGEST_NAME or not text.isprintable():
            raise PersonError("Fill this in, with at most %(limit)s characters.", field=field, limit=LONGEST_NAME)
    return typed
