"""What is asked of an authority's certificate and its list before either is believed: RFC 5280 sections 4.2.1, 6.3.3.

Pure: no storage, no clock of its own. Everything that does not hold raises CertificateError, which says what.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from asn1crypto import pem as asn1_pem
from asn1crypto.crl import CertificateList
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding

from keys.algorithms import PublicKey
from keys.certificate_path import check_covers
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError, KeystoreError
from keys.issuance import is_issued_by, subject_of
from keys.weak_keys import check_public_key

MAX_BYTES = 4 * 1024 * 1024
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
REASONS = {
    x509.ReasonFlags.key_compromise: RevocationReason.KEY_COMPROMISE,
    x509.ReasonFlags.ca_compromise: RevocationReason.CA_COMPROMISE,
    x509.ReasonFlags.affiliation_changed: RevocationReason.AFFILIATION_CHANGED,
    x509.ReasonFlags.superseded: RevocationReason.SUPERSEDED,
    x509.ReasonFlags.cessation_of_operation: RevocationReason.CESSATION_OF_OPERATION,
    x509.ReasonFlags.privilege_withdrawn: RevocationReason.PRIVILEGE_WITHDRAWN,
}


def check_authority(certificate: x509.Certificate, issuer: x509.Certificate, what: str) -> None:
    """Steps 1 and 2."""
    check_key(certificate, what)
    if not is_issued_by(certificate, issuer):
        raise CertificateError(f"{what} is not signed by the root")
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage)
        certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    except (x509.ExtensionNotFound, ValueError) as error:
        raise CertificateError(f"{what} is not an authority's (RFC 5280 section 4.2.1): {error}") from error
    if issuer != certificate and path_length_of(issuer) == 0:
        raise CertificateError("the root allows no authority below it (RFC 5280 section 4.2.1.9)")
    if not (constraints.critical and constraints.value.ca and usage.value.key_cert_sign and usage.value.crl_sign):
        raise CertificateError(f"{what} does not say that it may sign certificates and lists (RFC 5280 section 4.2.1)")


def path_length_of(certificate: x509.Certificate) -> int | None:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length


def check_key(certificate: x509.Certificate, what: str) -> PublicKey:
    """CertificateError where nobody should have such a key."""
    try:
        return check_public_key(certificate.public_key())
    except (KeystoreError, CertificateError, ValueError, UnsupportedAlgorithm) as error:
        raise CertificateError(f"{what}: {error}") from error


def check_list(
    crl: x509.CertificateRevocationList, root: x509.Certificate, below: Iterable[x509.Certificate], now: datetime
) -> None:
    """Step 5, RFC 5280 section 6.3.3; `below` are the certificates that it must speak of."""
    if not signed_by(crl, root):
        raise CertificateError("the list is not signed by the root")
    try:
        for each in below:
            check_covers(crl, each)
    except ValueError as error:
        raise CertificateError(f"the list cannot say whether the issuing certificate is revoked: {error}") from error
    if crl.next_update_utc is None or not crl.last_update_utc <= now + timedelta(minutes=5):
        raise CertificateError("the list is of another time, or does not say when the next one comes")
    if now >= crl.next_update_utc:
        raise CertificateError("the list has ended: the root must sign a new one")


def signed_by(crl: x509.CertificateRevocationList, root: x509.Certificate) -> bool:
    """Name and signature agree. Names are compared as encoded: cryptography warns of Thai ones that are long."""
    named = CertificateList.load(crl.public_bytes(Encoding.DER))["tbs_cert_list"]["issuer"].dump()
    if named != subject_of(root).dump():
        return False
    try:
        return crl.is_signature_valid(root.public_key())  # type: ignore[arg-type]
    except (ValueError, TypeError):
        return False


def list_number(crl: x509.CertificateRevocationList) -> int:
    """RFC 5280 section 5.2.3; the moment, where a root gives none, or one that is no number of ours."""
    moment = (crl.last_update_utc - EPOCH) // timedelta(microseconds=1)
    try:
        number = crl.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except x509.ExtensionNotFound:
        return moment
    return number if number.bit_length() < 63 else moment  # noqa: PLR2004 - a database's largest number


def reason_of(entry: x509.RevokedCertificate) -> RevocationReason:
    try:
        flag = entry.extensions.get_extension_for_class(x509.CRLReason).value.reason
    except x509.ExtensionNotFound:
        return RevocationReason.UNSPECIFIED
    return REASONS.get(flag, RevocationReason.UNSPECIFIED)


def pointers_of(certificate: x509.Certificate) -> list[str]:
    """Every URL of AIA and CDP; CertificateError for one that is not HTTP."""
    found = []
    for extension in certificate.extensions:
        if isinstance(extension.value, x509.AuthorityInformationAccess):
            found += [each.access_location.value for each in extension.value]
        if isinstance(extension.value, x509.CRLDistributionPoints):
            found += [name.value for point in extension.value for name in point.full_name or ()]
    if not all(str(each).startswith(("http://", "https://")) for each in found):
        raise CertificateError("a pointer of the issuing certificate does not lead over HTTP")
    return [str(each) for each in found]


def one_certificate(encoded: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der_of(encoded, "CERTIFICATE"))
    except ValueError as error:
        raise CertificateError("this is no certificate that can be read") from error


def one_list(encoded: bytes) -> x509.CertificateRevocationList:
    try:
        return x509.load_der_x509_crl(der_of(encoded, "X509 CRL"))
    except ValueError as error:
        raise CertificateError("this is no revocation list that can be read") from error


def der_of(encoded: bytes, kind: str) -> bytes:
    if len(encoded) > MAX_BYTES:
        raise CertificateError(f"a file of more than {MAX_BYTES} bytes is none of these")
    if not asn1_pem.detect(encoded):
        return encoded
    found, _, der = asn1_pem.unarmor(encoded)
    if found != kind:
        raise CertificateError(f"this is a {found.lower()}, not a {kind.lower()}")
    return bytes(der)
