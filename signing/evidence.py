"""The evidence that makes a signature verifiable for good: chains and revocation answers, each verified before it
goes into the document security store (ETSI EN 319 142-1 section 5.4, RFC 6960 section 3.2, RFC 5280 section 6.3).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.certificate_path import check_covers, signs_lists
from signing.certificate_path import PathError, issuer_of
from signing.cms import der_of
from signing.errors import LevelNotReached
from signing.trust_material import TrustMaterial

SKEW = timedelta(minutes=5)
LONGEST_UNENDED = timedelta(hours=1)  # an answer that names no end says that there is always a newer one


@dataclass
class Evidence:
    """DER, in the order found, nothing twice."""

    certificates: dict[bytes, None] = field(default_factory=dict)
    ocsps: dict[bytes, None] = field(default_factory=dict)
    crls: dict[bytes, None] = field(default_factory=dict)


def collect_evidence(
    *,
    signers: Iterable[tuple[x509.Certificate, ...]],
    authorities: Iterable[tuple[x509.Certificate, ...]],
    trust: TrustMaterial,
) -> Evidence:
    """For every certificate of every path but the anchors; raises LevelNotReached where one cannot be confirmed.

    `authorities` are the paths of time-stamps: their status stands as a revocation list too, which is signed by the
    authority itself and so outlives a responder's short certificate, as nothing newer proves the last time-stamp.
    """
    evidence = Evidence()
    try:
        for path in signers:
            confirm_path(path, trust, evidence, with_lists=False)
        for path in authorities:
            confirm_path(path, trust.stamping, evidence, with_lists=True)
    except (PathError, InvalidSignature, ValueError, TypeError, x509.ExtensionNotFound) as error:
        raise LevelNotReached(f"revocation evidence refused: {type(error).__name__} {error}") from error
    return evidence


def confirm_path(
    path: tuple[x509.Certificate, ...], trust: TrustMaterial, evidence: Evidence, *, with_lists: bool
) -> None:
    """The leaf by OCSP where there is one; every authority, and on wish the leaf as well, by revocation lists."""
    for position, certificate in enumerate(path):
        evidence.certificates[der_of(certificate)] = None
        if certificate in trust.anchors:
            return
        issuer = path[position + 1]
        answer = trust.revocation.ocsp_for(certificate, issuer)
        if answer is not None:
            verify_ocsp(answer, certificate, issuer, now=trust.clock.now())
            evidence.ocsps[answer] = None
        if answer is None or with_lists:
            confirm_by_lists(certificate, issuer, trust, evidence, needed=answer is None)


def confirm_by_lists(
    certificate: x509.Certificate, issuer: x509.Certificate, trust: TrustMaterial, evidence: Evidence, *, needed: bool
) -> None:
    """Outside authorities may publish no list: then the OCSP answer stands alone."""
    lists = trust.revocation.crls_for(certificate)
    if not lists and needed:
        raise ValueError(f"no revocation answer for {certificate.subject.rfc4514_string()}")
    for crl in lists:
        verify_crl(crl, certificate, issuer, now=trust.clock.now())
        evidence.crls[crl] = None


def verify_ocsp(answer: bytes, certificate: x509.Certificate, issuer: x509.Certificate, *, now: datetime) -> None:
    """RFC 6960 section 3.2: the certificate asked for, signed by its issuer or a delegate, current, and good."""
    response = ocsp.load_der_ocsp_response(answer)
    if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
        raise ValueError("the responder did not answer")
    if response.serial_number != certificate.serial_number or response.issuer_key_hash != key_hash(issuer, response):
        raise ValueError("an answer about another certificate")
    verify_with(responder_of(response, issuer, now), response)
    if response.certificate_status is not ocsp.OCSPCertStatus.GOOD:
        raise ValueError(f"the certificate is {response.certificate_status.name.lower()}")
    check_current(response.this_update_utc, response.next_update_utc, now)


def key_hash(issuer: x509.Certificate, response: ocsp.OCSPResponse) -> bytes:
    """RFC 6960 section 4.1.1: over the issuer's key, without tag, length and unused bits."""
    point = issuer.public_key().public_bytes(
        *(
            (Encoding.X962, PublicFormat.UncompressedPoint)
            if isinstance(issuer.public_key(), ec.EllipticCurvePublicKey)
            else (Encoding.DER, PublicFormat.PKCS1)
        )
    )
    digest = hashes.Hash(response.hash_algorithm)
    digest.update(point)
    return digest.finalize()


def responder_of(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> x509.Certificate:
    """RFC 6960 section 4.2.2.2: the issuer itself, or a certificate it issued for this."""
    for delegate in response.certificates:
        if delegate == issuer:
            continue
        issuer_of(delegate, [issuer])
        usage = delegate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        if ExtendedKeyUsageOID.OCSP_SIGNING not in usage:
            raise ValueError("the responder's certificate is not one for OCSP")
        if not delegate.not_valid_before_utc <= now + SKEW or now > delegate.not_valid_after_utc:
            raise ValueError("the responder's certificate is not valid now, or has ended")
        return delegate
    return issuer


def verify_with(responder: x509.Certificate, response: ocsp.OCSPResponse) -> None:
    key = responder.public_key()
    hash_algorithm = response.signature_hash_algorithm
    if hash_algorithm is None:
        raise ValueError("the responder's algorithm is not offered")
    if isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(hash_algorithm))
    elif isinstance(key, rsa.RSAPublicKey):
        key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), hash_algorithm)
    else:
        raise TypeError("the responder's algorithm is not offered")


def verify_crl(crl: bytes, certificate: x509.Certificate, issuer: x509.Certificate, *, now: datetime) -> None:
    """RFC 5280 section 6.3.3: the issuer's own list, current, and the certificate is not on it."""
    loaded = x509.load_der_x509_crl(crl)
    if loaded.issuer != certificate.issuer or not loaded.is_signature_valid(issuer.public_key()):  # type: ignore[arg-type]
        raise ValueError("a revocation list of another issuer")
    if not signs_lists(issuer):
        raise ValueError("an issuer that signs no lists")
    check_covers(loaded, certificate)
    if loaded.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
        raise ValueError("the certificate is revoked")
    check_current(loaded.last_update_utc, loaded.next_update_utc, now)


def check_current(this_update: datetime, next_update: datetime | None, now: datetime) -> None:
    """RFC 6960 section 4.2.2.1. Without an end an old answer could be given again for ever after a revocation."""
    ends = this_update + LONGEST_UNENDED if next_update is None else next_update
    if this_update > now + SKEW or ends < now:
        raise ValueError("a revocation answer of another time")
