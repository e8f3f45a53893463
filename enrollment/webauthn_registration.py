"""Registering a passkey: WebAuthn Level 3 section 7.1, with what only storage can know.

1. the challenge was issued to this browser for this account, is fresh, and is spent once (step 8, replay)
2. the ceremony verifies, user verified (core/webauthn)
3. the credential id was never bound before, to anybody (step 27)
4. AAL3 is for keys that cannot leave: user verified, not backup-eligible, attestation trusted from our roots
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_bytes

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from core import audit, webauthn
from core.assurance import AAL
from core.errors import PersonError
from core.ground import Ground
from core.one_time import spend
from core.settings import SettingsError
from enrollment.models import Passkey
from enrollment.webauthn_authentication import (
    CHALLENGE_LIFETIME,
    AuthenticatedPasskey,
    amr_of,
    decode,
    issue_challenge,
    issued_challenge,
)
from enrollment.webauthn_authentication import origin_of as origin_of  # noqa: PLC0414 - one origin for both ceremonies

REGISTRATION = "passkey-registration"
NOT_REGISTERED = "The passkey was not created. Nothing was lost; please try again."
TAKEN = "This passkey is already in use. Please create another one."
RP_NAME = "Prajak"


@dataclass(frozen=True)
class RegisteredPasskey:
    """A verified credential, not stored yet."""

    account_id: str
    challenge: bytes
    registration: webauthn.VerifiedRegistration

    @property
    def aal(self) -> AAL:
        return aal_of(self.registration)

    @property
    def credential_id(self) -> str:
        return webauthn.encode(self.registration.credential_id)


def begin_registration(
    ground: Ground, account_id: str, *, bound_to: str, user_name: str, display_name: str, attestation: bool = False
) -> str:
    """Options (JSON) for `navigator.credentials.create`. `bound_to` names the browser's case, interaction or session.

    Attestation is asked for only where an officer registers the authenticator that is to reach AAL3.
    """
    challenge = token_bytes(32)
    issue_challenge(ground, REGISTRATION, challenge, bound_to=f"{bound_to}:{account_id}")
    with ground.database.read() as connection:
        query = select(Passkey.credential_id).where(Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        exclude = [decode(each) for each in connection.execute(query).scalars()]
    return webauthn.registration_options(
        rp_id=ground.settings.rp_id,
        rp_name=RP_NAME,
        user_id=account_id.encode(),
        user_name=user_name,
        user_display_name=display_name,
        challenge=challenge,
        exclude=exclude,
        attestation=attestation,
    )


def verify_registration(ground: Ground, account_id: str, credential_json: str, *, bound_to: str) -> RegisteredPasskey:
    """Steps 1 and 2; raises PersonError. Nothing is stored, so that `bind` can join the caller's transaction."""
    try:
        challenge = issued_challenge(ground, REGISTRATION, credential_json, bound_to=f"{bound_to}:{account_id}")
        verified = webauthn.verify_registration(
            credential_json,
            expected_challenge=challenge,
            expected_origin=origin_of(ground),
            expected_rp_id=ground.settings.rp_id,
            attestation_roots=attestation_roots(ground.settings.attestation_roots),
            at=ground.clock.now(),
        )
    except webauthn.WebAuthnRefused as error:
        raise PersonError(NOT_REGISTERED) from error
    return RegisteredPasskey(account_id, challenge, verified)


def bind(connection: Connection, ground: Ground, passkey: RegisteredPasskey, *, name: str, actor: str) -> None:
    """Steps 3 and 4, in the caller's transaction: the challenge is spent if, and only if, the passkey is bound."""
    now, registration = ground.clock.now(), passkey.registration
    if not spend(connection, REGISTRATION, webauthn.encode(passkey.challenge), expires_at=now + CHALLENGE_LIFETIME):
        raise PersonError(NOT_REGISTERED)
    row = {
        "credential_id": passkey.credential_id,
        "account_id": passkey.account_id,
        "public_key": registration.public_key,
        "sign_count": registration.sign_count,
        "aaguid": registration.aaguid,
        "backup_eligible": registration.backup_eligible,
        "backed_up": registration.backed_up,
        "attestation_trusted": registration.attestation_trusted,
        "aal": int(passkey.aal),
        "transports": json.dumps(list(registration.transports))[:200],
        "name": name[:80],
        "created_at": now,
    }
    try:
        connection.execute(insert(Passkey), row)
    except IntegrityError as error:
        raise PersonError(TAKEN) from error
    detail: dict[str, str | int | bool] = {
        "credential_id": passkey.credential_id[:80],
        "aal": int(passkey.aal),
        "aaguid": registration.aaguid,
    }
    audit.record(
        connection, ground.clock, event="passkey.bound", actor=actor, subject=passkey.account_id, detail=detail
    )


def finish_registration(
    ground: Ground, account_id: str, credential_json: str, *, bound_to: str, name: str
) -> AuthenticatedPasskey:
    """Verifies and binds in one transaction of its own, for an account that exists and is signed in."""
    passkey = verify_registration(ground, account_id, credential_json, bound_to=bound_to)
    with ground.database.write() as connection:
        bind(connection, ground, passkey, name=name, actor=account_id)
    return authenticated(passkey)


def authenticated(passkey: RegisteredPasskey) -> AuthenticatedPasskey:
    """A ceremony with user verification just took place: it signs in as an assertion would, but asserts nothing."""
    registration = passkey.registration
    return AuthenticatedPasskey(
        account_id=passkey.account_id,
        credential_id=passkey.credential_id,
        aal=passkey.aal,
        amr=amr_of(backup_eligible=registration.backup_eligible, attestation_trusted=registration.attestation_trusted),
        assertion={},
    )


def aal_of(registration: webauthn.VerifiedRegistration) -> AAL:
    """SP 800-63B: AAL3 wants a key that cannot be exported, shown by an attestation that we trust. The user was
    verified, or the registration would not have been.
    """
    return AAL.AAL3 if registration.attestation_trusted and not registration.backup_eligible else AAL.AAL2


def attestation_roots(path: Path | None) -> tuple[bytes, ...]:
    """The PEM certificates in a file or a folder; none when the setting is empty, and then nothing is AAL3."""
    if path is None:
        return ()
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    return tuple(pem for file in files for pem in read_roots(file, file.stat().st_mtime_ns))


@lru_cache(maxsize=64)
def read_roots(file: Path, _changed: int) -> tuple[bytes, ...]:
    try:
        return tuple(each.public_bytes(Encoding.PEM) for each in x509.load_pem_x509_certificates(file.read_bytes()))
    except ValueError as error:
        raise SettingsError(f"PRAJAK_ATTESTATION_ROOTS: {file} holds no PEM certificates") from error
