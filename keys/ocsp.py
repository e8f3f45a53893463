"""An OCSP responder, RFC 6960, delegated by the issuing authority (its certificate has id-pkix-ocsp-nocheck).

A serial that was never issued is `unknown`, never `good`; so is every certificate of another issuer. A nonce is echoed
(RFC 9654) in an answer made for it; answers without one are kept for half a minute, well within the sixty seconds in
which a revocation must take effect.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import new as new_hash

from cryptography import x509

from core.ground import Ground
from keys import der
from keys.algorithms import x509_identifier
from keys.certificate import CertificateAuthority
from keys.certificate_rows import RevocationReason, RevokedStatus, load_status
from keys.issuance import public_key_bits, subject_of
from keys.ocsp_request import CertId, MalformedRequest, OcspRequest, parse_request
from keys.purposes import Purpose
from keys.service_certificates import ServiceCertificates

KEPT = timedelta(seconds=30)
KEPT_AT_MOST = 4096  # answers in this process
ANSWER_LIFETIME = timedelta(hours=1)  # nextUpdate
SERIAL_BITS = 160  # RFC 5280 section 4.1.2.2
ISSUER_HASHES = ("sha1", "sha256", "sha384", "sha512")  # SHA-1 only names an issuer here (RFC 5019); it proves nothing
SHA_256 = der.sequence(der.object_identifier("2.16.840.1.101.3.4.2.1"))

MALFORMED_REQUEST = der.sequence(der.enumerated(1))
BASIC_RESPONSE = der.object_identifier("1.3.6.1.5.5.7.48.1.1")
NONCE = der.object_identifier("1.3.6.1.5.5.7.48.1.2")
GOOD = der.implicit_primitive(0, b"")
UNKNOWN = der.implicit_primitive(2, b"")


@dataclass(frozen=True)
class Kept:
    answer: bytes
    until: datetime
    revocations: int


class OcspResponder:
    """One per process."""

    def __init__(self, ground: Ground, authority: CertificateAuthority, services: ServiceCertificates) -> None:
        self.ground = ground
        self.authority = authority
        self.services = services
        self._kept: dict[tuple[CertId, ...], Kept] = {}
        self._issuer_hashes: dict[str, tuple[bytes, bytes]] = {}

    def answer(self, der_request: bytes) -> bytes:
        """The DER response to a DER request, whatever it is. May write: never call it within a transaction."""
        try:
            request = parse_request(der_request)
        except MalformedRequest:
            return MALFORMED_REQUEST
        return self._kept_answer(request) if request.nonce is None else self._signed(request)

    def response_for(self, certificate: x509.Certificate) -> bytes:
        """What `answer` says of one of our certificates, to be embedded beside a signature."""
        cert_id = CertId(SHA_256, "sha256", *self._hashes_of_issuer("sha256"), certificate.serial_number)
        return self._kept_answer(OcspRequest((cert_id,)))

    def _kept_answer(self, request: OcspRequest) -> bytes:
        now, revocations = self.ground.clock.now(), self.authority.revocations
        kept = self._kept.get(request.questions)
        if kept is not None and now < kept.until and kept.revocations == revocations:
            return kept.answer
        answer = self._signed(request)
        if len(self._kept) >= KEPT_AT_MOST:
            self._kept = {}
        self._kept[request.questions] = Kept(answer, now + KEPT, revocations)
        return answer

    def _signed(self, request: OcspRequest) -> bytes:
        """RFC 6960 section 4.2.1: a BasicOCSPResponse and the responder's certificate."""
        responder, now = self.services.current(Purpose.OCSP), self.ground.clock.now()
        data = der.sequence(
            der.explicit(2, der.octet_string(responder.key_hash)),
            der.generalized_time(now),
            der.sequence(*(self._single_response(question, now) for question in request.questions)),
            b"" if request.nonce is None else der.explicit(1, der.sequence(nonce_extension(request.nonce))),
        )
        algorithm = x509_identifier(responder.signer.algorithm)
        signature = der.bit_string(responder.signer.sign_x509(data))
        basic = der.sequence(data, algorithm, signature, der.explicit(0, der.sequence(responder.encoded)))
        content = der.sequence(BASIC_RESPONSE, der.octet_string(basic))
        return der.sequence(der.enumerated(0), der.explicit(0, content))

    def _single_response(self, question: CertId, now: datetime) -> bytes:
        next_update = der.explicit(0, der.generalized_time(now + ANSWER_LIFETIME))
        return der.sequence(question.encoded(), self._status(question), der.generalized_time(now), next_update)

    def _status(self, question: CertId) -> bytes:
        """RFC 6960 section 2.2."""
        if question.hash_name not in ISSUER_HASHES or question.serial.bit_length() > SERIAL_BITS or question.serial < 1:
            return UNKNOWN
        if (question.issuer_name_hash, question.issuer_key_hash) != self._hashes_of_issuer(question.hash_name):
            return UNKNOWN
        with self.ground.database.read() as connection:
            is_issued, revoked = load_status(connection, self.authority.issuing, question.serial)
        if revoked is not None:
            return revoked_info(revoked)
        return GOOD if is_issued else UNKNOWN

    def _hashes_of_issuer(self, algorithm: str) -> tuple[bytes, bytes]:
        """RFC 6960 section 4.1.1: over the issuer's name, and over the bits of its public key."""
        if algorithm not in self._issuer_hashes:
            issuer = self.authority.issuing
            name, bits = subject_of(issuer).dump(), public_key_bits(issuer)
            self._issuer_hashes[algorithm] = (new_hash(algorithm, name).digest(), new_hash(algorithm, bits).digest())
        return self._issuer_hashes[algorithm]


def revoked_info(revoked: RevokedStatus) -> bytes:
    """RFC 6960 section 4.2.1: when, and why where there is a why."""
    unsaid = revoked.reason is RevocationReason.UNSPECIFIED
    why = b"" if unsaid else der.explicit(0, der.enumerated(revoked.reason.code))
    return der.explicit(1, der.generalized_time(revoked.at) + why)


def nonce_extension(nonce: bytes) -> bytes:
    return der.sequence(NONCE, der.octet_string(der.octet_string(nonce)))
