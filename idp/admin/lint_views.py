"""How a service stands against the strict profile, and what its developer can mend."""

from __future__ import annotations

from flask.typing import ResponseReturnValue
from flask_babel import gettext, lazy_gettext

from core.web import callers, page
from idp.admin.access import current_staff, load_own_client
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.admin.summary import client_name
from idp.admin.words import PROFILES
from idp.models.membership import Role
from idp.models.profile import ProfileName
from idp.registration.linter import Finding, Grade, lint

# What the tag says, and its kind.
GRADES = {
    Grade.A: (lazy_gettext("A: nothing to mend"), "success"),
    Grade.B: (lazy_gettext("B: the strict profile holds, with advice"), "success"),
    Grade.C: (lazy_gettext("C: one or two rules do not hold"), "warning"),
    Grade.D: (lazy_gettext("D: several rules do not hold"), "error"),
}
LEVELS = {"MUST": lazy_gettext("Must be mended"), "SHOULD": lazy_gettext("Advice")}


class LintPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services

    @callers(Role.DEVELOPER.value)
    def check(self, client_id: str) -> ResponseReturnValue:
        staff = current_staff(self.services)
        with self.services.ground.database.read() as connection:
            client = load_own_client(connection, staff, client_id)
        report = lint(client)
        return page(
            "admin/client_lint.html",
            navigation=navigation(self.services, "/console"),
            name=client_name(client.metadata),
            path=f"/console/clients/{client_id}",
            profile=PROFILES[ProfileName(client.metadata["prajak_profile"])],
            grade=GRADES[report.grade],
            rows=[row(finding) for finding in report.findings],
        )


def row(finding: Finding) -> list[str]:
    """Level, field, what to mend, section."""
    message = gettext(finding.message, **finding.values)
    return [str(LEVELS[finding.level]), finding.field, message, finding.section]
