"""Certification requests, PKCS#10 (RFC 2986): ours to others, and others' to us.

A request is believed in one thing alone: whoever made it has the private key (section 3: the signature over it, which
RFC 4211 section 4.1 calls proof of possession). What it says of its maker is a proposal: whom a certificate names is
said by who issues it, and what the key may do is said by the profile.
"""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass

from asn1crypto import csr as asn1_csr
from asn1crypto import pem as asn1_pem
from asn1crypto import x509 as asn1
from asn1crypto.algos import SignedDigestAlgorithm
from asn1crypto.core import SetOf
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from keys.algorithms import PublicKey, algorithm_named
from keys.errors import CertificateError, KeystoreError
from keys.issuance import public_key_info
from keys.jwks import thumbprint
from keys.signer import Signer
from keys.subject import Names
from keys.weak_keys import check_public_key

MAX_BYTES = 32 * 1024
DIGESTS = frozenset({"sha256", "sha384", "sha512"})  # SHA-1 proves nothing any more
PEM_LINE = 64


@dataclass(frozen=True)
class CertificateRequest:
    """A request whose maker has the private key. `names` are a proposal; `kid` is the key's RFC 7638 thumbprint."""

    public_key: PublicKey
    kid: str
    proposed: Names
    encoded: bytes


def signed_request(signer: Signer, names: Names) -> bytes:
    """Section 4, in DER: for a key of ours, to be certified by another. The other name goes along as an extension."""
    attributes = []
    if names.other is not None:
        general = asn1.GeneralNames([asn1.GeneralName(name="directory_name", value=names.other)])
        extension = {"extn_id": "subject_alt_name", "critical": False, "extn_value": general}
        attributes.append({"type": "extension_request", "values": [asn1.Extensions([extension])]})
    information = asn1_csr.CertificationRequestInfo(
        {
            "version": "v1",
            "subject": names.subject,
            "subject_pk_info": public_key_info(signer.public_key),
            "attributes": attributes,
        }
    )
    algorithm = SignedDigestAlgorithm(algorithm_named(signer.algorithm).x509_identifier)
    request = {
        "certification_request_info": information,
        "signature_algorithm": algorithm,
        "signature": signer.sign_x509(information.dump()),
    }
    encoded = bytes(asn1_csr.CertificationRequest(request).dump())
    verified_request(encoded)  # a faulty one must not leave
    return encoded


def verified_request(encoded: bytes) -> CertificateRequest:
    """PEM or DER. Raises CertificateError for what is none, proves nothing, or holds a key that nobody should have."""
    der = der_of(encoded)
    try:
        request = x509.load_der_x509_csr(der)
        public_key, valid = request.public_key(), request.is_signature_valid
        digest = request.signature_hash_algorithm
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise CertificateError("this is no certification request (PKCS#10) that can be read") from error
    if digest is not None and digest.name not in DIGESTS:
        raise CertificateError(f"the request is signed with {digest.name}, which proves nothing")
    if not valid:
        raise CertificateError("the request is not signed with the key that it names: its maker does not have it")
    try:
        checked = check_public_key(public_key)
    except KeystoreError as error:
        raise CertificateError(str(error)) from error
    return CertificateRequest(checked, thumbprint(checked), proposed_names(der), der)


def proposed_names(der: bytes) -> Names:
    """The subject, and the directoryName among the extensions that are asked for."""
    try:
        information = asn1_csr.CertificationRequest.load(der, strict=True)["certification_request_info"]
        subject = information["subject"]
        subject.native  # noqa: B018 - reads all of it, or fails here
        return Names(subject, directory_name(information["attributes"]))
    except (ValueError, TypeError, KeyError) as error:
        raise CertificateError("the request's names cannot be read") from error


def directory_name(attributes: SetOf) -> asn1.Name | None:
    for attribute in attributes or ():
        if attribute["type"].native != "extension_request":
            continue
        for extension in attribute["values"][0]:
            if extension["extn_id"].native == "subject_alt_name":
                names = [each.chosen for each in extension["extn_value"].parsed if each.name == "directory_name"]
                return names[0] if names else None
    return None


def der_of(encoded: bytes) -> bytes:
    if len(encoded) > MAX_BYTES:
        raise CertificateError(f"a certification request has at most {MAX_BYTES} bytes")
    if not asn1_pem.detect(encoded):
        return encoded
    try:
        kind, _, der = asn1_pem.unarmor(encoded)
    except ValueError as error:
        raise CertificateError("the PEM around the request is damaged") from error
    if not re.fullmatch("(NEW )?CERTIFICATE REQUEST", kind):
        raise CertificateError(f"this is a {kind.lower()}, and no certificate request")
    return bytes(der)


def pem_of(der: bytes, kind: str = "CERTIFICATE REQUEST") -> bytes:
    """RFC 7468 sections 5 to 7."""
    text = b64encode(der).decode()
    lines = [text[at : at + PEM_LINE] for at in range(0, len(text), PEM_LINE)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""]).encode()
