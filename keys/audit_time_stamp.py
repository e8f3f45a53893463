"""A time-stamp over a checkpoint of the audit trail, RFC 3161: asked for, and looked at before it is kept.

Made by our own authority it says what the signing key says, with a second key; by an outside one it says it for others.
"""

from __future__ import annotations

from secrets import randbits
from typing import Protocol

from asn1crypto import tsp

from core.errors import PrajakError
from keys import der
from keys.time_stamp_token import DIGESTS
from keys.time_stamp_verification import TimeStampRefused

NONCE_BITS = 64
TRUE = der.element(0x01, b"\xff")


class TimeStamps(Protocol):
    """Whoever answers RFC 3161 requests."""

    def answer(self, der_request: bytes) -> bytes: ...


class NotStamped(PrajakError):
    """No time-stamp, or one over something else."""


def time_stamp(authority: TimeStamps, imprint: bytes) -> bytes:
    """The token (DER) over a SHA-256, with the authority's certificate in it: who verifies may have nothing else."""
    nonce = randbits(NONCE_BITS)
    message_imprint = der.sequence(DIGESTS["sha256"], der.octet_string(imprint))
    try:
        answer = authority.answer(der.sequence(der.integer(1), message_imprint, der.integer(nonce), TRUE))
        response = tsp.TimeStampResp.load(answer, strict=True)
        status, token = response["status"]["status"].native, response["time_stamp_token"]
        if status not in ("granted", "granted_with_mods"):
            raise NotStamped(f"the time-stamp authority refused: {status}")
        info = token["content"]["encap_content_info"]["content"].parsed
        if info["nonce"].native != nonce or info["message_imprint"]["hashed_message"].native != imprint:
            raise NotStamped("the time-stamp is over something else")
        return bytes(token.dump())
    except TimeStampRefused as error:
        raise NotStamped(f"no time-stamp authority answers as it must: {error}") from error
    except (ValueError, TypeError, KeyError) as error:
        raise NotStamped("the time-stamp authority's answer cannot be read") from error
