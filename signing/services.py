"""What the signing desk and the public verifier work with, put together once by `idp/app.py` or `idp/cli.py`."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from core.ground import Ground
from core.rate_limit import Throttle
from keys.envelope import Envelope
from keys.trust_services import TrustServices
from signing.authorization import Provider
from signing.credentials import Credentials
from signing.documents import Documents
from signing.files import DocumentFiles
from signing.own_trust import newest_lists, own_roots, own_trust_material
from signing.pending import PendingRequests
from signing.session import DeskSessions
from signing.tokens import Issuer
from signing.trust_anchors import TrustAnchors, load_trust_anchors
from signing.trust_material import TrustMaterial


@dataclass(frozen=True, kw_only=True)
class SigningServices:
    ground: Ground
    trust_services: TrustServices
    envelope: Envelope
    provider: Provider
    credentials: Credentials
    documents: Documents
    files: DocumentFiles
    pending: PendingRequests
    sessions: DeskSessions
    throttle: Throttle

    @property
    def issuer(self) -> Issuer:
        """Whose tokens are believed."""
        settings = self.ground.settings
        return Issuer(settings.issuer, self.provider.keys, self.ground.clock, settings.clock_skew)

    @property
    def trust(self) -> TrustMaterial:
        return own_trust_material(self.ground, self.trust_services)

    def known_revocation(self) -> list[bytes]:
        return newest_lists(self.trust_services)

    @property
    def anchors(self) -> TrustAnchors:
        """Our own roots, and what the deployment names."""
        return load_trust_anchors(self.ground.settings.trust_anchors, own=own_roots(self.trust_services))


def open_services(
    ground: Ground, trust_services: TrustServices, transport: httpx.BaseTransport | None = None
) -> SigningServices:
    """`transport` leads to the provider: within one process `httpx.WSGITransport(app)`, else None for the network."""
    keystore, envelope = trust_services.keystore, trust_services.envelope
    return SigningServices(
        ground=ground,
        trust_services=trust_services,
        envelope=envelope,
        provider=Provider(ground.settings, ground.clock, keystore, transport),
        credentials=Credentials(ground, trust_services),
        documents=Documents(ground, envelope),
        files=DocumentFiles(ground.settings),
        pending=PendingRequests(ground.ephemeral, envelope),
        sessions=DeskSessions(ground, envelope),
        throttle=Throttle(ground),
    )
