"""Whether anything that is known says that a certificate was revoked when it was used: RFC 5280 section 6.3, RFC 6960
section 3.2.

One answer that is good does not outweigh another that says revoked: an old list may still be within its time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import pairwise

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509 import ocsp

from signing.certificate_path import PathError
from signing.child.known import Known
from signing.evidence import key_hash, responder_of, verify_with

UNUSABLE = (ValueError, TypeError, KeyError, InvalidSignature, PathError, x509.ExtensionNotFound)


def is_revoked(path: Sequence[asn1_x509.Certificate], known: Known, *, used_at: datetime) -> int | None:
    """The place in the path (0 is the leaf, the anchor last) of a certificate that was revoked by then, or None."""
    loaded = [x509.load_der_x509_certificate(one.dump()) for one in path]
    for place, (certificate, issuer) in enumerate(pairwise(loaded)):
        if any(moment <= used_at for moment in revocations(certificate, issuer, known)):
            return place
    return None


def revocations(certificate: x509.Certificate, issuer: x509.Certificate, known: Known) -> Iterator[datetime]:
    """When the certificate was revoked, by each statement that its issuer stands behind."""
    yield from on_lists(certificate, issuer, known.crls)
    yield from in_responses(certificate, issuer, known.ocsps)


def on_lists(certificate: x509.Certificate, issuer: x509.Certificate, lists: Iterable[bytes]) -> Iterator[datetime]:
    for data in lists:
        try:
            crl = x509.load_der_x509_crl(data)
            entry = crl.get_revoked_certificate_by_serial_number(certificate.serial_number)
            issued = crl.issuer == certificate.issuer and entry is not None
            if issued and entry is not None and crl.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
                yield entry.revocation_date_utc
        except UNUSABLE:
            continue


def in_responses(
    certificate: x509.Certificate, issuer: x509.Certificate, responses: Iterable[bytes]
) -> Iterator[datetime]:
    for data in responses:
        try:
            response = ocsp.load_der_ocsp_response(data)
            about = response.serial_number == certificate.serial_number
            if about and response.revocation_time_utc and response.issuer_key_hash == key_hash(issuer, response):
                verify_with(responder_of(response, issuer, response.produced_at_utc), response)
                yield response.revocation_time_utc
        except UNUSABLE:
            continue
