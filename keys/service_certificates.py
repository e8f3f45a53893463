"""The certificates of our own services, for the key each uses now: made when first wanted, renewed before they end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha1

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.ground import Ground
from keys.authorities import Authority, serial_of
from keys.certificate import CertificateAuthority
from keys.certificate_rows import load_one, newest_of_key, number_of_key
from keys.issuance import public_key_bits
from keys.keystore import Keystore
from keys.profiles import ProfileName
from keys.purposes import Purpose
from keys.signer import Signer

NAMES: Mapping[Purpose, tuple[ProfileName, str]] = {
    Purpose.TSA: ("tsa", "Time-Stamp Authority"),
    Purpose.OCSP: ("ocsp", "OCSP Responder"),
}
RENEWED_AFTER = 2 / 3  # of its life


@dataclass(frozen=True)
class Service:
    """A service's signer and its certificate. `key_hash`: RFC 6960 section 4.2.1 names a responder by SHA-1."""

    signer: Signer
    certificate: x509.Certificate
    encoded: bytes
    key_hash: bytes


class ServiceCertificates:
    """One per process; a signature costs no query once the certificate is known."""

    def __init__(self, ground: Ground, keystore: Keystore, authority: CertificateAuthority) -> None:
        self.ground = ground
        self.keystore = keystore
        self.authority = authority
        self._known: dict[tuple[str, str], Service] = {}  # by key and issuer

    def current(self, purpose: Purpose, *, issuer: str = "") -> Service:
        """Who signs for this service now, certified and not about to end. May write: not within a transaction.

        `issuer` names an older generation of the authority, whose own responder answers for what it issued (RFC 6960
        section 4.2.2.2); otherwise the authority of now. NoAuthority where there is none.
        """
        signer = self.keystore.active(purpose)
        by = self.authority.authorities.named(issuer) if issuer else self.authority.authorities.current()
        service = self._known.get((signer.kid, by.name))
        if service is None or self._is_old(service.certificate):
            certificate = self._load_or_issue(purpose, signer, by)
            key_hash = sha1(public_key_bits(certificate), usedforsecurity=False).digest()
            service = Service(signer, certificate, certificate.public_bytes(Encoding.DER), key_hash)
            self._known[signer.kid, by.name] = service
        return service

    def _load_or_issue(self, purpose: Purpose, signer: Signer, issuer: Authority) -> x509.Certificate:
        profile, issued_by = self.authority.practice.profiles[NAMES[purpose][0]], serial_of(issuer)
        with self.ground.database.read() as connection:
            newest = load_one(connection, newest_of_key(profile.name, signer.kid, issued_by))
            number = connection.execute(number_of_key(profile.name, signer.kid, issued_by)).scalar_one()
        if newest is not None and not self._is_old(newest):
            return newest
        slot = f"{profile.name}:{signer.kid}:{issuer.name}:{number + 1}"  # two workers that renew at once issue one
        name = self.authority.service_name(NAMES[purpose][1])
        return self.authority.issue(profile.name, signer.public_key, name, slot=slot, issuer=issuer.name)

    def _is_old(self, certificate: x509.Certificate) -> bool:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return self.ground.clock.now() >= begins + (ends - begins) * RENEWED_AFTER
