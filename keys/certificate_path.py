"""From a certificate to a trust anchor, and one signature by its algorithm identifier: for what we make ourselves or
ask others for. What strangers signed is judged in signing's child.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from core.errors import PrajakError

LONGEST_PATH = 8
HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


class PathError(PrajakError):
    """No path to an anchor, or a link of it does not hold."""


def build_path(
    certificate: x509.Certificate,
    others: Sequence[x509.Certificate],
    *,
    anchors: Sequence[x509.Certificate],
    at: datetime,
) -> tuple[x509.Certificate, ...]:
    """RFC 5280 section 6, for a hierarchy without policies: signatures, names, validity, basic constraints, key usage.

    PathError where none of the anchors is reached; an empty list of anchors reaches none.
    """
    path = [certificate]
    while path[-1] not in anchors:
        if len(path) > LONGEST_PATH:
            raise PathError("the path is too long")
        path.append(issuer_of(path[-1], [*anchors, *others]))
    for link in path:
        if not link.not_valid_before_utc <= at <= link.not_valid_after_utc:
            raise PathError(f"not valid at this time: {link.subject.rfc4514_string()}")
    return tuple(path)


def issuer_of(certificate: x509.Certificate, candidates: Sequence[x509.Certificate]) -> x509.Certificate:
    """The authority whose name and key stand behind this certificate."""
    for candidate in candidates:
        if candidate.subject == certificate.issuer and candidate != certificate and is_authority(candidate):
            try:
                certificate.verify_directly_issued_by(candidate)
            except (InvalidSignature, ValueError, TypeError):
                continue
            return candidate
    raise PathError(f"no issuer found for {certificate.subject.rfc4514_string()}")


def is_authority(certificate: x509.Certificate) -> bool:
    """Sections 4.2.1.9 and 4.2.1.3."""
    try:
        if not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
            return False
    except x509.ExtensionNotFound:
        return False
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.key_cert_sign
    except x509.ExtensionNotFound:
        return True


def check_covers(crl: x509.CertificateRevocationList, certificate: x509.Certificate) -> None:
    """RFC 5280 sections 5.2 and 6.3.3: ValueError for a list that may say nothing of this certificate though it is
    revoked. A delta, one of some reasons or of other certificates, and what has a critical extension that is not known.
    """
    for extension in crl.extensions:
        value = extension.value
        is_scope = isinstance(value, x509.IssuingDistributionPoint)
        if isinstance(value, x509.DeltaCRLIndicator) or (is_scope and not is_of_scope(value, certificate)):
            raise ValueError("a list of changes alone, of other certificates or of some reasons")
        if extension.critical and not is_scope:
            raise ValueError(f"a list with a critical extension that is not known: {extension.oid.dotted_string}")


def is_of_scope(point: x509.IssuingDistributionPoint, certificate: x509.Certificate) -> bool:
    """Section 6.3.3 steps (b)(1) and (2): a part of an authority's list is the part that the certificate names."""
    others = point.only_contains_user_certs if is_authority(certificate) else point.only_contains_ca_certs
    if others or point.only_contains_attribute_certs or point.indirect_crl or point.only_some_reasons:
        return False
    if point.relative_name is not None:
        return False
    return point.full_name is None or any(name in list_names(certificate) for name in point.full_name)


def list_names(certificate: x509.Certificate) -> list[x509.GeneralName]:
    try:
        points = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    except x509.ExtensionNotFound:
        return []
    return [name for point in points for name in point.full_name or ()]


def signs_lists(certificate: x509.Certificate) -> bool:
    """Section 6.3.3 step (f)."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def verify_signature(
    public_key: Any, signature: bytes, signed: bytes, *, signature_algorithm: Any, digest: str
) -> None:
    """A CMS signature by its algorithm identifier; raises InvalidSignature, ValueError where it is not offered."""
    hash_algorithm = HASHES[digest]
    name = signature_algorithm.signature_algo
    if name == "ecdsa" and isinstance(public_key, ec.EllipticCurvePublicKey):
        public_key.verify(signature, signed, ec.ECDSA(hash_algorithm))
    elif name == "rsassa_pkcs1v15" and isinstance(public_key, rsa.RSAPublicKey):
        public_key.verify(signature, signed, padding.PKCS1v15(), hash_algorithm)
    elif name == "rsassa_pss" and isinstance(public_key, rsa.RSAPublicKey):
        salt = int(signature_algorithm["parameters"]["salt_length"].native)
        public_key.verify(signature, signed, padding.PSS(padding.MGF1(hash_algorithm), salt), hash_algorithm)
    elif name == "ed25519" and isinstance(public_key, ed25519.Ed25519PublicKey):
        public_key.verify(signature, signed)
    else:
        raise ValueError(f"signature algorithm {name} does not fit the key")
