"""What a signature that is already in a document holds: its time-stamps and its signer's certificates (RFC 5652)."""

from __future__ import annotations

from typing import Any

from asn1crypto import cms
from cryptography import x509

from signing.certificate_path import PathError, build_path
from signing.errors import LevelNotReached
from signing.timestamps import embedded, signing_certificate
from signing.trust_material import TrustMaterial


def signature_time_stamps(contents: bytes) -> list[bytes]:
    """RFC 3161 appendix A: the tokens among the unsigned attributes."""
    try:
        unsigned: Any = cms.ContentInfo.load(contents)["content"]["signer_infos"][0]["unsigned_attrs"]
        return [
            token.dump()
            for attribute in unsigned
            if attribute["type"].native == "signature_time_stamp_token"
            for token in attribute["values"]
        ]
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise LevelNotReached(f"a signature of the document cannot be read: {error}") from error


def path_of_signed_data(contents: bytes, trust: TrustMaterial) -> tuple[x509.Certificate, ...]:
    """The signer's certificate of a signature or token, up to one of our anchors; as of its end, if that is past."""
    try:
        signed: Any = cms.ContentInfo.load(contents)["content"]
        certificate = signing_certificate(signed, signed["signer_infos"][0])
        at = min(trust.clock.now(), certificate.not_valid_after_utc)
        return build_path(certificate, embedded(signed), trust, at=at)
    except (PathError, ValueError, KeyError, IndexError, TypeError) as error:
        raise LevelNotReached(f"a signer of the document is not one of ours: {error}") from error
