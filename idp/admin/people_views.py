"""People and agencies: an administrator invites, ends an office, adds an agency."""

from __future__ import annotations

from collections.abc import Sequence

from flask import redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import i18n
from core.errors import PersonError
from core.web import callers, page
from idp.admin.access import FRESH_ADMINISTRATOR, current_staff
from idp.admin.invitation import LIFETIME, invite
from idp.admin.navigation import navigation
from idp.admin.people import add_agency, end_office, load_agencies, load_offices
from idp.admin.services import ConsoleServices
from idp.admin.words import ROLES
from idp.interaction.person import display_name
from idp.models.membership import Role

PEOPLE = "/console/people"


class PeoplePages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services

    @callers(Role.ADMINISTRATOR.value)
    def people(self) -> ResponseReturnValue:
        return self.people_page({})

    @callers(FRESH_ADMINISTRATOR)
    def change(self) -> ResponseReturnValue:
        """One address for the page and its forms, so that a refused form is shown where it stood. With a fresh passkey:
        an open session must not be enough to let somebody in.
        """
        acts = {"invite": self.invite, "end": self.end_office, "add-agency": self.add_agency}
        act = acts.get(request.form.get("act", ""))
        if act is None:
            return redirect(PEOPLE, 303)
        try:
            return redirect(act(), 303)
        except PersonError as error:
            return self.people_page({error.field or "": gettext(error.message, **error.values)}, error.status)

    def invite(self) -> str:
        """The link goes by mail to the one invited, and to nobody else."""
        services, email = self.services, typed("email")
        role, agency_id = (
            chosen(typed("role"), list(ROLES), "role"),
            chosen(typed("agency"), self.agency_ids(), "agency"),
        )
        link = invite(
            services.ground,
            services.envelope,
            email=email,
            role=Role(role),
            invited_by=current_staff(services).account_id,
            agency_id=agency_id,
        )
        body = gettext(
            "You are invited to work with Prajak. Open this link within %(hours)s hours; it works once: %(link)s",
            hours=int(LIFETIME.total_seconds() // 3600),
            link=link,
        )
        with services.ground.database.write() as connection:
            services.outbox.enqueue(
                connection, channel="email", recipient=email, subject=gettext("Your invitation"), body=body
            )
        return f"{PEOPLE}?invited=1"

    def agency_ids(self) -> list[str]:
        with self.services.ground.database.read() as connection:
            return [agency[0] for agency in load_agencies(connection)]

    def end_office(self) -> str:
        clock, by = self.services.ground.clock, current_staff(self.services).account_id
        with self.services.ground.database.write() as connection:
            end_office(connection, clock, typed("membership"), by=by)
        return PEOPLE

    def add_agency(self) -> str:
        clock, by = self.services.ground.clock, current_staff(self.services).account_id
        names = {name: typed(name) for name in ("name_th", "name_en", "sector")}
        with self.services.ground.database.write() as connection:
            add_agency(connection, clock, by=by, **names)
        return PEOPLE

    def people_page(self, errors: dict[str, str], status: int = 200) -> ResponseReturnValue:
        with self.services.ground.database.read() as connection:
            offices, agencies = load_offices(connection), load_agencies(connection)
        thai = i18n.language() == "th"
        return page(
            "admin/people.html",
            status,
            navigation=navigation(self.services, PEOPLE),
            offices=[(each, display_name(self.services.accounts.attributes(each.account_id))) for each in offices],
            agencies=agencies,
            agency_options=[("", gettext("Choose an agency"))] + [(a[0], a[1] if thai else a[2]) for a in agencies],
            role_options=[("", gettext("Choose a role")), *((role.value, label) for role, label in ROLES.items())],
            roles=ROLES,
            typed=request.form,
            errors=errors,
            invited=request.args.get("invited") == "1",
        )


def typed(name: str) -> str:
    return " ".join(request.form.get(name, "").split())


def chosen(value: str, options: Sequence[str], field: str) -> str:
    if value not in options:
        raise PersonError("Choose one.", field=field)
    return value
