"""The time-stamp token: a CMS SignedData (RFC 5652 section 5) over a TSTInfo (RFC 3161 section 2.4.2). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import new as new_hash
from hashlib import sha256

from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from keys import der
from keys.algorithms import algorithm_named, x509_identifier
from keys.profiles import TIME_STAMP_POLICY
from keys.signer import Signer
from keys.time_stamp_request import TimeStampRequest

ACCURACY_SECONDS = 1  # EN 319 422 section 5.2.2: stated, and one second at most

SIGNED_DATA = der.object_identifier("1.2.840.113549.1.7.2")
TST_INFO = der.object_identifier("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE = der.object_identifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST = der.object_identifier("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE_V2 = der.object_identifier("1.2.840.113549.1.9.16.2.47")
DIGESTS = {
    "sha256": der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.1")),
    "sha384": der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.2")),
    "sha512": der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.3")),
}


@dataclass(frozen=True)
class TimeStamper:
    """The authority's signer with its certificate, and the parts that all their tokens share. `used_until` is what the
    certificate says of the private key, None where it says nothing.
    """

    signer: Signer
    certificate: x509.Certificate
    used_until: datetime | None
    certificates: bytes
    sid: bytes
    signing_certificate: bytes


def time_stamper(signer: Signer, chain: Sequence[x509.Certificate]) -> TimeStamper:
    """`chain`: the authority's certificate first; the root, which whoever verifies must have, is left out."""
    encoded = [certificate.public_bytes(Encoding.DER) for certificate in chain[:-1]]
    issuer, serial = Certificate.load(encoded[0]).issuer.dump(), der.integer(chain[0].serial_number)
    ess_cert_id = der.sequence(  # RFC 5035 section 4; SHA-256 is the default, which DER leaves unsaid
        der.octet_string(sha256(encoded[0]).digest()),
        der.sequence(der.sequence(der.explicit(4, issuer)), serial),
    )
    return TimeStamper(
        signer=signer,
        certificate=chain[0],
        used_until=used_until(encoded[0]),
        certificates=der.explicit(0, b"".join(sorted(encoded))),
        sid=der.sequence(issuer, serial),
        signing_certificate=attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(ess_cert_id))),
    )


def used_until(certificate: bytes) -> datetime | None:
    """X.509 section 8.2.2.5; EN 319 421 section 7.6.7: no stamp after it."""
    period = Certificate.load(certificate).private_key_usage_period_value
    ends: datetime | None = None if period is None else period["not_after"].native
    return ends


def token(stamper: TimeStamper, request: TimeStampRequest, *, serial: int, at: datetime) -> bytes:
    """RFC 5652 section 5.1. Certificates only for those who asked (RFC 3161 section 2.4.1, certReq)."""
    algorithm = algorithm_named(stamper.signer.algorithm)
    info = tst_info(request, serial=serial, at=at)
    signed_data = der.sequence(
        der.integer(3),  # the content is not id-data
        der.set_of(DIGESTS[algorithm.digest]),
        der.sequence(TST_INFO, der.explicit(0, der.octet_string(info))),
        stamper.certificates if request.cert_req else b"",
        der.set_of(signer_info(stamper, info)),
    )
    return der.sequence(SIGNED_DATA, der.explicit(0, signed_data))


def signer_info(stamper: TimeStamper, info: bytes) -> bytes:
    """RFC 5652 sections 5.3 and 5.4: the signature is over the attributes as a SET, which then stand under [0]."""
    algorithm = algorithm_named(stamper.signer.algorithm)
    attributes = (
        attribute(CONTENT_TYPE, TST_INFO),
        attribute(MESSAGE_DIGEST, der.octet_string(new_hash(algorithm.digest, info).digest())),
        stamper.signing_certificate,
    )
    return der.sequence(
        der.integer(1),
        stamper.sid,
        DIGESTS[algorithm.digest],
        der.explicit(0, b"".join(sorted(attributes))),
        x509_identifier(stamper.signer.algorithm),
        der.octet_string(stamper.signer.sign_x509(der.set_of(*attributes))),
    )


def tst_info(request: TimeStampRequest, *, serial: int, at: datetime) -> bytes:
    """RFC 3161 section 2.4.2. `ordering` stays false: two workers do not agree on the order within their accuracy.

    In milliseconds, because a time cut to its second may already be wrong by the whole accuracy that is stated.
    """
    return der.sequence(
        der.integer(1),
        der.object_identifier(TIME_STAMP_POLICY),
        request.message_imprint,
        der.integer(serial),
        der.generalized_time_in_milliseconds(at),
        der.sequence(der.integer(ACCURACY_SECONDS)),
        b"" if request.nonce is None else der.integer(request.nonce),
    )


def attribute(kind: bytes, value: bytes) -> bytes:
    return der.sequence(kind, der.set_of(value))
