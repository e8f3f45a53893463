"""Certificates that the deployment names: a PEM file, or a folder of them."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from keys.errors import CertificateError

PEM_SUFFIXES = frozenset({".pem", ".crt", ".cer"})


def load_certificates(place: Path) -> list[x509.Certificate]:
    """Every certificate of the file, or of the PEM files in the folder; CertificateError where there is none."""
    found = [each for file in pem_files(place) for each in certificates_in(file)]
    if not found:
        raise CertificateError(f"{place} holds no certificate in PEM form")
    return found


def pem_files(place: Path) -> list[Path]:
    if place.is_dir():
        return sorted(file for file in place.iterdir() if file.suffix.lower() in PEM_SUFFIXES)
    return [place]


def certificates_in(file: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except (OSError, ValueError) as error:
        raise CertificateError(f"{file} holds no certificate in PEM form") from error
