"""Writing an OCSP response, RFC 6960 section 4.2: pure, from statuses that were looked up to signed DER."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keys import der
from keys.algorithms import x509_identifier
from keys.certificate_rows import RevocationReason, RevokedStatus
from keys.ocsp_request import CertId
from keys.signer import Signer

ANSWER_LIFETIME = timedelta(hours=1)  # nextUpdate
BASIC_RESPONSE = der.object_identifier("1.3.6.1.5.5.7.48.1.1")
NONCE = der.object_identifier("1.3.6.1.5.5.7.48.1.2")

# Section 2.3: answers without a signature, which say nothing of any certificate.
MALFORMED_REQUEST = der.sequence(der.enumerated(1))
TRY_LATER = der.sequence(der.enumerated(3))

GOOD = der.implicit_primitive(0, b"")
UNKNOWN = der.implicit_primitive(2, b"")


@dataclass(frozen=True)
class Responder:
    """Who signs. `certificates`: of this one key, one by each issuer that is answered for, in DER.

    Section 4.2.2.2: a delegate is believed for what the issuer of its certificate has issued.
    """

    signer: Signer
    key_hash: bytes
    certificates: tuple[bytes, ...]


def signed_response(
    responder: Responder, statuses: Sequence[tuple[CertId, bytes]], *, now: datetime, nonce: bytes | None = None
) -> bytes:
    """Section 4.2.1: a BasicOCSPResponse and its responder's certificates."""
    data = der.sequence(
        der.explicit(2, der.octet_string(responder.key_hash)),
        der.generalized_time(now),
        der.sequence(*(single_response(question, status, now) for question, status in statuses)),
        b"" if nonce is None else der.explicit(1, der.sequence(nonce_extension(nonce))),
    )
    algorithm = x509_identifier(responder.signer.algorithm)
    signature = der.bit_string(responder.signer.sign_x509(data))
    basic = der.sequence(data, algorithm, signature, der.explicit(0, der.sequence(*responder.certificates)))
    return der.sequence(der.enumerated(0), der.explicit(0, der.sequence(BASIC_RESPONSE, der.octet_string(basic))))


def single_response(question: CertId, status: bytes, now: datetime) -> bytes:
    next_update = der.explicit(0, der.generalized_time(now + ANSWER_LIFETIME))
    return der.sequence(question.encoded(), status, der.generalized_time(now), next_update)


def revoked_info(revoked: RevokedStatus) -> bytes:
    """When, and why where there is a why."""
    unsaid = revoked.reason is RevocationReason.UNSPECIFIED
    why = b"" if unsaid else der.explicit(0, der.enumerated(revoked.reason.code))
    return der.explicit(1, der.generalized_time(revoked.at) + why)


def nonce_extension(nonce: bytes) -> bytes:
    return der.sequence(NONCE, der.octet_string(der.octet_string(nonce)))
