"""The console's menu: only what this person may open."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from idp.admin.access import AGENCY_STAFF, KEY_STAFF, WORDS, current_staff
from idp.admin.services import ConsoleServices
from idp.models.membership import Role


@dataclass(frozen=True)
class Navigation:
    """`items` are (text, href) pairs; `current` is the href that is open."""

    items: list[tuple[str, str]]
    current: str


def navigation(services: ConsoleServices, current: str) -> Navigation:
    staff = current_staff(services)
    places = (
        (gettext("Services"), "/console", WORDS[AGENCY_STAFF]),
        (gettext("Approvals"), "/console/approvals", (Role.AGENCY_APPROVER, Role.ADMINISTRATOR, Role.DEVELOPER)),
        (gettext("Records for other agencies"), "/console/catalogue", (Role.AGENCY_APPROVER,)),
        (gettext("People and agencies"), "/console/people", (Role.ADMINISTRATOR,)),
        (gettext("Keys"), "/console/keys", WORDS[KEY_STAFF]),
        (gettext("Audit trail"), "/console/audit", (Role.AUDITOR,)),
    )
    return Navigation([(text, href) for text, href, roles in places if staff.holds(*roles)], current)
