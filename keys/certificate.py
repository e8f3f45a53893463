"""The certificate authority: a root, one issuing authority below it, and what that issues. RFC 5280.

Nothing leaves before its row is committed: a certificate that the table does not know was never issued, and OCSP says
so. What issues or revokes has a transaction of its own: never call it within another.
"""

from __future__ import annotations

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core import audit
from core.ground import Ground
from keys.algorithms import PublicKey
from keys.certificate_rows import (
    RevocationReason,
    RevokedStatus,
    as_text,
    by_serial,
    by_slot,
    insert_certificate,
    insert_revocation,
    load_one,
    load_status,
)
from keys.errors import CertificateError
from keys.issuance import is_issued_by, signed_certificate
from keys.jwks import thumbprint
from keys.keystore import Keystore
from keys.profiles import PROFILES, Profile, ProfileName
from keys.purposes import Purpose
from keys.signer import Signer
from keys.subject import Subject

ROOT, ISSUING = "root-g1", "issuing-g1"  # their slots, and their names below /ca/
AUTHORITY_KEYS = {ROOT: Purpose.ROOT_CA, ISSUING: Purpose.CA}
ISSUERS = {"root": ROOT, "issuing": ISSUING}  # a profile's issuer, as a slot
ATTEMPTS = 3  # a serial of 159 random bits that exists already is a broken random source, not bad luck


