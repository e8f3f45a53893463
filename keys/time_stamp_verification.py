"""Believing a time-stamp only after it is verified: RFC 3161, RFC 5816, ETSI EN 319 422.

A token is checked before it goes anywhere: one over another digest, unsigned, or of a wrong nonce would be found out
only years later, when nobody can repair it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha1, sha256, sha384, sha512
from hmac import compare_digest
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from core.errors import PrajakError
from keys.certificate_path import PathError, build_path, verify_signature
from keys.der import element

SEQUENCE, SET = 0x30, 0x31
CLOCK_TOLERANCE = timedelta(minutes=5)
GRANTED = ("granted", "granted_with_mods")
HASHES = {"sha256": sha256, "sha384": sha384, "sha512": sha512}


class TimeStampRefused(PrajakError):
    """An answer that is no time-stamp over what was asked, or of nobody who is believed; the text is for the log."""


@dataclass(frozen=True, kw_only=True)
class VerifiedTimeStamp:
    token: bytes  # DER, a CMS ContentInfo
    time: datetime
    path: tuple[x509.Certificate, ...]  # the authority's certificate first, the root last


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What was sent: a hash by its name, and a nonce against replays."""

    hash_name: str
    imprint: bytes
    nonce: int


def verify_time_stamp(
    answer: bytes,
    asked: Asked,
    *,
    anchors: Sequence[x509.Certificate],
    authorities: Sequence[x509.Certificate] = (),
    now: datetime,
) -> VerifiedTimeStamp:
    """Raises TimeStampRefused.

    1. the status, and that there is a token (RFC 3161 section 2.4.2)
    2. a TSTInfo over what was asked: imprint, nonce, a time near ours
    3. the signature over it, by the certificate that its attributes name (RFC 5652 section 5.4, RFC 5816)
    4. that certificate is for time-stamping alone (RFC 3161 section 2.3)
    5. its path to one of the anchors
    """
    try:
        return verified(answer, asked, [*authorities], anchors, now)
    except (ValueError, TypeError, KeyError, IndexError, InvalidSignature, PathError, x509.ExtensionNotFound) as error:
        raise TimeStampRefused(f"{type(error).__name__} {error}") from error


def verified(
    answer: bytes, asked: Asked, authorities: list[x509.Certificate], anchors: Sequence[x509.Certificate], now: datetime
) -> VerifiedTimeStamp:
    response = tsp.TimeStampResp.load(answer, strict=True)
    check(response["status"]["status"].native in GRANTED, "the authority did not grant it")  # 1
    token = response["time_stamp_token"]
    check(token["content_type"].native == "signed_data", "no signed data")
    encoded = token.dump()  # as it came: nothing of it was changed
    signed: Any = token["content"]
    check(signed["encap_content_info"]["content_type"].native == "tst_info", "no TSTInfo")  # 2
    content = signed["encap_content_info"]["content"].parsed
    check_content(content, asked, now=now)
    certificate = verify_signed_data(signed)  # 3
    check_purpose(certificate)  # 4
    path = build_path(certificate, [*authorities, *embedded(signed)], anchors=anchors, at=now)  # 5
    return VerifiedTimeStamp(token=encoded, time=content["gen_time"].native, path=path)


def check_content(content: Any, asked: Asked, *, now: datetime) -> None:
    stamped = content["message_imprint"]
    check(stamped["hash_algorithm"]["algorithm"].native == asked.hash_name, "another hash than asked for")
    check(compare_digest(stamped["hashed_message"].native, asked.imprint), "over another digest")
    check(content["nonce"].native == asked.nonce, "another nonce")
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
        elif chosen.native == key_identifier_of(certificate):
            return certificate
    raise ValueError("the signing certificate is not in the token")


def key_identifier_of(certificate: x509.Certificate) -> bytes | None:
    """RFC 5652 section 5.3: as the certificate names its key, by whatever method."""
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return None


def embedded(signed: Any) -> Sequence[x509.Certificate]:
    return [
        x509.load_der_x509_certificate(element(SEQUENCE, choice.chosen.contents))
        for choice in signed["certificates"]
        if choice.name == "certificate"
    ]


def names_certificate(attributes: dict[str, Any], certificate: x509.Certificate) -> bool:
    """RFC 5035 section 3; RFC 2634 section 5.4, where the older attribute stands alone. Its SHA-1 tells certificates of
    one key apart: another one with the same hash would have to be found, not two that agree.
    """
    encoded = certificate.public_bytes(Encoding.DER)
    if "signing_certificate_v2" in attributes:
        named = attributes["signing_certificate_v2"]["certs"][0]
        digest = HASHES[named["hash_algorithm"]["algorithm"].native]
        return compare_digest(named["cert_hash"].native, digest(encoded).digest())
    if "signing_certificate" in attributes:
        named = attributes["signing_certificate"]["certs"][0]
        return compare_digest(named["cert_hash"].native, sha1(encoded, usedforsecurity=False).digest())
    return False


def check_purpose(certificate: x509.Certificate) -> None:
    """RFC 3161 section 2.3: time-stamping, critical, and nothing else."""
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    check(usage.critical and list(usage.value) == [ExtendedKeyUsageOID.TIME_STAMPING], "not an authority's certificate")


def check(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ValueError(otherwise)
