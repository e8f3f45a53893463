"""A WebAuthn authenticator in software: genuine answers, made with whatever signs. Web Authentication Level 3.

Options in, the browser's JSON out. User present and verified, a key that is not backup-eligible, and a signature
counter that stays zero (section 6.1.1 allows it: two tabs may sign at once).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Protocol

import cbor2
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

from core.webauthn import decode, encode

AAGUID = bytes.fromhex("8f7a5c1e2b9d4f60a3c87d1e5b2f9046")  # this authenticator's model, made for the sandbox
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40  # section 6.1: flags
ES256 = -7  # RFC 9053 section 2.1
NO_COUNTER = (0).to_bytes(4, "big")


class Signs(Protocol):
    """What is needed of `keys.signer.Signer`."""

    @property
    def public_key(self) -> Any: ...

    def sign_x509(self, data: bytes) -> bytes: ...


@dataclass(frozen=True)
class Attestation:
    """The maker's key and its certificate (DER), which vouch for the authenticator's model."""

    signer: Signs
    certificate: bytes


def assertion(options_json: str, *, credential_id: str, account_id: str, signer: Signs, origin: str) -> str:
    """Section 6.3.3: signs the authenticator data and the hash of the client data, which names challenge and origin."""
    options = json.loads(options_json)
    client_data = collected_client_data("webauthn.get", options["challenge"], origin)
    authenticator_data = authenticator_data_of(options["rpId"], PRESENT | VERIFIED)
    signature = signer.sign_x509(authenticator_data + sha256(client_data).digest())
    return credential_json(
        credential_id,
        clientDataJSON=client_data,
        authenticatorData=authenticator_data,
        signature=signature,
        userHandle=account_id.encode(),
    )


def registration(
    options_json: str, *, credential_id: str, signer: Signs, origin: str, attestation: Attestation | None
) -> str:
    """Section 6.3.2; attested as `packed` (section 8.2) where there is a maker's key and the options ask for it."""
    options = json.loads(options_json)
    client_data = collected_client_data("webauthn.create", options["challenge"], origin)
    identifier = decode(credential_id)
    attested = AAGUID + len(identifier).to_bytes(2, "big") + identifier + cose_key(signer.public_key)
    data = authenticator_data_of(options["rp"]["id"], PRESENT | VERIFIED | ATTESTED) + attested
    statement: dict[str, Any] = {"fmt": "none", "attStmt": {}, "authData": data}
    if attestation is not None and options.get("attestation") == "direct":
        signature = attestation.signer.sign_x509(data + sha256(client_data).digest())
        packed = {"alg": ES256, "sig": signature, "x5c": [attestation.certificate]}
        statement = {"fmt": "packed", "attStmt": packed, "authData": data}
    return credential_json(credential_id, clientDataJSON=client_data, attestationObject=cbor2.dumps(statement))


def collected_client_data(kind: str, challenge: str, origin: str) -> bytes:
    """Section 5.8.1."""
    members = {"type": kind, "challenge": challenge, "origin": origin, "crossOrigin": False}
    return json.dumps(members, separators=(",", ":")).encode()


def authenticator_data_of(rp_id: str, flags: int) -> bytes:
    """Section 6.1: the hash of the RP ID, the flags, the counter."""
    return sha256(rp_id.encode()).digest() + bytes([flags]) + NO_COUNTER


def cose_key(public_key: EllipticCurvePublicKey) -> bytes:
    """RFC 9053 section 7.1.1: a P-256 key for ES256."""
    point = public_key.public_numbers()
    x, y = point.x.to_bytes(32, "big"), point.y.to_bytes(32, "big")
    return cbor2.dumps({1: 2, 3: ES256, -1: 1, -2: x, -3: y})


def credential_json(credential_id: str, **response: bytes) -> str:
    """Section 5.1: RegistrationResponseJSON, AuthenticationResponseJSON."""
    members: Mapping[str, Any] = {
        "id": credential_id,
        "rawId": credential_id,
        "type": "public-key",
        "authenticatorAttachment": "cross-platform",
        "clientExtensionResults": {},
        "response": {name: encode(value) for name, value in response.items()},
    }
    return json.dumps(members)