class CertificateAuthority:
    """One per process."""

    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        self.ground = ground
        self.keystore = keystore
        self.revocations = 0  # made by this process: a cache of statuses asks again when it changes
        self._authorities: dict[str, x509.Certificate] = {}

    def prepare(self) -> None:
        """Makes the root and the issuing authority where they are missing; of two workers at once, one does."""
        for profile, slot in ((PROFILES["root"], ROOT), (PROFILES["issuing"], ISSUING)):
            self.keystore.ensure(AUTHORITY_KEYS[slot])
            if self._find(slot) is None:
                public_key = self.keystore.active(AUTHORITY_KEYS[slot]).public_key
                self._issue(profile, public_key, self._name(slot), slot, "system")

    @property
    def root(self) -> x509.Certificate:
        """The trust anchor."""
        return self.authority(ROOT)

    @property
    def issuing(self) -> x509.Certificate:
        return self.authority(ISSUING)

    def authority(self, slot: str) -> x509.Certificate:
        """The authority's certificate; CertificateError when there is none of this name."""
        if slot not in self._authorities:
            found = self._find(slot) if slot in AUTHORITY_KEYS else None
            if found is None:
                raise CertificateError(f"there is no certificate authority {slot}")
            self._authorities[slot] = found
        return self._authorities[slot]

    def signer_of(self, slot: str) -> Signer:
        """The authority's own signer, for its CRL."""
        return self.keystore.active(AUTHORITY_KEYS[slot])

    def issue(
        self,
        profile: ProfileName,
        public_key: PublicKey,
        subject: Subject,
        *,
        slot: str | None = None,
        actor: str = "system",
    ) -> x509.Certificate:
        """A stored certificate of this profile. With a `slot` that is taken: the certificate that has it."""
        rules = PROFILES[profile]
        if rules.authority:
            raise CertificateError("authorities are made by prepare")
        return self._issue(rules, public_key, subject, slot, actor)

    def chain(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """The certificate first, its issuers after it, the root last; CertificateError when it is not ours."""
        if certificate == self.root:
            return [self.root]
        if certificate == self.issuing:
            return [self.issuing, self.root]
        if is_issued_by(certificate, self.issuing):
            return [certificate, self.issuing, self.root]
        raise CertificateError("this certificate was not issued here")

    def load(self, serial: int) -> x509.Certificate:
        """The stored certificate; CertificateError when none has this serial."""
        with self.ground.database.read() as connection:
            found = load_one(connection, by_serial(serial))
        if found is None:
            raise CertificateError(f"no certificate has the serial {as_text(serial)}")
        return found

    def revoke(
        self, serial: int, reason: RevocationReason = RevocationReason.UNSPECIFIED, *, actor: str = "system"
    ) -> bool:
        """True when this call revoked it, False when it was revoked before. OCSP says so within a minute."""
        issuer = self._issuer_of(self.load(serial))
        names = {"serial": as_text(serial), "issuer_serial": as_text(issuer.serial_number)}
        at = self.ground.clock.now().replace(microsecond=0)  # as OCSP and CRL will write it
        with self.ground.database.write() as connection:
            revoked = insert_revocation(connection, {**names, "reason": reason, "revoked_at": at})
            if revoked:
                event, clock = "certificate.revoked", self.ground.clock
                audit.record(connection, clock, event=event, actor=actor, subject=names["serial"], reason=reason)
        self.revocations += revoked
        return revoked

    def revoked(self, serial: int) -> RevokedStatus | None:
        """When and why it was revoked, None while it is good; CertificateError when it was never issued."""
        issuer = self._issuer_of(self.load(serial))
        with self.ground.database.read() as connection:
            return load_status(connection, issuer, serial)[1]

    def _issuer_of(self, certificate: x509.Certificate) -> x509.Certificate:
        chain = self.chain(certificate)
        if len(chain) == 1:
            raise CertificateError("a root has no revocation: take it out of the trust anchors")
        return chain[1]

    @property
    def product(self) -> tuple[str, str]:
        """How our services' names begin, and their organisation: a sandbox's say so, in every chain anyone sees."""
        sandbox = self.ground.settings.sandbox
        return ("Prajak Sandbox", "Prajak (sandbox, not for real use)") if sandbox else ("Prajak", "Prajak")

    def _name(self, slot: str) -> Subject:
        (name, organisation), (kind, generation) = self.product, slot.split("-")
        return Subject(name_th=f"{name} {kind.capitalize()} CA - {generation.upper()}", organisation_th=organisation)

    def _issue(
        self, profile: Profile, public_key: PublicKey, subject: Subject, slot: str | None, actor: str
    ) -> x509.Certificate:
        for _ in range(ATTEMPTS):
            certificate = self._signed(profile, public_key, subject)
            if self._store(certificate, profile, slot, thumbprint(public_key), actor):
                return certificate
            existing = self._find(slot) if slot else None
            if existing is not None:  # another worker was first
                return existing
        raise CertificateError("the random source gave the same serial number again and again")

    def _signed(self, profile: Profile, public_key: PublicKey, subject: Subject) -> x509.Certificate:
        slot, base_url = ISSUERS[profile.issuer], self.ground.settings.issuer
        return signed_certificate(
            profile,
            subject=subject,
            public_key=public_key,
            signer=self.keystore.active(AUTHORITY_KEYS[slot]),
            issuer=None if profile.name == "root" else self.authority(slot),
            issuer_url=f"{base_url}/ca/{slot}",
            ocsp_url=f"{base_url}/ocsp",
            now=self.ground.clock.now(),
        )

    def _store(self, certificate: x509.Certificate, profile: Profile, slot: str | None, kid: str, actor: str) -> bool:
        serial = as_text(certificate.serial_number)
        issuer = None if profile.name == "root" else self.authority(ISSUERS[profile.issuer])
        row: dict[str, object] = {
            "serial": serial,
            "issuer_serial": as_text(issuer.serial_number) if issuer else None,
            "profile": profile.name,
            "slot": slot,
            "kid": kid,
            "not_before": certificate.not_valid_before_utc,
            "not_after": certificate.not_valid_after_utc,
            "der": certificate.public_bytes(Encoding.DER),
        }
        with self.ground.database.write() as connection:
            stored = insert_certificate(connection, row)
            if stored:
                event, clock, detail = "certificate.issued", self.ground.clock, {"profile": profile.name, "kid": kid}
                audit.record(connection, clock, event=event, actor=actor, subject=serial, detail=detail)
        return stored

    def _find(self, slot: str) -> x509.Certificate | None:
        with self.ground.database.read() as connection:
            return load_one(connection, by_slot(slot))
