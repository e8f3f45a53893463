"""The CMS of a PAdES signature: RFC 5652 as ETSI EN 319 142-1 section 6.3 and EN 319 122-1 section 5 profile it.

Written once, around the digest that was prepared: content type, message digest, signing certificate, nothing that
PAdES forbids (no signing time: the claimed time stands in `/M`).
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from core.errors import PrajakError
from keys.der import explicit, integer, null, object_identifier, octet_string, sequence, set_of
from keys.signer import Signer
from signing.der_reading import contents

SHA256 = sequence(object_identifier("2.16.840.1.101.3.4.2.1"))
DATA = object_identifier("1.2.840.113549.1.7.1")
SIGNED_DATA = object_identifier("1.2.840.113549.1.7.2")
CONTENT_TYPE = object_identifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = object_identifier("1.2.840.113549.1.9.4")
ALGORITHM_PROTECTION = object_identifier("1.2.840.113549.1.9.52")
SIGNING_CERTIFICATE_V2 = object_identifier("1.2.840.113549.1.9.16.2.47")
SIGNATURE_TIME_STAMP = object_identifier("1.2.840.113549.1.9.16.2.14")

MGF1_SHA256 = sequence(object_identifier("1.2.840.113549.1.1.8"), SHA256)
SIGNATURE_ALGORITHMS = {  # by JWA name; RFC 5754 section 3, RFC 4055 section 3.1 (salt of 32 bytes)
    "ES256": sequence(object_identifier("1.2.840.10045.4.3.2")),
    "RS256": sequence(object_identifier("1.2.840.113549.1.1.11"), null()),
    "PS256": sequence(
        object_identifier("1.2.840.113549.1.1.10"),
        sequence(explicit(0, SHA256), explicit(1, MGF1_SHA256), explicit(2, integer(32))),
    ),
}


class UnfitSigner(PrajakError):
    """A key that cannot give this signature: an algorithm not offered, or not the certificate's key."""


class SignerAnswer(PrajakError):
    """The key's signature does not verify under its certificate."""


def signed_attributes(digest: bytes, certificate: bytes, signature_algorithm: bytes) -> bytes:
    """RFC 5652 section 5.3 as a SET, as it is signed (section 5.4)."""
    certificate_id = sequence(octet_string(sha256(certificate).digest()))  # RFC 5035 section 4: SHA-256 is the default
    protection = sequence(SHA256, explicit(1, contents(signature_algorithm)))  # RFC 6211
    return set_of(
        attribute(CONTENT_TYPE, DATA),
        attribute(MESSAGE_DIGEST, octet_string(digest)),
        attribute(SIGNING_CERTIFICATE_V2, sequence(sequence(certificate_id))),
        attribute(ALGORITHM_PROTECTION, protection),
    )


def attribute(kind: bytes, value: bytes) -> bytes:
    return sequence(kind, set_of(value))


def sign_digest(digest: bytes, *, signer: Signer, certificate: bytes) -> tuple[bytes, bytes]:
    """The signed attributes over this ByteRange digest and the key's signature over them."""
    check_signer(signer, certificate)
    attributes = signed_attributes(digest, certificate, SIGNATURE_ALGORITHMS[signer.algorithm])
    return attributes, signer.sign_x509(attributes)


def check_signer(signer: Signer, certificate: bytes) -> None:
    if signer.algorithm not in SIGNATURE_ALGORITHMS:
        raise UnfitSigner(f"documents are signed with {', '.join(SIGNATURE_ALGORITHMS)}, not with {signer.algorithm}")
    if x509.load_der_x509_certificate(certificate).public_key() != signer.public_key:
        raise UnfitSigner("the key is not the one in the signer's certificate")


def signed_data(
    *,
    attributes: bytes,
    signature: bytes,
    algorithm: str,
    certificates: Sequence[bytes],
    time_stamp: bytes | None,
) -> bytes:
    """RFC 5652 sections 3 and 5: detached, one signer, the signer's certificate first among `certificates`.

    DER, as ISO 32000-2 section 12.8.3.3 wants it: the certificates are a SET OF (X.690 section 11.6).
    """
    signer_info = sequence(
        integer(1),
        issuer_and_serial(certificates[0]),
        SHA256,
        explicit(0, contents(attributes)),
        SIGNATURE_ALGORITHMS[algorithm],
        octet_string(signature),
        explicit(1, attribute(SIGNATURE_TIME_STAMP, time_stamp)) if time_stamp else b"",
    )
    body = sequence(
        integer(1),
        set_of(SHA256),
        sequence(DATA),
        explicit(0, b"".join(sorted(certificates))),
        set_of(signer_info),
    )
    return sequence(SIGNED_DATA, explicit(0, body))


def issuer_and_serial(certificate: bytes) -> bytes:
    loaded = x509.load_der_x509_certificate(certificate)
    return sequence(loaded.issuer.public_bytes(), integer(loaded.serial_number))


def der_of(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
