"""The test vectors of Web Authentication Level 3, section 16, against our verification."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core import webauthn
from core.assurance import AAL
from enrollment.webauthn_registration import aal_of
from tests.authenticator import encode

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "webauthn_level_3.json").read_text())
ROOT = x509.load_der_x509_certificate(bytes.fromhex(VECTORS["attestation_ca_cert"])).public_bytes(Encoding.PEM)
VERIFIED = ["packed-self.ES256", "packed.ES256"]
EXPECTED = {"expected_origin": VECTORS["origin"], "expected_rp_id": VECTORS["rp_id"]}


def credential(name: str, ceremony: str) -> str:
    vector: dict[str, Any] = VECTORS[name]
    members = {key: value for key, value in vector[ceremony].items() if key not in ("challenge", "credential_id")}
    response = {key: encode(bytes.fromhex(value)) for key, value in members.items()}
    credential_id = encode(bytes.fromhex(vector["registration"]["credential_id"]))
    return json.dumps({"id": credential_id, "rawId": credential_id, "type": "public-key", "response": response})


def challenge(name: str, ceremony: str) -> bytes:
    return bytes.fromhex(VECTORS[name][ceremony]["challenge"])


def register(name: str, *roots: bytes) -> webauthn.VerifiedRegistration:
    return webauthn.verify_registration(
        credential(name, "registration"),
        expected_challenge=challenge(name, "registration"),
        attestation_roots=roots,
        at=datetime(2026, 11, 22, tzinfo=UTC),
        **EXPECTED,
    )


@pytest.mark.parametrize("name", VERIFIED)
def test_a_registration_with_user_verification_verifies(name: str):
    assert register(name).credential_id.hex() == VECTORS[name]["registration"]["credential_id"]


def authenticate(name: str, expected_challenge: bytes) -> webauthn.VerifiedAuthentication:
    registered = register(name)
    return webauthn.verify_authentication(
        credential(name, "authentication"),
        expected_challenge=expected_challenge,
        public_key=registered.public_key,
        sign_count=registered.sign_count,
        **EXPECTED,
    )


def test_an_assertion_verifies_with_the_registered_key():
    verified = authenticate("packed.ES256", challenge("packed.ES256", "authentication"))
    assert verified.credential_id.hex() == VECTORS["packed.ES256"]["registration"]["credential_id"]


def test_an_assertion_over_another_challenge_is_refused():
    with pytest.raises(webauthn.WebAuthnRefused):
        authenticate("packed.ES256", b"another")


def test_an_assertion_without_user_verification_is_refused():
    with pytest.raises(webauthn.WebAuthnRefused):
        authenticate("packed-self.ES256", challenge("packed-self.ES256", "authentication"))


def test_the_vectors_without_user_verification_are_refused():
    with pytest.raises(webauthn.WebAuthnRefused):
        register("none.ES256")


def test_the_attestation_chain_is_trusted_from_the_vectors_own_root_only():
    assert register("packed.ES256", ROOT).attestation_trusted
    assert not register("packed.ES256").attestation_trusted


def test_self_attestation_is_trusted_from_no_root():
    assert not register("packed-self.ES256", ROOT).attestation_trusted


def test_a_trusted_but_backup_eligible_key_does_not_reach_aal3():
    registered = register("packed.ES256", ROOT)
    assert registered.backup_eligible
    assert aal_of(registered) == AAL.AAL2
