"""From a certificate to one of our anchors, when a signature is made (validation of strangers' is in the child)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509

from keys import certificate_path
from keys.certificate_path import PathError, issuer_of, verify_signature
from signing.trust_material import TrustMaterial

__all__ = ["PathError", "build_path", "issuer_of", "verify_signature"]


def build_path(
    certificate: x509.Certificate, others: Sequence[x509.Certificate], trust: TrustMaterial, *, at: datetime
) -> tuple[x509.Certificate, ...]:
    """Raises PathError."""
    return certificate_path.build_path(certificate, [*trust.authorities, *others], anchors=trust.anchors, at=at)
