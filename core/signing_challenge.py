"""What a passkey signs: an officer's when a document is to be signed, anybody's when a fee is to be paid.

The WebAuthn challenge is a hash over the credential, the sorted digests, the expiry and a nonce (house rule 2), so
that an assertion can open the key for these bytes and no others. Provider and signing module both compute it; the
signing module believes its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

DOMAIN = b"prajak-signing-v1\x00"
DETAILS_DOMAIN = b"prajak-details-v1\x00"


def signing_challenge(*, credential_id: str, digests: Sequence[bytes], expires_at: datetime, nonce: str) -> bytes:
    """32 bytes. Every part is prefixed by its length and the digests by their count, so no two requests collide."""
    if not digests or any(len(digest) != sha256().digest_size for digest in digests):
        raise ValueError("a signing request has at least one digest, each SHA-256")
    parts = [credential_id.encode(), len(digests).to_bytes(4, "big"), *sorted(digests)]
    parts += [int(expires_at.timestamp()).to_bytes(8, "big"), nonce.encode()]
    return sha256(DOMAIN + b"".join(len(part).to_bytes(4, "big") + part for part in parts)).digest()


def details_challenge(details: Mapping[str, Any]) -> bytes:
    """32 bytes over authorization details of text, whole numbers and objects of these: their canonical JSON (RFC 8785).
    Expiry and nonce are among the members.
    """
    text = json.dumps(details, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return sha256(DETAILS_DOMAIN + text.encode()).digest()
