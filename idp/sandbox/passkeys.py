"""Passkeys of the sandbox's people, registered by the same ceremony as everybody's."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from core.ground import Ground
from core.settings import SettingsError
from enrollment.webauthn_registration import begin_registration, finish_registration
from idp.sandbox.attestation import as_pem, attestation_certificate, from_pem
from idp.sandbox.authenticator import SoftwareAuthenticators
from idp.sandbox.ceremony import Attestation
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.signer import Signer

BOUND_TO = "demo"


@dataclass(frozen=True)
class Owner:
    """`attested`: by the sandbox's own maker, so that it reaches AAL3, as officers' security keys do."""

    account_id: str
    name: str
    label_th: str
    label_en: str
    position: int
    attested: bool = False


class PasskeyMaker:
    """`trusting` is the ground on which the sandbox's maker is trusted: registration reads the roots from settings."""

    def __init__(self, ground: Ground, authenticators: SoftwareAuthenticators, keystore: Keystore) -> None:
        self.authenticators = authenticators
        self.attestation, root = makers(ground, keystore)
        self.trusting = replace(ground, settings=replace(ground.settings, attestation_roots=root))

    def give(self, owner: Owner) -> str:
        """Registers a passkey for an account that has none in the sandbox; returns its credential id."""
        options = begin_registration(
            self.trusting,
            owner.account_id,
            bound_to=BOUND_TO,
            user_name=owner.name,
            display_name=owner.label_en,
            attestation=owner.attested,
        )
        credential_id, signer = self.authenticators.make_key(owner.name)
        answer = self.authenticators.register(
            options, credential_id=credential_id, signer=signer, attestation=self.attestation
        )
        kind = "Sandbox security key" if owner.attested else "Sandbox passkey"
        finish_registration(self.trusting, owner.account_id, answer, bound_to=BOUND_TO, name=kind)
        self.remember(owner, credential_id, signer)
        return credential_id

    def remember(self, owner: Owner, credential_id: str, signer: Signer) -> None:
        """From now on the list shows the person."""
        self.authenticators.remember(
            name=owner.name,
            account_id=owner.account_id,
            credential_id=credential_id,
            kid=signer.kid,
            label_th=owner.label_th,
            label_en=owner.label_en,
            position=owner.position,
        )


def makers(ground: Ground, keystore: Keystore) -> tuple[Attestation, Path]:
    """The maker's key and certificate, made at the first seeding and kept in the demo's folder."""
    if not ground.settings.sandbox:
        raise SettingsError("the sandbox's authenticators exist with PRAJAK_SANDBOX=1 only")
    file = ground.settings.data_dir / "demo" / "sandbox-authenticator.pem"
    held = [each for each in keystore.records([Purpose.SANDBOX_AUTHENTICATOR]) if each.label == "maker"]
    if held and file.is_file():
        signer = keystore.load(held[0].kid)
        return Attestation(signer, from_pem(file.read_bytes())), file
    signer = keystore.create(Purpose.SANDBOX_AUTHENTICATOR, "ES256", "maker", actor="demo")
    certificate = attestation_certificate(signer)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(as_pem(certificate))
    return Attestation(signer, certificate), file
