"""Whether the certificates of an attestation statement lead to a maker that is trusted.

A trust anchor is a name and a key (RFC 5280 section 6.1.1 d): the configured certificate may be a manufacturer's root,
or the one that signs for a batch of devices. OpenSSL takes only the very bytes of a self-signed certificate, and so
refuses an authenticator that writes its batch certificate anew each time, with the same name and key.

1. each certificate is in force
2. the first is fit to attest: no authority itself, and a packed one names its kind and model (section 8.2.1)
3. each is signed by an anchor, or by the next one, which is an authority
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.x509.oid import NameOID

LONGEST_CHAIN = 5
PACKED = "packed"
PACKED_UNIT = "Authenticator Attestation"  # WebAuthn Level 3 section 8.2.1
AAGUID = x509.ObjectIdentifier("1.3.6.1.4.1.45724.1.1.4")  # id-fido-gen-ce-aaguid, an OCTET STRING in the extension
OCTET_STRING_16 = b"\x04\x10"


def is_trusted(x5c: Sequence[bytes], roots: Sequence[bytes], *, fmt: str, aaguid: bytes, at: datetime) -> bool:
    """`x5c` is DER, the attesting certificate first; `roots` are PEM. An empty list of either trusts nothing."""
    if not 0 < len(x5c) <= LONGEST_CHAIN:
        return False
    try:
        chain = [x509.load_der_x509_certificate(each) for each in x5c]
        anchors = [anchor for pem in roots for anchor in x509.load_pem_x509_certificates(pem)]
        in_force = all(is_in_force(each, at) for each in chain)
        return in_force and is_fit_to_attest(chain[0], fmt, aaguid) and leads_to(chain, anchors, at)
    except Exception:  # noqa: BLE001 - a certificate that cannot be read, whatever the reason, is not trusted
        return False


def leads_to(chain: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate], at: datetime) -> bool:
    """Step 3."""
    for place, certificate in enumerate(chain):
        if any(is_in_force(anchor, at) and vouches_for(anchor, certificate) for anchor in anchors):
            return True
        following = chain[place + 1] if place + 1 < len(chain) else None
        if following is None or not is_authority(following) or not is_issued_by(certificate, following):
            return False
    return False


def vouches_for(anchor: x509.Certificate, certificate: x509.Certificate) -> bool:
    return certificate == anchor or is_issued_by(certificate, anchor)


def is_issued_by(certificate: x509.Certificate, issuer: x509.Certificate) -> bool:
    """The issuer's name, and a signature that its key made."""
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def is_in_force(certificate: x509.Certificate, at: datetime) -> bool:
    """Step 1."""
    return certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc


def is_authority(certificate: x509.Certificate) -> bool:
    return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def is_fit_to_attest(certificate: x509.Certificate, fmt: str, aaguid: bytes) -> bool:
    """Step 2. The certificate's model, where it names one, is the authenticator's (section 8.2)."""
    if fmt != PACKED:
        return True  # each other format has its own rules, which py_webauthn checks
    units = [str(each.value) for each in certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)]
    named = [each.value for each in certificate.extensions if each.oid == AAGUID]
    same_model = all(
        isinstance(each, x509.UnrecognizedExtension) and each.value == OCTET_STRING_16 + aaguid for each in named
    )
    return not is_authority(certificate) and units == [PACKED_UNIT] and same_model
