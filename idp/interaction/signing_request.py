"""What is to be signed, as the person sees it: the `credential` details of RFC 9396 (CSC API v2 section 8.4)."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from core.signing_challenge import signing_challenge


@dataclass(frozen=True)
class Document:
    """`document_hash` is the uploaded file's, `digest` what the signature covers; both lower-case hexadecimal."""

    name: str
    document_hash: str
    digest: str


@dataclass(frozen=True)
class SigningRequest:
    credential_id: str
    documents: tuple[Document, ...]
    expires_at: datetime
    challenge: bytes


def read_signing_request(details: Sequence[Mapping[str, Any]]) -> SigningRequest:
    """Validated when the request was (idp/oauth2/rar): exactly one, with SHA-256 digests."""
    (detail,) = details
    digests = [b64decode(each["hash"]) for each in detail["documentDigests"]]
    expires_at = datetime.fromtimestamp(detail["prajak_expires_at"], UTC)
    return SigningRequest(
        credential_id=detail["credentialID"],
        documents=tuple(
            Document(each["prajak_document_name"], b64decode(each["prajak_document_hash"]).hex(), digest.hex())
            for each, digest in zip(detail["documentDigests"], digests, strict=True)
        ),
        expires_at=expires_at,
        challenge=signing_challenge(
            credential_id=detail["credentialID"],
            digests=digests,
            expires_at=expires_at,
            nonce=detail["prajak_nonce"],
        ),
    )
