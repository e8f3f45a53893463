"""A certificate and a signature dictionary as plain facts for a report."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from asn1crypto import x509
from pyhanko.sign.validation import EmbeddedPdfSignature

from signing.child.findings import iso
from signing.child.tokens import common_name

LONGEST_TEXT = 500


def describe_certificate(certificate: x509.Certificate) -> dict[str, Any]:
    organization = certificate.subject.native.get("organization_name", "")
    return {
        "subject": certificate.subject.human_friendly,
        "common_name": common_name(certificate),
        "organization": organization if isinstance(organization, str) else "; ".join(organization),
        "issuer": certificate.issuer.human_friendly,
        "serial_number": f"{certificate.serial_number:x}",
        "not_before": iso(certificate.not_valid_before),
        "not_after": iso(certificate.not_valid_after),
        "sha256": certificate.sha256.hex(),
    }


def describe_claims(signature: EmbeddedPdfSignature) -> dict[str, Any]:
    """What the signer says; nobody proves it."""
    return {"claimed_time": iso(claimed_time(signature)), "claimed_reason": text(signature, "/Reason")}


def claimed_time(signature: EmbeddedPdfSignature) -> datetime | None:
    try:
        claimed: datetime | None = signature.self_reported_timestamp
    except (ValueError, KeyError, TypeError, AttributeError, IndexError):
        return None
    if claimed is not None and claimed.tzinfo is None:
        return claimed.replace(tzinfo=UTC)
    return claimed


def text(signature: EmbeddedPdfSignature, key: str) -> str:
    value = signature.sig_object.get(key)
    return str(value)[:LONGEST_TEXT] if isinstance(value, str) else ""
