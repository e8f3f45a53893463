"""What a signature is completed with: our time-stamps, certificate chains and revocation answers, through `keys`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from cryptography import x509

from core.clock import Clock


class TimeStamps(Protocol):
    """RFC 3161: a DER TimeStampReq in, a DER TimeStampResp out."""

    def answer(self, der_request: bytes) -> bytes: ...


class Revocation(Protocol):
    """Current, signed statements about one certificate: an OCSP response (RFC 6960), or CRLs (RFC 5280), in DER."""

    def ocsp_for(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bytes | None: ...

    def crls_for(self, certificate: x509.Certificate) -> Sequence[bytes]: ...


@dataclass(frozen=True, kw_only=True)
class TrustMaterial:
    """`authorities` are all our CA certificates, roots among them; `anchors` are the ones believed.

    `time_stamp_anchors` are believed of time-stamps alone: the roots of outside authorities.
    """

    time_stamps: TimeStamps
    revocation: Revocation
    authorities: Sequence[x509.Certificate]
    anchors: Sequence[x509.Certificate]
    clock: Clock
    time_stamp_anchors: Sequence[x509.Certificate] = ()

    @property
    def stamping(self) -> TrustMaterial:
        """The same, for what a time-stamp authority has signed."""
        return replace(self, anchors=(*self.anchors, *self.time_stamp_anchors), time_stamp_anchors=())
