"""The certificates of our own services, for the key each uses now: made when first wanted, renewed before they end."""

from __future__ import annotations

from collections.abc import Mapping

from cryptography import x509

from core.ground import Ground
from keys.certificate import CertificateAuthority
from keys.certificate_rows import load_one, newest_of_key, number_of_key
from keys.keystore import Keystore
from keys.profiles import PROFILES, ProfileName
from keys.purposes import Purpose
from keys.signer import Signer
from keys.subject import Subject

NAMES: Mapping[Purpose, tuple[ProfileName, str]] = {
    Purpose.TSA: ("tsa", "Time-Stamp Authority"),
    Purpose.OCSP: ("ocsp", "OCSP Responder"),
}
RENEWED_AFTER = 2 / 3  # of its life


class ServiceCertificates:
    """One per process; a signature costs no query once the certificate is known."""

    def __init__(self, ground: Ground, keystore: Keystore, authority: CertificateAuthority) -> None:
        self.ground = ground
        self.keystore = keystore
        self.authority = authority
        self._known: dict[str, x509.Certificate] = {}

    def current(self, purpose: Purpose) -> tuple[Signer, x509.Certificate]:
        """The service's signer and its certificate, not about to end. May write: never call it within a transaction."""
        signer = self.keystore.active(purpose)
        certificate = self._known.get(signer.kid)
        if certificate is None or self._is_old(certificate):
            certificate = self._load(purpose, signer)
            self._known[signer.kid] = certificate
        return signer, certificate

    def _load(self, purpose: Purpose, signer: Signer) -> x509.Certificate:
        profile = PROFILES[NAMES[purpose][0]]
        with self.ground.database.read() as connection:
            newest = load_one(connection, newest_of_key(profile.name, signer.kid))
            number = connection.execute(number_of_key(profile.name, signer.kid)).scalar_one()
        if newest is not None and not self._is_old(newest):
            return newest
        slot = f"{profile.name}:{signer.kid}:{number + 1}"  # two workers that renew at once issue one
        return self.authority.issue(profile.name, signer.public_key, self._name(purpose), slot=slot)

    def _name(self, purpose: Purpose) -> Subject:
        sandbox = self.ground.settings.sandbox
        product, organisation = ("Prajak Sandbox", "Prajak (sandbox, not for real use)") if sandbox else ("Prajak",) * 2
        return Subject(name_th=f"{product} {NAMES[purpose][1]}", organisation_th=organisation)

    def _is_old(self, certificate: x509.Certificate) -> bool:
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return self.ground.clock.now() >= begins + (ends - begins) * RENEWED_AFTER
