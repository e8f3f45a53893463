"""The certificates of our own services, for the key each uses now: made when first wanted, renewed before they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.ground import Ground
from keys.authorities import Authority, serial_of
from keys.certificate import CertificateAuthority
from keys.certificate_request import signed_request
from keys.certificate_rows import load_one, newest_of_key, number_of_key, was_compromised
from keys.errors import CertificateError
from keys.external_authority import ExternalCertificates
from keys.issuance import public_key_bits
from keys.keystore import Keystore
from keys.profiles import ProfileName
from keys.purposes import Purpose
from keys.signer import Signer
from keys.subject import names_of

NAMES: Mapping[Purpose, tuple[ProfileName, str]] = {
    Purpose.TSA: ("tsa", "Time-Stamp Authority"),
    Purpose.OCSP: ("ocsp", "OCSP Responder"),
}
RENEWED_AFTER = 2 / 3  # of its life
LOOK_AGAIN = timedelta(seconds=5)  # what was revoked here or on another worker is used no longer than this


@dataclass(frozen=True)
class Service:
    """A service's signer and its certificate. `key_hash`: RFC 6960 section 4.2.1 names a responder by SHA-1.

    `chain` leads from the certificate to its root, our own or, for time-stamps, another's.
    """

    signer: Signer
    certificate: x509.Certificate
    encoded: bytes
    key_hash: bytes
    chain: tuple[x509.Certificate, ...]


class ServiceCertificates:
    """One per process; between two looks a signature costs no query."""

    def __init__(
        self, ground: Ground, keystore: Keystore, authority: CertificateAuthority, external: ExternalCertificates
    ) -> None:
        self.ground = ground
        self.keystore = keystore
        self.authority = authority
        self.external = external
        self._known: dict[tuple[str, str], Service] = {}  # by key and issuer
        self._looked_at: dict[tuple[str, str], datetime] = {}  # the same

    def current(self, purpose: Purpose, *, issuer: str = "") -> Service:
        """Who signs for this service now, certified and not about to end. May write: not within a transaction.

        `issuer` names an older generation of the authority, whose own responder answers for what it issued (RFC 6960
        section 4.2.2.2); otherwise the authority of now. NoAuthority where there is none.
        """
        signer = self.keystore.active(purpose)
        outside = self.external.find(signer.kid) if purpose is Purpose.TSA else None
        if outside is not None:
            return self._service(signer, outside.chain, "external")
        by = self.authority.authorities.named(issuer) if issuer else self.authority.authorities.current()
        service, now = self._known.get((signer.kid, by.name)), self.ground.clock.now()
        looked_at = self._looked_at.get((signer.kid, by.name), now - LOOK_AGAIN)
        if service is None or self._is_old(service.certificate) or not looked_at <= now < looked_at + LOOK_AGAIN:
            certificate = self._load_or_issue(purpose, signer, by)
            self._looked_at[signer.kid, by.name] = now
            return self._service(signer, tuple(self.authority.chain(certificate)), by.name)
        return service

    def request(self) -> bytes:
        """PKCS#10 for the time-stamp key of now, for another authority to certify."""
        names = names_of(self.authority.service_name(NAMES[Purpose.TSA][1]), self.authority.practice.layout)
        return signed_request(self.keystore.active(Purpose.TSA), names)

    def _service(self, signer: Signer, chain: tuple[x509.Certificate, ...], issuer: str) -> Service:
        known = self._known.get((signer.kid, issuer))
        if known is None or known.certificate != chain[0]:
            key_hash = sha1(public_key_bits(chain[0]), usedforsecurity=False).digest()
            known = Service(signer, chain[0], chain[0].public_bytes(Encoding.DER), key_hash, chain)
            self._known[signer.kid, issuer] = known
        return known

    def _load_or_issue(self, purpose: Purpose, signer: Signer, issuer: Authority) -> x509.Certificate:
        profile, issued_by = self.authority.practice.profiles[NAMES[purpose][0]], serial_of(issuer)
        with self.ground.database.read() as connection:
            # Counted first: what another worker issues between the two is then found, not issued again.
            number = connection.execute(number_of_key(profile.name, signer.kid, issued_by)).scalar_one()
            newest = load_one(connection, newest_of_key(profile.name, signer.kid, issued_by))
            compromised = was_compromised(connection, signer.kid)
        if compromised:
            raise CertificateError(f"a certificate of {signer.kid} was revoked for its key: prajak key compromise")
        if newest is not None and not self._is_old(newest):
            return newest
        slot = f"{profile.name}:{signer.kid}:{issuer.name}:{number + 1}"  # two workers that renew at once issue one
        name = self.authority.service_name(NAMES[purpose][1])
        return self.authority.issue(profile.name, signer.public_key, name, slot=slot, issuer=issuer.name)

    def _is_old(self, certificate: x509.Certificate) -> bool:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return self.ground.clock.now() >= begins + (ends - begins) * RENEWED_AFTER
