"""WebAuthn, pure verification: no storage, no HTTP. Used by enrolment, by login and by the signing module.

User verification is always required, the attestation's chain is trusted only from the roots given (an empty list
trusts none), and the caller says which challenge, origin and relying party it expects. Web Authentication Level 3,
sections 7.1 and 7.2; the library is py_webauthn, whose defaults are both weaker.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, parse_attestation_object
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AttestationFormat,
    AuthenticatorSelectionCriteria,
    CredentialDeviceType,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from core.attestation import is_trusted
from core.errors import PrajakError

ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
MAX_CREDENTIAL_JSON = 32 * 1024  # bytes; an honest response is under 6 kB
TIMEOUT = 300_000  # milliseconds, the ceiling that section 15.1 recommends with user verification
CHAINED_FORMATS = [AttestationFormat.PACKED, AttestationFormat.TPM]  # the library adds roots of its own to the others


class WebAuthnRefused(PrajakError):
    """A ceremony that did not verify; the cause is in `__cause__` for the log, not for the person."""


@dataclass(frozen=True)
class VerifiedRegistration:
    """Section 7.1 passed. `public_key` is a COSE_Key in CBOR."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    aaguid: str
    backup_eligible: bool
    backed_up: bool
    attestation_trusted: bool
    transports: tuple[str, ...]


@dataclass(frozen=True)
class VerifiedAuthentication:
    """Section 7.2 passed, user verified."""

    credential_id: bytes
    sign_count: int
    backup_eligible: bool
    backed_up: bool


def registration_options(
    *,
    rp_id: str,
    rp_name: str,
    user_id: bytes,
    user_name: str,
    user_display_name: str,
    challenge: bytes,
    exclude: Sequence[bytes] = (),
    attestation: bool = False,
) -> str:
    """PublicKeyCredentialCreationOptionsJSON: discoverable, user verification required."""
    direct, none = AttestationConveyancePreference.DIRECT, AttestationConveyancePreference.NONE
    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=rp_name,
        user_id=user_id,
        user_name=user_name,
        user_display_name=user_display_name,
        challenge=challenge,
        timeout=TIMEOUT,
        attestation=direct if attestation else none,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in exclude],
        supported_pub_key_algs=ALGORITHMS,
    )
    return options_to_json(options)


def authentication_options(*, rp_id: str, challenge: bytes, allow: Sequence[bytes] = ()) -> str:
    """PublicKeyCredentialRequestOptionsJSON; an empty `allow` lets the person choose among discoverable passkeys."""
    options = generate_authentication_options(
        rp_id=rp_id,
        challenge=challenge,
        timeout=TIMEOUT,
        allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in allow],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    return options_to_json(options)


def verify_registration(
    credential_json: str,
    *,
    expected_challenge: bytes,
    expected_origin: str,
    expected_rp_id: str,
    attestation_roots: Sequence[bytes] = (),
    at: datetime | None = None,
) -> VerifiedRegistration:
    """Section 7.1. `attestation_roots` are PEM certificates; an attestation they do not vouch for `at` this time is not
    trusted.
    """
    credential = parse_credential(credential_json)
    expected: dict[str, Any] = {
        "credential": credential,
        "expected_challenge": expected_challenge,
        "expected_origin": expected_origin,
        "expected_rp_id": expected_rp_id,
        "require_user_verification": True,
        "supported_pub_key_algs": ALGORITHMS,
    }
    try:
        verified = verify_registration_response(**expected)
    except Exception as error:
        raise WebAuthnRefused("the registration did not verify") from error
    return VerifiedRegistration(
        credential_id=verified.credential_id,
        public_key=verified.credential_public_key,
        sign_count=verified.sign_count,
        aaguid=verified.aaguid,
        backup_eligible=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
        attestation_trusted=is_attestation_trusted(credential, attestation_roots, at),
        transports=transports_of(credential),
    )


def transports_of(credential: dict[str, Any]) -> tuple[str, ...]:
    """AuthenticatorTransport values (section 5.8.4) as the browser says, unverified: a hint, and nothing else."""
    said = credential["response"].get("transports")
    known = ("usb", "nfc", "ble", "smart-card", "hybrid", "internal")
    return tuple(each for each in known if isinstance(said, list) and each in said)


def is_attestation_trusted(credential: dict[str, Any], roots: Sequence[bytes], at: datetime | None) -> bool:
    """Section 7.1 step 24: true only for an attestation whose certificates lead to one of the roots.

    The statement's signature has been verified. py_webauthn lets a chain pass when it was given no roots, and self
    attestation has no chain: both are untrusted.
    """
    if not roots or at is None:
        return False
    try:
        parsed = parse_attestation_object(base64url_to_bytes(credential["response"]["attestationObject"]))
        x5c, attested = parsed.att_stmt.x5c, parsed.auth_data.attested_credential_data
    except Exception:  # noqa: BLE001 - what cannot be read is not trusted
        return False
    if parsed.fmt not in CHAINED_FORMATS or not x5c or attested is None:
        return False
    return is_trusted(x5c, roots, fmt=AttestationFormat(parsed.fmt).value, aaguid=attested.aaguid, at=at)


def verify_authentication(
    credential_json: str,
    *,
    expected_challenge: bytes,
    expected_origin: str,
    expected_rp_id: str,
    public_key: bytes,
    sign_count: int,
) -> VerifiedAuthentication:
    """Section 7.2. `public_key` and `sign_count` are those stored for the credential the caller looked up."""
    credential = parse_credential(credential_json)
    try:
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=expected_challenge,
            expected_origin=expected_origin,
            expected_rp_id=expected_rp_id,
            credential_public_key=public_key,
            credential_current_sign_count=sign_count,
            require_user_verification=True,
        )
    except Exception as error:
        raise WebAuthnRefused("the assertion did not verify") from error
    return VerifiedAuthentication(
        credential_id=verified.credential_id,
        sign_count=verified.new_sign_count,
        backup_eligible=verified.credential_device_type == CredentialDeviceType.MULTI_DEVICE,
        backed_up=verified.credential_backed_up,
    )


def unverified_credential_id(credential_json: str) -> bytes:
    """The credential's id as the browser says, to look its public key up; raises WebAuthnRefused on nonsense."""
    try:
        return base64url_to_bytes(parse_credential(credential_json)["id"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise WebAuthnRefused("the response names no credential") from error


def parse_credential(credential_json: str) -> dict[str, Any]:
    """The browser's JSON as a dictionary, bounded; raises WebAuthnRefused."""
    if len(credential_json) > MAX_CREDENTIAL_JSON:
        raise WebAuthnRefused("the response is too long")
    try:
        parsed = json.loads(credential_json)
    except (ValueError, RecursionError) as error:
        raise WebAuthnRefused("the response is not JSON") from error
    if not isinstance(parsed, dict) or not isinstance(parsed.get("response"), dict):
        raise WebAuthnRefused("the response is not a PublicKeyCredential")
    return parsed


def encode(value: bytes) -> str:
    return bytes_to_base64url(value)


def decode(text: str) -> bytes:
    """base64url without padding; raises ValueError."""
    return base64url_to_bytes(text)
