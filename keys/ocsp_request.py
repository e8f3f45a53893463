"""Reading an OCSP request, RFC 6960 section 4.1: strict, bounded, and with one way to fail."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import ocsp as asn1
from asn1crypto.algos import DigestAlgorithm
from asn1crypto.core import Null

from keys import der

LARGEST_REQUEST = 16 * 1024
MOST_QUESTIONS = 16  # in one request; each costs a query
NONCE_LENGTHS = range(1, 129)  # RFC 9654 section 2.1
UNDERSTOOD = frozenset({"nonce", "acceptable_responses", "preferred_signature_algorithms", "service_locator"})


class MalformedRequest(ValueError):
    """RFC 6960 section 2.3: answered unsigned, with the status malformedRequest."""


@dataclass(frozen=True)
class CertId:
    """RFC 6960 section 4.1.1. `algorithm` is the DER AlgorithmIdentifier, which the answer repeats."""

    algorithm: bytes
    hash_name: str
    issuer_name_hash: bytes
    issuer_key_hash: bytes
    serial: int

    def encoded(self) -> bytes:
        hashes = der.octet_string(self.issuer_name_hash), der.octet_string(self.issuer_key_hash)
        return der.sequence(self.algorithm, *hashes, der.integer(self.serial))


@dataclass(frozen=True)
class OcspRequest:
    questions: tuple[CertId, ...]
    nonce: bytes | None = None


def parse_request(request: bytes) -> OcspRequest:
    """Raises MalformedRequest for everything that is not a request we can answer."""
    if len(request) > LARGEST_REQUEST:
        raise MalformedRequest("too large")
    try:
        parsed = asn1.OCSPRequest.load(request, strict=True)
        questions = tuple(cert_id(single) for single in parsed["tbs_request"]["request_list"])
        nonce = None if parsed.nonce_value is None else bytes(parsed.nonce_value.native)
        critical = set(parsed.critical_extensions)
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise MalformedRequest("no OCSPRequest") from error
    if not 1 <= len(questions) <= MOST_QUESTIONS:
        raise MalformedRequest("no question, or too many")
    if nonce is not None and len(nonce) not in NONCE_LENGTHS:
        raise MalformedRequest("a nonce has 1 to 128 octets")
    if not critical <= UNDERSTOOD:
        raise MalformedRequest("a critical extension that is not understood")
    return OcspRequest(questions, nonce)


def cert_id(single: asn1.Request) -> CertId:
    if not set(single.critical_extensions) <= UNDERSTOOD:
        raise MalformedRequest("a critical extension that is not understood")
    asked = single["req_cert"]
    algorithm = asked["hash_algorithm"]
    return CertId(
        algorithm=hash_identifier(algorithm),
        hash_name=str(algorithm["algorithm"].native),
        issuer_name_hash=bytes(asked["issuer_name_hash"].native),
        issuer_key_hash=bytes(asked["issuer_key_hash"].native),
        serial=int(asked["serial_number"].native),
    )


def hash_identifier(algorithm: DigestAlgorithm) -> bytes:
    """The AlgorithmIdentifier as it came: RFC 5754 section 2 leaves parameters out, others say NULL."""
    parameters = algorithm["parameters"]
    if parameters.native is not None:
        raise MalformedRequest("a hash algorithm has no parameters")
    said_null = der.null() if isinstance(parameters, Null) else b""
    return der.sequence(der.element(0x06, algorithm["algorithm"].contents), said_null)
