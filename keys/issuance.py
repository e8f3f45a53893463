"""One certificate, from its profile to its signature. No storage here: `certificate.py` keeps what it issues."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from secrets import randbits

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1
from asn1crypto.algos import SignedDigestAlgorithm
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from keys.algorithms import PublicKey, algorithm_named, check_new_public_key
from keys.certificate_lint import check_before_signing
from keys.errors import CertificateError
from keys.profiles import Profile
from keys.signer import Signer
from keys.subject import Names
from keys.to_be_signed import Issuer, Validity, key_identifier, tbs_certificate


@dataclass(frozen=True)
class Pointers:
    """Where a relying party finds the issuer's certificate, its list and its responder (RFC 5280 section 4.2.2.1)."""

    crt_url: str
    crl_url: str
    ocsp_url: str


def pointers_below(base: str, authority: str, *, ocsp_url: str = "") -> Pointers:
    """As `views.py` answers them; `ocsp_url` where the responder is deployed elsewhere."""
    return Pointers(f"{base}/ca/{authority}.crt", f"{base}/ca/{authority}.crl", ocsp_url or f"{base}/ocsp")


def signed_certificate(
    profile: Profile,
    *,
    names: Names,
    public_key: PublicKey,
    signer: Signer,
    issuer: x509.Certificate | None,
    pointers: Pointers,
    now: datetime,
) -> x509.Certificate:
    """`signer` is the issuer's; `issuer` is None for a root, which signs itself.

    Raises LintError, before anything is signed, for what breaks a rule.
    """
    check_new_public_key(public_key)
    algorithm = algorithm_named(signer.algorithm).x509_identifier
    tbs = tbs_certificate(
        profile,
        serial=new_serial(),
        names=names,
        public_key=public_key_info(public_key),
        validity=validity_from(now, profile, issuer),
        issuer=Issuer(
            name=names.subject if issuer is None else subject_of(issuer),
            key_identifier=issuer_key_identifier(issuer, signer.public_key),
            crt_url=pointers.crt_url,
            crl_url=pointers.crl_url,
            ocsp_url=pointers.ocsp_url,
        ),
        signature=SignedDigestAlgorithm(algorithm),
    )
    check_before_signing(tbs, profile, algorithm=signer.algorithm, issuer=as_asn1(issuer) if issuer else None)
    signature = signer.sign_x509(tbs.dump())
    parts = {"tbs_certificate": tbs, "signature_algorithm": algorithm, "signature_value": signature}
    certificate = x509.load_der_x509_certificate(asn1.Certificate(parts).dump())
    certificate.verify_directly_issued_by(issuer or certificate)  # a faulty signature must not leave
    return certificate


def issuer_key_identifier(issuer: x509.Certificate | None, public_key: PublicKey) -> bytes:
    """RFC 5280 section 4.2.1.1: as the issuer's certificate names its key, whatever made the name; ours by RFC 7093."""
    if issuer is None:
        return key_identifier(public_key_info(public_key))
    try:
        return issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound as error:
        raise CertificateError("the issuer's certificate does not name its key") from error


def as_asn1(certificate: x509.Certificate) -> asn1.Certificate:
    parsed: asn1.Certificate = asn1.Certificate.load(certificate.public_bytes(Encoding.DER))
    return parsed


def new_serial() -> int:
    """RFC 5280 section 4.1.2.2: positive, at most 20 octets; 159 bits that nobody can guess."""
    return randbits(159) or 1


def validity_from(now: datetime, profile: Profile, issuer: x509.Certificate | None) -> Validity:
    """RFC 5280 section 4.1.2.5: whole seconds; never beyond the issuer's."""
    begins = now.replace(microsecond=0)
    ends = begins + profile.validity
    return Validity(begins, min(ends, issuer.not_valid_after_utc) if issuer else ends)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """Name and signature agree."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):  # SHA-1 among them
        return False
    return True


def subject_of(certificate: x509.Certificate) -> asn1.Name:
    subject: asn1.Name = asn1.Certificate.load(certificate.public_bytes(Encoding.DER)).subject
    return subject


def public_key_bits(certificate: x509.Certificate) -> bytes:
    """The subjectPublicKey's bits, without tag, length and count: what key identifiers and hashes are made over."""
    parsed = asn1.Certificate.load(certificate.public_bytes(Encoding.DER))
    return bytes(parsed["tbs_certificate"]["subject_public_key_info"]["public_key"].contents[1:])


def public_key_info(public_key: PublicKey) -> asn1_keys.PublicKeyInfo:
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    info: asn1_keys.PublicKeyInfo = asn1_keys.PublicKeyInfo.load(der)
    return info
