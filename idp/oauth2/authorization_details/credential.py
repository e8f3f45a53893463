"""`credential`: documents to be signed. The members of CSC API v2 section 8.4, and ours beginning with `prajak_`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp.oauth2.authorization_details.schema import (
    DetailType,
    Member,
    check_members,
    is_just,
    is_nonce,
    is_sha256,
    is_soon,
    is_text,
)
from idp.oauth2.authorization_request import Asked

MAX_DIGESTS = 20
SHA_256_OID = "2.16.840.1.101.3.4.2.1"

DIGEST: Mapping[str, Member] = {
    "hash": is_sha256,
    "label": is_text(300),
    "prajak_document_hash": is_sha256,
    "prajak_document_name": is_text(300),
}


def is_digests(value: Any, asked: Asked) -> bool:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_DIGESTS:
        return False
    for each in value:
        check_members("documentDigests", each, DIGEST, asked)
    return len({each["hash"] for each in value}) == len(value)


TYPE = DetailType(
    name="credential",
    members={
        "type": is_just("credential"),
        "credentialID": is_text(200),
        "documentDigests": is_digests,
        "hashAlgorithmOID": is_just(SHA_256_OID),
        "prajak_expires_at": is_soon,
        "prajak_nonce": is_nonce,
    },
    audience=lambda _detail, issuer: f"{issuer}/csc",
    signed=True,
)
