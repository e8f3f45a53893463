"""Asking for a time-stamp, RFC 3161 section 2.4: certificates asked for, a nonce against replays, and nothing believed
before it is verified (keys/time_stamp_verification.py).
"""

from __future__ import annotations

import secrets
from hashlib import sha256

from keys.der import element, integer, octet_string, sequence
from keys.time_stamp_verification import (
    Asked,
    TimeStampRefused,
    VerifiedTimeStamp,
    embedded,
    signing_certificate,
    verify_time_stamp,
)
from signing.cms import SHA256
from signing.errors import LevelNotReached
from signing.trust_material import TrustMaterial

__all__ = ["VerifiedTimeStamp", "embedded", "obtain_time_stamp", "obtain_time_stamp_over", "signing_certificate"]

TRUE = element(0x01, b"\xff")


def obtain_time_stamp(data: bytes, *, trust: TrustMaterial) -> VerifiedTimeStamp:
    """A verified time-stamp over the SHA-256 of these bytes."""
    return obtain_time_stamp_over(sha256(data).digest(), trust=trust)


def obtain_time_stamp_over(imprint: bytes, *, trust: TrustMaterial) -> VerifiedTimeStamp:
    """Raises LevelNotReached."""
    asked = Asked(hash_name="sha256", imprint=imprint, nonce=secrets.randbits(63) | 1 << 62)
    request = sequence(integer(1), sequence(SHA256, octet_string(imprint)), integer(asked.nonce), TRUE)
    try:
        answer = trust.time_stamps.answer(request)
        return verify_time_stamp(
            answer, asked, anchors=trust.stamping.anchors, authorities=trust.authorities, now=trust.clock.now()
        )
    except TimeStampRefused as error:
        raise LevelNotReached(f"time-stamp refused: {error}") from error
