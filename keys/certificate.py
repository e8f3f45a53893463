"""The certificate authority: what the issuing authority of now certifies, and what is revoked. RFC 5280.

In the sandbox the first start makes a root and an issuing authority, both in custody. In production no root is ever
made here: it is made at a ceremony and kept offline, and until an issuing authority is brought in from it
(keys/authority_import.py) everything that needs one raises NoAuthority. Nothing leaves before its row is committed: a
certificate that the table does not know was never issued, and OCSP says so. What issues or revokes has a transaction of
its own: never call it within another.
"""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from sqlalchemy import Connection

from core import audit
from core.ground import Ground
from keys.algorithms import PublicKey
from keys.authorities import PURPOSES, Authorities, Authority, Kind, serial_of
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
from keys.issuance import pointers_below, signed_certificate
from keys.jwks import thumbprint
from keys.keystore import Keystore
from keys.practice import load_practice
from keys.profile_check import check_profiles
from keys.profiles import Profile, ProfileName
from keys.signer import Signer
from keys.subject import Subject, names_of

ROOT, ISSUING = "root-g1", "issuing-g1"  # the sandbox's, made at its first start
ATTEMPTS = 3  # a serial of 159 random bits that exists already is a broken random source, not bad luck


class CertificateAuthority:
    """One per process."""

    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        self.ground = ground
        self.keystore = keystore
        self.revocations = 0  # made by this process: a cache of statuses asks again when it changes
        self.authorities = Authorities(ground)
        self.practice = load_practice(ground.settings.ca_profiles)
        check_profiles(self.practice)

    def prepare(self) -> None:
        """Makes the sandbox's root and issuing authority where there is none; of two workers at once, one does."""
        if not self.ground.settings.sandbox:
            return
        profiles = self.practice.profiles
        for profile, name in ((profiles["root"], ROOT), (profiles["issuing"], ISSUING)):
            if self.authorities.find(name) is None:
                key = self.keystore.ensure_holder(PURPOSES[profile.name], name)
                issuer = self.authorities.find(ROOT)
                signer = self.signer_of(ROOT) if issuer else key
                self._issue(profile, key.public_key, self.authority_name(name), name, issuer=issuer, signer=signer)
                self.authorities.forget()

    @property
    def root(self) -> x509.Certificate:
        """The trust anchor above the issuing authority of now."""
        return self.authorities.chain(self.issuing)[-1]

    @property
    def issuing(self) -> x509.Certificate:
        """Of the authority that certifies now; NoAuthority before there is one."""
        return self.authorities.current().certificate

    def authority(self, name: str) -> x509.Certificate:
        """The authority's certificate; CertificateError when there is none of this name."""
        return self.authorities.named(name).certificate

    def generations(self, kind: Kind = "issuing") -> tuple[Authority, ...]:
        """Every authority of the kind that anyone may ask about, the oldest first."""
        return self.authorities.generations(kind)

    def signer_of(self, name: str) -> Signer:
        """The authority's own signer, for its list and what it certifies; CertificateError for one kept offline.

        Reads: never call it within a transaction.
        """
        authority = self.authorities.named(name)
        if not authority.online:
            raise CertificateError(f"the key of {name} is not in custody here: it signs at a ceremony")
        return self.keystore.load(authority.kid)

    def issue(
        self,
        profile: ProfileName,
        public_key: PublicKey,
        subject: Subject,
        *,
        slot: str | None = None,
        issuer: str = "",
        check: Callable[[Connection], None] | None = None,
        actor: str = "system",
    ) -> x509.Certificate:
        """A stored certificate of this profile. With a `slot` that is taken: the certificate that has it.

        `issuer` names an older generation, which still certifies its own responder; NoAuthority where there is none.
        `check` is asked within the transaction that issues, and may refuse.
        """
        rules = self.practice.profiles[profile]
        if rules.authority:
            raise CertificateError("authorities are made by prepare, or at a ceremony")
        authority = self.authorities.named(issuer) if issuer else self.authorities.current()
        signer = self.signer_of(authority.name)
        return self._issue(rules, public_key, subject, slot, issuer=authority, signer=signer, check=check, actor=actor)

    def chain(self, certificate: x509.Certificate) -> list[x509.Certificate]:
        """The certificate first, its issuers after it, the root last; CertificateError when it is not ours."""
        return self.authorities.chain(certificate)

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

    def service_name(self, kind: str) -> Subject:
        """How our authorities and services are named, and whose they are: a sandbox's say so, in every chain."""
        whose = self.practice.organisation
        sandbox = self.ground.settings.sandbox
        product = whose.product or ("Prajak Sandbox" if sandbox else "Prajak")
        organisation = whose.name_th or ("Prajak (sandbox, not for real use)" if sandbox else "Prajak")
        return Subject(
            name_th=f"{product} {kind}",
            name_en=f"{product} {kind}" if whose.name_en else "",
            organisation_th=organisation,
            organisation_en=whose.name_en,
            organization_identifier=whose.identifier,
        )

    def authority_name(self, name: str) -> Subject:
        kind, generation = name.split("-")
        return self.service_name(f"{kind.capitalize()} CA - {generation.upper()}")

    def _issue(
        self,
        profile: Profile,
        public_key: PublicKey,
        subject: Subject,
        slot: str | None,
        *,
        issuer: Authority | None,
        signer: Signer,
        check: Callable[[Connection], None] | None = None,
        actor: str = "system",
    ) -> x509.Certificate:
        """`issuer` is None for a root, which signs itself."""
        for _ in range(ATTEMPTS):
            certificate = self._signed(profile, public_key, subject, issuer, signer)
            if self._store(
                certificate, profile, slot, issuer=issuer, kid=thumbprint(public_key), check=check, actor=actor
            ):
                return certificate
            existing = self._find(slot) if slot else None
            if existing is not None:  # another worker was first
                return existing
        raise CertificateError("the random source gave the same serial number again and again")

    def _signed(
        self, profile: Profile, public_key: PublicKey, subject: Subject, issuer: Authority | None, signer: Signer
    ) -> x509.Certificate:
        base = self.practice.base or self.ground.settings.issuer
        return signed_certificate(
            profile,
            names=names_of(subject, self.practice.layout),
            public_key=public_key,
            signer=signer,
            issuer=issuer.certificate if issuer else None,
            pointers=pointers_below(base, issuer.name if issuer else ROOT, ocsp_url=self.ground.settings.ocsp_url),
            now=self.ground.clock.now(),
        )

    def _store(
        self,
        certificate: x509.Certificate,
        profile: Profile,
        slot: str | None,
        *,
        issuer: Authority | None,
        kid: str,
        check: Callable[[Connection], None] | None,
        actor: str,
    ) -> bool:
        serial = as_text(certificate.serial_number)
        row: dict[str, object] = {
            "serial": serial,
            "issuer_serial": serial_of(issuer) if issuer else None,
            "profile": profile.name,
            "slot": slot,
            "kid": kid,
            "not_before": certificate.not_valid_before_utc,
            "not_after": certificate.not_valid_after_utc,
            "der": certificate.public_bytes(Encoding.DER),
        }
        with self.ground.database.write() as connection:
            if check is not None:
                check(connection)
            stored = insert_certificate(connection, row)
            if stored:
                event, clock, detail = "certificate.issued", self.ground.clock, {"profile": profile.name, "kid": kid}
                audit.record(connection, clock, event=event, actor=actor, subject=serial, detail=detail)
        return stored

    def _find(self, slot: str) -> x509.Certificate | None:
        with self.ground.database.read() as connection:
            return load_one(connection, by_slot(slot))
