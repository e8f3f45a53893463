"""Signing in: by a passkey that the device offers by itself, by a recovery code, or in the sandbox by a name."""

from __future__ import annotations

from core.errors import PersonError
from enrollment import webauthn_authentication as passkeys
from enrollment.webauthn_authentication import AuthenticatedPasskey
from idp.interaction import signed_in
from idp.interaction.visit import Visit

NOBODY = "There is no such person in the sandbox."


def options(visit: Visit) -> str:
    """No account is named: the passkey itself says who it belongs to (WebAuthn section 6.2.2)."""
    return passkeys.begin_authentication(visit.services.ground, bound_to=visit.bound_to)


def verified(visit: Visit, credential_json: str, *, account_id: str | None = None) -> AuthenticatedPasskey:
    """The ceremony's answer, checked against the challenge that this page was given."""
    ground = visit.services.ground
    challenge = passkeys.authentication_challenge(ground, credential_json, bound_to=visit.bound_to)
    return passkeys.finish_authentication(ground, credential_json, expected_challenge=challenge, account_id=account_id)


def sign_in_with_passkey(visit: Visit, credential_json: str) -> None:
    signed_in.sign_in(visit.services, verified(visit, credential_json))


def sandbox_credential(visit: Visit, name: str, options_json: str) -> str:
    """The sandbox's software authenticator answers the same options that a device would be given."""
    if visit.services.sandbox is None:
        raise PersonError(NOBODY)
    return visit.services.sandbox.answer(name, options_json)


def context(visit: Visit) -> dict[str, object]:
    return {
        "options_json": options(visit),
        "enroll": f"/enroll?return_to={visit.path}",
        "recover": f"/enroll/recover?return_to={visit.path}",
    }
