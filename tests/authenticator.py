"""Authenticators for tests: one in software, and Chromium's virtual one over its debugging protocol.

The software one makes genuine registrations and assertions (WebAuthn Level 3 sections 6.5.1 and 6.3.3), with no
attestation or with `packed` and a certificate chain of its own making; flags can be set to lie.
"""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from secrets import token_bytes
from typing import Any

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from playwright.sync_api import CDPSession, Page

UP, UV, BE, BS, AT = 0x01, 0x04, 0x08, 0x10, 0x40
AAGUID = bytes.fromhex("5d0a6b1cf10e4d0f8f3a9d3a8c3b1a77")  # of this file's own making
FIDO_AAGUID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")


def encode(value: bytes) -> str:
    return urlsafe_b64encode(value).rstrip(b"=").decode()


def decode(value: str) -> bytes:
    return urlsafe_b64decode(value + "=" * (-len(value) % 4))


@dataclass
class AttestationAuthority:
    """A manufacturer: its root certificate is what `attestation_roots` trusts."""

    name: str = "Test Manufacturer"
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def root(self) -> x509.Certificate:
        if not hasattr(self, "_root"):
            self._root = self.certificate(self.key.public_key(), self.name, ca=True)
        return self._root

    @property
    def root_pem(self) -> bytes:
        return self.root.public_bytes(Encoding.PEM)

    def certificate(self, public_key: ec.EllipticCurvePublicKey, common_name: str, *, ca: bool) -> x509.Certificate:
        """Section 8.2.1: what a packed attestation certificate must look like."""

        def named(text: str, unit: str) -> x509.Name:
            return x509.Name([
                x509.NameAttribute(NameOID.COUNTRY_NAME, "TH"),
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Manufacturer"),
                x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, unit),
                x509.NameAttribute(NameOID.COMMON_NAME, text),
            ])  # fmt: skip

        unit = "Authenticator Attestation CA" if ca else "Authenticator Attestation"
        builder = (
            x509.CertificateBuilder()
            .subject_name(named(common_name, unit))
            .issuer_name(named(self.name, "Authenticator Attestation CA"))
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
            .not_valid_after(datetime(2090, 1, 1, tzinfo=UTC))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            builder = builder.add_extension(
                x509.UnrecognizedExtension(FIDO_AAGUID, b"\x04\x10" + AAGUID), critical=False
            )
        return builder.sign(self.key, SHA256())


@dataclass
class SoftwareAuthenticator:
    """One device. `authority` gives it an attestation; without one it gives none."""

    origin: str = "http://localhost:8080"
    authority: AttestationAuthority | None = None
    backup_eligible: bool = False
    user_verified: bool = True
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential_id: bytes = field(default_factory=lambda: token_bytes(16))
    user_handle: bytes = b""
    sign_count: int = 0

    def create(self, options_json: str) -> str:
        """`navigator.credentials.create`, as the JSON that the page would send."""
        options = json.loads(options_json)
        self.user_handle = decode(options["user"]["id"])
        client_data = self._client_data("webauthn.create", options["challenge"])
        auth_data = self._authenticator_data(options["rp"]["id"], attested=True)
        statement, fmt = self._statement(auth_data, client_data)
        attestation = cbor2.dumps({"fmt": fmt, "attStmt": statement, "authData": auth_data})
        response = {
            "clientDataJSON": encode(client_data),
            "attestationObject": encode(attestation),
            "transports": ["internal"],
        }
        return self._credential(response)

    def get(self, options_json: str, *, user_handle: bytes | None = None) -> str:
        """`navigator.credentials.get`."""
        options = json.loads(options_json)
        self.sign_count += 1
        client_data = self._client_data("webauthn.get", options["challenge"])
        auth_data = self._authenticator_data(options["rpId"], attested=False)
        signature = self.key.sign(auth_data + sha256(client_data).digest(), ec.ECDSA(SHA256()))
        response = {"clientDataJSON": encode(client_data), "authenticatorData": encode(auth_data)}
        handle = self.user_handle if user_handle is None else user_handle
        return self._credential(response | {"signature": encode(signature), "userHandle": encode(handle)})

    def _credential(self, response: dict[str, Any]) -> str:
        credential_id = encode(self.credential_id)
        return json.dumps({"id": credential_id, "rawId": credential_id, "type": "public-key", "response": response,
                           "clientExtensionResults": {}, "authenticatorAttachment": "platform"})  # fmt: skip

    def _client_data(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": False}).encode()

    def _authenticator_data(self, rp_id: str, *, attested: bool) -> bytes:
        flags = (
            UP
            | (UV if self.user_verified else 0)
            | ((BE | BS) if self.backup_eligible else 0)
            | (AT if attested else 0)
        )
        data = sha256(rp_id.encode()).digest() + bytes([flags]) + self.sign_count.to_bytes(4, "big")
        if attested:
            data += AAGUID + len(self.credential_id).to_bytes(2, "big") + self.credential_id + self._cose_key()
        return data

    def _cose_key(self) -> bytes:
        numbers = self.key.public_key().public_numbers()
        return cbor2.dumps({1: 2, 3: -7, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")})

    def _statement(self, auth_data: bytes, client_data: bytes) -> tuple[dict[str, Any], str]:
        if self.authority is None:
            return {}, "none"
        attestation_key = ec.generate_private_key(ec.SECP256R1())
        leaf = self.authority.certificate(attestation_key.public_key(), "Test Authenticator", ca=False)
        signature = attestation_key.sign(auth_data + sha256(client_data).digest(), ec.ECDSA(SHA256()))
        return {"alg": -7, "sig": signature, "x5c": [leaf.public_bytes(Encoding.DER)]}, "packed"


class VirtualAuthenticator:
    """Chromium's, for one page: it answers every ceremony by itself, user verified.

    What it was told is all there is to it: without `backup_eligible` its keys are bound to the device, and with
    `attestation: direct` it gives `packed` with a self-signed "Batch Certificate", written anew for every key with the
    same name and the same key.
    It answers a conditional request (autofill) at once, as no person does, and a test that presses the button would
    race with it: so later pages offer no autofill unless the test asks for it.
    """

    def __init__(
        self, page: Page, *, backup_eligible: bool = False, user_verified: bool = True, autofill: bool = False
    ) -> None:
        if not autofill:
            page.add_init_script(
                "globalThis.PublicKeyCredential && delete PublicKeyCredential.isConditionalMediationAvailable"
            )
        self.session: CDPSession = page.context.new_cdp_session(page)
        self.session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": user_verified,
            "automaticPresenceSimulation": True,
            "defaultBackupEligibility": backup_eligible,
            "defaultBackupState": backup_eligible,
        }
        self.id = self.session.send("WebAuthn.addVirtualAuthenticator", {"options": options})["authenticatorId"]

    def credentials(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.id})[
            "credentials"
        ]
        return found

    def remove(self) -> None:
        self.session.send("WebAuthn.removeVirtualAuthenticator", {"authenticatorId": self.id})


def attestation_certificates(credential_json: str) -> list[x509.Certificate]:
    """The chain in a registration's attestation statement; empty for none and for self attestation."""
    attestation = cbor2.loads(decode(json.loads(credential_json)["response"]["attestationObject"]))
    return [x509.load_der_x509_certificate(der) for der in attestation["attStmt"].get("x5c", [])]


def learn_attestation_root(page: Page) -> bytes:
    """A certificate that Chromium's virtual authenticator attests with, in PEM, for `PRAJAK_ATTESTATION_ROOTS`.

    The page must be at an origin for which "localhost" is a relying party, and have a virtual authenticator.
    """
    script = """async () => {
      const made = await navigator.credentials.create({publicKey: {
        rp: {id: location.hostname, name: "probe"}, user: {id: new Uint8Array(16), name: "probe", displayName: "probe"},
        challenge: new Uint8Array(32), pubKeyCredParams: [{type: "public-key", alg: -7}], attestation: "direct",
        authenticatorSelection: {residentKey: "discouraged", userVerification: "required"}}});
      const bytes = new Uint8Array(made.response.attestationObject);
      return btoa(Array.from(bytes, (each) => String.fromCharCode(each)).join(""));
    }"""
    attestation = cbor2.loads(b64decode(page.evaluate(script)))
    certificate = x509.load_der_x509_certificate(attestation["attStmt"]["x5c"][-1])
    return certificate.public_bytes(Encoding.PEM)
