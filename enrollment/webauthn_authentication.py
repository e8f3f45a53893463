"""Signing in with a passkey: WebAuthn Level 3 section 7.2, with what only storage can know.

1. the challenge was issued to this browser, is fresh, and is spent once
2. the credential is known and living, its account is active, and the user handle is that account's (step 6)
3. the assertion verifies, user verified (core/webauthn)
4. the signature counter moved on, by a conditional write (step 22: a copied key)
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from dataclasses import dataclass
from datetime import timedelta
from secrets import token_bytes

from sqlalchemy import Connection, RowMapping, select, update

from core import audit, webauthn
from core.assurance import AAL, AMR
from core.errors import PersonError
from core.ground import Ground
from core.one_time import spend
from enrollment.models import Account, Passkey
from enrollment.models.account import AccountStatus

AUTHENTICATION = "passkey-authentication"
CHALLENGE_LIFETIME = timedelta(minutes=10)  # the ceremony itself has five; a page may stand a while before it
BASE64URL = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
MAX_CHALLENGE = 200  # characters; ours have 43
NOT_SIGNED_IN = "The passkey was not accepted. Please try again, or use another passkey."


@dataclass(frozen=True)
class AuthenticatedPasskey:
    """Who just used which passkey. `assertion` is id, clientDataJSON, authenticatorData and signature, base64url:
    another verifier (the signing module) can check it again.
    """

    account_id: str
    credential_id: str
    aal: AAL
    amr: tuple[str, ...]
    assertion: dict[str, str]


def begin_authentication(
    ground: Ground, *, bound_to: str, challenge: bytes | None = None, account_id: str | None = None
) -> str:
    """Options (JSON) for `navigator.credentials.get`. `bound_to` names the browser's interaction or session.

    `challenge` is given where it means something (a signing request); `account_id` where the person is known,
    and then only that account's passkeys are offered.
    """
    challenge = challenge or token_bytes(32)
    issue_challenge(ground, AUTHENTICATION, challenge, bound_to=bound_to)
    allow = [decode(each) for each in credential_ids(ground, account_id)] if account_id else []
    return webauthn.authentication_options(rp_id=ground.settings.rp_id, challenge=challenge, allow=allow)


def credential_ids(ground: Ground, account_id: str) -> list[str]:
    with ground.database.read() as connection:
        query = select(Passkey.credential_id).where(Passkey.account_id == account_id, Passkey.revoked_at.is_(None))
        return list(connection.execute(query).scalars())


def authentication_challenge(ground: Ground, credential_json: str, *, bound_to: str) -> bytes:
    """The challenge this answer is to, if it was issued to this browser: so that every open tab has its own."""
    try:
        return issued_challenge(ground, AUTHENTICATION, credential_json, bound_to=bound_to)
    except webauthn.WebAuthnRefused as error:
        raise PersonError(NOT_SIGNED_IN) from error


def finish_authentication(
    ground: Ground, credential_json: str, *, expected_challenge: bytes, account_id: str | None = None
) -> AuthenticatedPasskey:
    """Steps 1 to 4; raises PersonError, the same for every reason. `account_id`: only this person will do."""
    row: RowMapping | None = None
    try:
        row = load_passkey(ground, webauthn.encode(webauthn.unverified_credential_id(credential_json)))
        check_owner(row, credential_json, account_id)
        verified = webauthn.verify_authentication(
            credential_json,
            expected_challenge=expected_challenge,
            expected_origin=origin_of(ground),
            expected_rp_id=ground.settings.rp_id,
            public_key=row["public_key"],
            sign_count=row["sign_count"],
        )
        with ground.database.write() as connection:
            record_use(connection, ground, row, verified, expected_challenge)
    except webauthn.WebAuthnRefused as error:
        record_refusal(ground, row, error)
        raise PersonError(NOT_SIGNED_IN) from error
    trusted, eligible = row["attestation_trusted"], row["backup_eligible"]
    return AuthenticatedPasskey(
        account_id=row["account_id"],
        credential_id=row["credential_id"],
        aal=AAL(row["aal"]),
        amr=amr_of(backup_eligible=eligible, attestation_trusted=trusted),
        assertion=assertion_of(credential_json),
    )


def origin_of(ground: Ground) -> str:
    """The issuer's origin: the only place where our passkeys are used."""
    scheme, _, rest = ground.settings.issuer.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}"


