"""Asking for a time-stamp and believing it only after it is verified: RFC 3161, RFC 5816, ETSI EN 319 422.

A token is checked before it goes into a document: one over another digest, unsigned, or of a wrong nonce would be
found out only years later, when nobody can repair it.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256, sha384, sha512
from hmac import compare_digest
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import ExtendedKeyUsageOID

from keys.der import element, integer, octet_string, sequence
from signing.certificate_path import PathError, build_path, verify_signature
from signing.cms import SHA256, der_of
from signing.der_reading import contents, split
from signing.errors import LevelNotReached
from signing.trust_material import TrustMaterial

SEQUENCE, SET = 0x30, 0x31
TRUE = element(0x01, b"\xff")
CLOCK_TOLERANCE = timedelta(minutes=5)
GRANTED = ("granted", "granted_with_mods")
HASHES = {"sha256": sha256, "sha384": sha384, "sha512": sha512}


@dataclass(frozen=True, kw_only=True)
class VerifiedTimeStamp:
    token: bytes  # DER, a CMS ContentInfo
    time: datetime
    path: tuple[x509.Certificate, ...]  # the authority's certificate first, the root last


def obtain_time_stamp(data: bytes, *, trust: TrustMaterial) -> VerifiedTimeStamp:
    """A verified time-stamp over the SHA-256 of these bytes."""
    return obtain_time_stamp_over(sha256(data).digest(), trust=trust)


def obtain_time_stamp_over(imprint: bytes, *, trust: TrustMaterial) -> VerifiedTimeStamp:
    """RFC 3161 section 2.4: certificates asked for, a nonce against replays; raises LevelNotReached."""
    nonce = secrets.randbits(63) | 1 << 62
    request = sequence(integer(1), sequence(SHA256, octet_string(imprint)), integer(nonce), TRUE)
    answer = trust.time_stamps.answer(request)
    try:
        return verify_answer(answer, imprint=imprint, nonce=nonce, trust=trust)
    except (ValueError, TypeError, KeyError, InvalidSignature, PathError) as error:
        raise LevelNotReached(f"time-stamp refused: {type(error).__name__} {error}") from error


def verify_answer(answer: bytes, *, imprint: bytes, nonce: int, trust: TrustMaterial) -> VerifiedTimeStamp:
    """RFC 3161 section 2.2: status, content, imprint, nonce and time, then certificate, signature and path."""
    response = tsp.TimeStampResp.load(answer, strict=True)
    check(response["status"]["status"].native in GRANTED, "the authority did not grant it")
    token = response["time_stamp_token"]
    check(token["content_type"].native == "signed_data", "no signed data")
    signed: Any = token["content"]
    check(signed["encap_content_info"]["content_type"].native == "tst_info", "no TSTInfo")
    content = signed["encap_content_info"]["content"].parsed
    check_content(content, imprint=imprint, nonce=nonce, now=trust.clock.now())
    certificate = verify_signed_data(signed)
    check_purpose(certificate)
    path = build_path(certificate, embedded(signed), trust, at=trust.clock.now())
    return VerifiedTimeStamp(token=split(contents(answer))[1], time=content["gen_time"].native, path=path)


def check_content(content: Any, *, imprint: bytes, nonce: int, now: datetime) -> None:
    stamped = content["message_imprint"]
    check(stamped["hash_algorithm"]["algorithm"].native == "sha256", "another hash than asked for")
    check(compare_digest(stamped["hashed_message"].native, imprint), "over another digest")
    check(content["nonce"].native == nonce, "another nonce")
    check(abs(content["gen_time"].native - now) <= CLOCK_TOLERANCE, "another time than ours")


def verify_signed_data(signed: Any) -> x509.Certificate:
    """RFC 5652 section 5.4, and RFC 5816: the certificate named in the signed attributes is the one that signed."""
    (signer_info,) = signed["signer_infos"]
    attributes_as_signed = element(SET, signer_info["signed_attrs"].contents)  # before asn1crypto writes it anew
    certificate = signing_certificate(signed, signer_info)
    attributes = {entry["type"].native: entry["values"][0] for entry in signer_info["signed_attrs"]}
    digest = HASHES[signer_info["digest_algorithm"]["algorithm"].native]
    content = signed["encap_content_info"]["content"].contents
    check(attributes["content_type"].native == "tst_info", "another content type")
    check(compare_digest(attributes["message_digest"].native, digest(content).digest()), "another content")
    check(names_certificate(attributes, certificate), "another signing certificate")
    verify_signature(
        certificate.public_key(),
        signer_info["signature"].native,
        attributes_as_signed,
        signature_algorithm=signer_info["signature_algorithm"],
        digest=signer_info["digest_algorithm"]["algorithm"].native,
    )
    return certificate


def signing_certificate(signed: Any, signer_info: Any) -> x509.Certificate:
    chosen = signer_info["sid"].chosen
    for certificate in embedded(signed):
        if isinstance(chosen, cms.IssuerAndSerialNumber):
            if (
                chosen["serial_number"].native == certificate.serial_number
                and chosen["issuer"].dump() == certificate.issuer.public_bytes()
            ):
                return certificate
        elif chosen.native == x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest:
            return certificate
    raise ValueError("the signing certificate is not in the token")


def embedded(signed: Any) -> Sequence[x509.Certificate]:
    return [
        x509.load_der_x509_certificate(element(SEQUENCE, choice.chosen.contents))
        for choice in signed["certificates"]
        if choice.name == "certificate"
    ]


def names_certificate(attributes: dict[str, Any], certificate: x509.Certificate) -> bool:
    """RFC 5035 section 3 and RFC 2634 section 5.4."""
    if "signing_certificate_v2" in attributes:
        named = attributes["signing_certificate_v2"]["certs"][0]
        digest = HASHES[named["hash_algorithm"]["algorithm"].native]
        return compare_digest(named["cert_hash"].native, digest(der_of(certificate)).digest())
    return False


def check_purpose(certificate: x509.Certificate) -> None:
    """RFC 3161 section 2.3: time-stamping, critical, and nothing else."""
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    check(usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING], "not an authority's certificate")


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
