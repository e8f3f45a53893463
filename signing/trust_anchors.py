"""Whose certificates end a chain: our own root, and the PEM files the deployment names. An empty set fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from core.errors import PrajakError, Unavailable
from keys.certificate_files import certificates_in, pem_files
from keys.errors import CertificateError


class NoTrustAnchors(Unavailable):
    """Validation with nothing to believe would pass or fail by accident. `reason` is for the operator."""

    def __init__(self, reason: str) -> None:
        super().__init__("Signatures cannot be verified here yet: no authority is trusted. Please try again later.")
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class UnreadableAnchors(PrajakError):
    """A file that should hold trusted certificates holds none that can be read."""


@dataclass(frozen=True)
class TrustAnchors:
    certificates: tuple[x509.Certificate, ...]

    def __post_init__(self) -> None:
        if not self.certificates:
            raise NoTrustAnchors("no trust anchor is configured: name a PEM file or folder")


def load_trust_anchors(*places: Path | None, own: Sequence[x509.Certificate] = ()) -> TrustAnchors:
    """`own` roots, and every certificate of each PEM file or of the PEM files in each folder."""
    found = list(own)
    for place in places:
        if place is not None:
            found += certificates_at(place)
    return TrustAnchors(tuple(dict.fromkeys(found)))


def certificates_at(place: Path) -> list[x509.Certificate]:
    try:
        return [each for file in pem_files(place) for each in certificates_in(file)]
    except CertificateError as error:
        raise UnreadableAnchors(str(error)) from error
