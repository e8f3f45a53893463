"""Roles, states and profiles in a person's words."""

from __future__ import annotations

from flask_babel import lazy_gettext

from idp.admin.approval import Decision
from idp.models.client import ClientStatus
from idp.models.membership import Role
from idp.models.profile import ProfileName
from idp.oidc.claims import CITIZEN_NUMBER, VERIFIED_CLAIMS
from keys.key_states import State
from keys.two_person import Act, Outcome

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
KEY_STATES = {
    State.PRE_ACTIVATION: (lazy_gettext("Announced"), "info"),
    State.ACTIVE: (lazy_gettext("In use"), "success"),
    State.SUSPENDED: (lazy_gettext("Suspended"), "warning"),
    State.DEACTIVATED: (lazy_gettext("Out of use"), "neutral"),
    State.COMPROMISED: (lazy_gettext("Compromised"), "error"),
    State.DESTROYED: (lazy_gettext("Destroyed"), "neutral"),
}
ACTS = {
    Act.DESTROY_KEY: lazy_gettext("Destroy a key"),
    Act.COMPROMISE_KEY: lazy_gettext("Declare compromised a key that nothing can replace"),
    Act.RETIRE_KEY: lazy_gettext("Retire an authority's key"),
    Act.ERASE_PERSON: lazy_gettext("Erase a person"),
    Act.IMPORT_AUTHORITY: lazy_gettext("Bring in a certificate authority"),
}
# What whoever agrees must know.
ACT_WARNINGS = {
    Act.DESTROY_KEY: lazy_gettext(
        "Custody loses the key for good, and backups of it must be destroyed too. What is sealed under it never opens "
        "again; what it signed is still verified with its public key."
    ),
    Act.COMPROMISE_KEY: lazy_gettext(
        "The key is out of use everywhere within five seconds, and nothing that it made is believed any more. "
        "Certificates of this key are revoked."
    ),
    Act.RETIRE_KEY: lazy_gettext("The authority certifies nothing any more. What it has certified stays valid."),
    Act.ERASE_PERSON: lazy_gettext("What is known of the person becomes unreadable at once. Nobody can bring it back."),
    Act.IMPORT_AUTHORITY: lazy_gettext(
        "From then on certificates are issued by this authority. Compare its fingerprint with the ceremony's minutes."
    ),
}
OUTCOMES = {
    Outcome.DONE: (lazy_gettext("Done"), "success"),
    Outcome.REFUSED: (lazy_gettext("Refused"), "error"),
    Outcome.WITHDRAWN: (lazy_gettext("Taken back"), "neutral"),
    Outcome.EXPIRED: (lazy_gettext("Its time is over"), "neutral"),
}