def load_passkey(ground: Ground, credential_id: str) -> RowMapping:
    """Step 2: known, not removed, and of an active account."""
    query = select(Passkey.__table__).join(Account, Account.id == Passkey.account_id)
    where = (
        Passkey.credential_id == credential_id,
        Passkey.revoked_at.is_(None),
        Account.status == AccountStatus.ACTIVE,
    )
    with ground.database.read() as connection:
        row = connection.execute(query.where(*where)).mappings().first()
    if row is None:
        raise webauthn.WebAuthnRefused("no such passkey")
    return row


def check_owner(row: RowMapping, credential_json: str, account_id: str | None) -> None:
    """Section 7.2 step 6: the user handle, where there is one, is the owner's; and the owner is who was expected."""
    handle = webauthn.parse_credential(credential_json)["response"].get("userHandle")
    if handle and handle != webauthn.encode(row["account_id"].encode()):
        raise webauthn.WebAuthnRefused("the user handle is another account's")
    if account_id is not None and row["account_id"] != account_id:
        raise webauthn.WebAuthnRefused("the passkey is another account's")


def record_use(
    connection: Connection,
    ground: Ground,
    row: RowMapping,
    verified: webauthn.VerifiedAuthentication,
    challenge: bytes,
) -> None:
    """Spends the challenge and moves the counter, both or neither: of two parallel answers one wins."""
    now, count = ground.clock.now(), verified.sign_count
    if not spend(connection, AUTHENTICATION, webauthn.encode(challenge), expires_at=now + timedelta(days=1)):
        raise webauthn.WebAuthnRefused("the challenge was used before")
    moved_on = Passkey.sign_count < count if count else Passkey.sign_count == 0  # zero: it does not count
    values = {"sign_count": count, "backed_up": verified.backed_up, "last_used_at": now}
    where = (Passkey.credential_id == row["credential_id"], Passkey.revoked_at.is_(None), moved_on)
    if connection.execute(update(Passkey).where(*where).values(**values)).rowcount != 1:
        raise webauthn.WebAuthnRefused("the signature counter did not move on")


def record_refusal(ground: Ground, row: RowMapping | None, error: Exception) -> None:
    """In its own transaction, before the refusal: a rolled-back sign-in must not take its trace along."""
    subject = row["account_id"] if row is not None else ""
    with ground.database.write() as connection:
        audit.record(
            connection, ground.clock, event="passkey.refused", actor="unknown", subject=subject, reason=str(error)
        )


def amr_of(*, backup_eligible: bool, attestation_trusted: bool) -> tuple[str, ...]:
    """RFC 8176. Hardware is said only where an attestation shows it; the user was always verified, so `mfa`."""
    if attestation_trusted and not backup_eligible:
        return (AMR.HARDWARE_KEY.value, AMR.USER_PRESENCE.value, AMR.MULTI_FACTOR.value)
    kind = AMR.SOFTWARE_KEY if backup_eligible else AMR.PROOF_OF_POSSESSION
    return (kind.value, AMR.USER_PRESENCE.value, AMR.MULTI_FACTOR.value)


def assertion_of(credential_json: str) -> dict[str, str]:
    credential = webauthn.parse_credential(credential_json)
    response = credential["response"]
    names = ("clientDataJSON", "authenticatorData", "signature")
    return {"id": str(credential["id"])} | {name: str(response[name]) for name in names}


def issue_challenge(ground: Ground, kind: str, challenge: bytes, *, bound_to: str) -> None:
    ground.ephemeral.put(kind, webauthn.encode(challenge), bound_to.encode(), CHALLENGE_LIFETIME)


def issued_challenge(ground: Ground, kind: str, credential_json: str, *, bound_to: str) -> bytes:
    """The challenge in the answer's client data, if we issued it to `bound_to` and it is fresh. Spending it is the
    transaction's part: looking it up does not use it up.
    """
    challenge = unverified_challenge(credential_json)
    if ground.ephemeral.get(kind, challenge) != bound_to.encode():
        raise webauthn.WebAuthnRefused("the challenge was not issued here, or has expired")
    return decode(challenge)


def unverified_challenge(credential_json: str) -> str:
    """What the browser says it answers; canonical base64url, or the challenge could be spent under two spellings."""
    try:
        client_data = webauthn.parse_credential(credential_json)["response"]["clientDataJSON"]
        challenge = json.loads(decode(client_data))["challenge"]
        if webauthn.encode(decode(challenge)) == challenge and len(challenge) <= MAX_CHALLENGE:
            return str(challenge)
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise webauthn.WebAuthnRefused("the response names no challenge") from error
    raise webauthn.WebAuthnRefused("the response names no challenge")


def decode(text: str) -> bytes:
    """Base64url without padding; ValueError on anything else."""
    if not text.isascii() or not set(text) <= BASE64URL:
        raise ValueError("not base64url")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
