"""Our own authorities as trust material: time-stamps and revocation answers through `keys`, not over HTTP (house
rule 6), so that a thread that signs never waits for another thread of the same server. Of outside authorities, whom the
deployment names for time-stamps, the answers come over HTTP, through `keys` as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from core.ground import Ground
from keys.errors import CertificateError
from keys.trust_services import TrustServices
from signing.trust_material import TrustMaterial


@dataclass(frozen=True)
class OwnRevocation:
    """OCSP for what an issuing authority issued; the authority itself is answered for by its root's CRL."""

    trust: TrustServices

    def ocsp_for(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bytes | None:
        if any(certificate == each.certificate for each in self.trust.ca.authorities.all()):
            return None
        if not self._is_ours(certificate):
            return self.trust.outside_revocation.ocsp_for(certificate, issuer)
        return self.trust.ocsp.response_for(certificate)

    def crls_for(self, certificate: x509.Certificate) -> Sequence[bytes]:
        if not self._is_ours(certificate):
            return self.trust.outside_revocation.crls_for(certificate)
        return [self.trust.crl.current(self.trust.ca.authorities.issuer_of(certificate).name)]

    def _is_ours(self, certificate: x509.Certificate) -> bool:
        try:
            self.trust.ca.authorities.issuer_of(certificate)
        except CertificateError:
            return False
        return True


def own_roots(trust: TrustServices) -> tuple[x509.Certificate, ...]:
    """Those above what signs here: our own, and of the authorities that certified keys of ours."""
    return (*trust.ca.authorities.roots(), *trust.external.roots)


def newest_lists(trust: TrustServices) -> list[bytes]:
    """Our CRLs of now, for documents that bring no newer answer along."""
    return [trust.crl.current(each.name) for each in trust.ca.authorities.all()]


def own_trust_material(ground: Ground, trust: TrustServices) -> TrustMaterial:
    return TrustMaterial(
        time_stamps=trust.time_stamps,
        revocation=OwnRevocation(trust),
        authorities=(*(each.certificate for each in trust.ca.authorities.all()), *trust.external.authorities),
        anchors=own_roots(trust),
        clock=ground.clock,
        time_stamp_anchors=trust.time_stamp_anchors,
    )
