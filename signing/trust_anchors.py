"""Whose certificates end a chain: our own root, and the PEM files the deployment names. An empty set fails."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from core.errors import PrajakError

PEM_SUFFIXES = frozenset({".pem", ".crt", ".cer"})


class NoTrustAnchors(PrajakError):
    """Validation with nothing to believe would pass or fail by accident."""


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
            for file in pem_files(place):
                found += certificates_in(file)
    return TrustAnchors(tuple(dict.fromkeys(found)))


def certificates_in(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError as error:
        raise UnreadableAnchors(f"{file} holds no certificate in PEM form") from error


def pem_files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(file for file in place.iterdir() if file.suffix.lower() in PEM_SUFFIXES)
    return [place]
