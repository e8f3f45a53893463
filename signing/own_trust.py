"""Our own authorities as trust material: time-stamps and revocation answers through `keys`, not over HTTP (house
rule 6), so that a thread that signs never waits for another thread of the same server.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cryptography import x509

from core.ground import Ground
from keys.certificate import ISSUING, ROOT
from keys.trust_services import TrustServices
from signing.trust_material import TrustMaterial


@dataclass(frozen=True)
class OwnRevocation:
    """OCSP for what the issuing authority issued; the authority itself is answered for by the root's CRL."""

    trust: TrustServices

    def ocsp_for(self, certificate: x509.Certificate) -> bytes | None:
        if certificate == self.trust.ca.issuing:
            return None
        return self.trust.ocsp.response_for(certificate)

    def crls_for(self, certificate: x509.Certificate) -> Sequence[bytes]:
        issuer = self.trust.ca.chain(certificate)[1]
        return [self.trust.crl.current(ROOT if issuer == self.trust.ca.root else ISSUING)]


def newest_lists(trust: TrustServices) -> list[bytes]:
    """Our CRLs of now, for documents that bring no newer answer along."""
    return [trust.crl.current(slot) for slot in (ROOT, ISSUING)]


def own_trust_material(ground: Ground, trust: TrustServices) -> TrustMaterial:
    return TrustMaterial(
        time_stamps=trust.tsa,
        revocation=OwnRevocation(trust),
        authorities=(trust.ca.issuing, trust.ca.root),
        anchors=(trust.ca.root,),
        clock=ground.clock,
    )
