"""Reading a time-stamp request, RFC 3161 section 2.4.1, and its refusals, section 2.4.2."""

from __future__ import annotations

from dataclasses import dataclass

from asn1crypto import tsp as asn1
from asn1crypto.core import Null

from keys import der
from keys.profiles import TIME_STAMP_POLICY

LARGEST_REQUEST = 16 * 1024
IMPRINT_BYTES = {"sha256": 32, "sha384": 48, "sha512": 64}  # what else there is, is too weak or unknown
NONCE_BITS = 512


class Refused(ValueError):
    """A bit of PKIFailureInfo, and a sentence for whoever reads the client's log."""

    fail_info: int


class BadAlgorithm(Refused):
    fail_info = 0


class BadRequest(Refused):
    fail_info = 2


class BadDataFormat(Refused):
    fail_info = 5


class TimeNotAvailable(Refused):
    fail_info = 14


class UnacceptedPolicy(Refused):
    fail_info = 15


class UnacceptedExtension(Refused):
    fail_info = 16


class SystemFailure(Refused):
    fail_info = 25


@dataclass(frozen=True)
class TimeStampRequest:
    """`message_imprint` is its DER, which the token repeats (section 2.4.2); `imprint` the hash in it."""

    message_imprint: bytes
    imprint: bytes
    nonce: int | None
    cert_req: bool


def parse_request(request: bytes) -> TimeStampRequest:
    """Raises the refusal that fits what is wrong first, in the request's order."""
    if len(request) > LARGEST_REQUEST:
        raise BadDataFormat("the request is too large")
    try:
        parsed = asn1.TimeStampReq.load(request, strict=True)
        version, policy, extensions = (parsed[name].native for name in ("version", "req_policy", "extensions"))
        algorithm, imprint = imprint_of(parsed["message_imprint"])
        nonce, cert_req = parsed["nonce"].native, bool(parsed["cert_req"].native)
    except Refused:
        raise
    except (ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError) as error:
        raise BadDataFormat("this is no TimeStampReq") from error
    if version != "v1":
        raise BadRequest("only version 1 is known")
    if policy not in (None, TIME_STAMP_POLICY):
        raise UnacceptedPolicy(f"the only policy is {TIME_STAMP_POLICY}")
    if nonce is not None and nonce.bit_length() > NONCE_BITS:
        raise BadRequest(f"a nonce has at most {NONCE_BITS} bits")
    if extensions:
        raise UnacceptedExtension("no extension is known")
    return TimeStampRequest(der.sequence(algorithm, der.octet_string(imprint)), imprint, nonce, cert_req)


def imprint_of(message_imprint: asn1.MessageImprint) -> tuple[bytes, bytes]:
    """The hash's AlgorithmIdentifier and the hash: a listed algorithm, without parameters, at its own length."""
    identifier, imprint = message_imprint["hash_algorithm"], bytes(message_imprint["hashed_message"].native)
    name, parameters = str(identifier["algorithm"].native), identifier["parameters"]
    if name not in IMPRINT_BYTES:
        raise BadAlgorithm("the imprint must be SHA-256, SHA-384 or SHA-512")
    if parameters.native is not None:
        raise BadAlgorithm("a hash algorithm has no parameters")  # RFC 5754 section 2: absent, or NULL
    if len(imprint) != IMPRINT_BYTES[name]:
        raise BadDataFormat(f"a {name} imprint has {IMPRINT_BYTES[name]} octets")
    said_null = der.null() if isinstance(parameters, Null) else b""
    return der.sequence(der.element(0x06, identifier["algorithm"].contents), said_null), imprint
