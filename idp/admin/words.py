"""Roles, states and profiles in a person's words."""

from __future__ import annotations

from flask_babel import lazy_gettext

from idp.admin.approval import Decision
from idp.models.client import ClientStatus
from idp.models.membership import Role
from idp.models.profile import ProfileName
from idp.oidc.claims import CITIZEN_NUMBER, VERIFIED_CLAIMS

ROLES = {
    Role.DEVELOPER: lazy_gettext("Developer"),
    Role.AGENCY_APPROVER: lazy_gettext("Approver of the agency"),
    Role.PROOFING_OFFICER: lazy_gettext("Proofing officer"),
    Role.SIGNING_OFFICER: lazy_gettext("Signing officer"),
    Role.ADMINISTRATOR: lazy_gettext("Administrator"),
    Role.AUDITOR: lazy_gettext("Auditor"),
}
# What the tag says, and its kind.
STATUSES = {
    ClientStatus.DRAFT: (lazy_gettext("Draft"), "neutral"),
    ClientStatus.SANDBOX: (lazy_gettext("Sandbox only"), "info"),
    ClientStatus.LIVE: (lazy_gettext("Live"), "success"),
}
DECISIONS = {
    Decision.APPROVED: (lazy_gettext("Approved"), "success"),
    Decision.REFUSED: (lazy_gettext("Refused"), "error"),
    Decision.WITHDRAWN: (lazy_gettext("Taken back"), "neutral"),
}
WAITING = (lazy_gettext("Waiting for a decision"), "warning")
PROFILES = {
    ProfileName.OIDC_BASIC: lazy_gettext("OpenID Connect: the usual protection"),
    ProfileName.FAPI2_SECURITY: lazy_gettext("FAPI 2.0: for sensitive services; tokens are bound to your key"),
    ProfileName.FAPI2_MESSAGE_SIGNING: lazy_gettext(
        "FAPI 2.0 with signed messages: requests and answers are proof of what was asked and told"
    ),
}
# A registered claim covers every language it is known in.
CLAIMS = {
    "name": lazy_gettext("Full name"),
    "salutation": lazy_gettext("Title"),
    "given_name": lazy_gettext("Given name"),
    "family_name": lazy_gettext("Family name"),
    "birthdate": lazy_gettext("Date of birth"),
    "email": lazy_gettext("E-mail address"),
    "phone_number": lazy_gettext("Telephone number"),
    "address": lazy_gettext("Address in the house registration"),
    CITIZEN_NUMBER: lazy_gettext("Citizen number"),
    VERIFIED_CLAIMS: lazy_gettext("How the identity was proven"),
}
