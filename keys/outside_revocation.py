"""Whether an outside certificate is revoked, asked of those whom it names: OCSP (RFC 6960) and lists (RFC 5280).

Nothing is verified here: whoever asks holds the path and verifies (signing/evidence.py). The addresses stand in
certificates that were verified up to an anchor of the deployment's, and no private network is called for them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID

from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused

LARGEST_LIST = 8 * 1024 * 1024
LARGEST_ANSWER = 64 * 1024
MOST_ADDRESSES = 3  # of one kind that one certificate names
HTTP_OK = 200
KEPT = timedelta(minutes=10)
KEPT_AT_MOST = 16  # lists; they may be large
REQUEST_HEADERS = {"Content-Type": "application/ocsp-request", "Accept": "application/ocsp-response"}

log = structlog.get_logger()


@dataclass(frozen=True)
class Kept:
    encoded: bytes
    until: datetime


class OutsideRevocation:
    """One per process. Goes out over the network: never call it within a transaction."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self._lists: dict[str, Kept] = {}

    def ocsp_for(self, certificate: x509.Certificate, issuer: x509.Certificate) -> bytes | None:
        """A response about this certificate; None where its authority names no responder, or none answers."""
        request = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, SHA1())  # noqa: S303 - only names it
        encoded = request.build().public_bytes(Encoding.DER)
        for url in responders_of(certificate):
            answer = self._fetched(url, encoded)
            if answer is not None and is_successful(answer):
                return answer
        return None

    def crls_for(self, certificate: x509.Certificate) -> list[bytes]:
        """The list that this certificate's authority publishes; none where it names none, or none comes."""
        for url in lists_of(certificate):
            found = self._list_at(url)
            if found is not None:
                return [found]
        return []

    def _list_at(self, url: str) -> bytes | None:
        now, kept = self.ground.clock.now(), self._lists.get(url)
        if kept is not None and now < kept.until:
            return kept.encoded
        fetched = self._fetched(url, None)
        if fetched is None:
            return None
        ends = next_update_of(fetched)
        if ends is None:
            return None
        if len(self._lists) >= KEPT_AT_MOST:
            self._lists = {}
        self._lists[url] = Kept(fetched, min(ends, now + KEPT))
        return fetched

    def _fetched(self, url: str, body: bytes | None) -> bytes | None:
        outbound = self.ground.outbound
        try:
            if body is None:
                answer = outbound.get(url, max_bytes=LARGEST_LIST, plain=True)
            else:
                answer = outbound.post(url, body, headers=REQUEST_HEADERS, max_bytes=LARGEST_ANSWER, plain=True)
        except (OutboundFailed, OutboundRefused) as error:
            log.warning("outside_revocation_unknown", url=url, why=str(error))
            return None
        return answer.body if answer.status == HTTP_OK else None


def responders_of(certificate: x509.Certificate) -> Iterator[str]:
    """RFC 5280 section 4.2.2.1."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return
    of_ocsp = [each for each in access if each.access_method == AuthorityInformationAccessOID.OCSP]
    yield from addresses(each.access_location for each in of_ocsp)


def lists_of(certificate: x509.Certificate) -> Iterator[str]:
    """RFC 5280 section 4.2.1.13: complete lists of the certificate's own authority."""
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return
    whole = [point for point in points if point.reasons is None and point.crl_issuer is None]
    yield from addresses(name for point in whole for name in point.full_name or ())


def addresses(names: Iterable[x509.GeneralName]) -> list[str]:
    found = [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]
    return [url for url in found if url.startswith(("http://", "https://"))][:MOST_ADDRESSES]


def is_successful(answer: bytes) -> bool:
    try:
        status = ocsp.load_der_ocsp_response(answer).response_status
    except ValueError:
        return False
    return status is ocsp.OCSPResponseStatus.SUCCESSFUL


def next_update_of(encoded: bytes) -> datetime | None:
    """None for what is no list, or one without an end."""
    try:
        return x509.load_der_x509_crl(encoded).next_update_utc
    except ValueError:
        return None
