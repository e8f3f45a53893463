"""A time-stamp over a checkpoint of the audit trail, RFC 3161: asked for, looked at before it is kept, and verified
whenever the checkpoint is.

Made by our own authority it says what the signing key says, with a second key; by an outside one it says it for others.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from secrets import randbits
from typing import Any, Protocol

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature

from core.errors import PrajakError
from keys import der
from keys.certificate_path import PathError, build_path
from keys.time_stamp_token import DIGESTS
from keys.time_stamp_verification import TimeStampRefused, check_purpose, embedded, verify_signed_data

NONCE_BITS = 64
SHA_256 = {"algorithm": "sha256", "parameters": None}
TRUE = der.element(0x01, b"\xff")


TOLERANCE = timedelta(minutes=5)  # between what the checkpoint says and the authority


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


def check_time_stamp(
    token: bytes, imprint: bytes, *, at: datetime, anchors: Sequence[x509.Certificate] | None = None
) -> datetime:
    """RFC 3161 section 2.2: over this, signed by a certificate for it, at the time that the checkpoint says, which is
    returned as the authority says it. With `anchors` that certificate leads to one of them; without, whose it is stays
    open. Raises NotStamped.
    """
    try:
        signed: Any = cms.ContentInfo.load(token, strict=True)["content"]
        info = signed["encap_content_info"]["content"].parsed
        stamped_at: datetime = info["gen_time"].native
        if info["message_imprint"].native != {"hash_algorithm": SHA_256, "hashed_message": imprint}:
            raise NotStamped("the time-stamp is over something else")
        certificate = verify_signed_data(signed)
        check_purpose(certificate)
        if anchors is not None:
            build_path(certificate, embedded(signed), anchors=anchors, at=stamped_at)
    except (ValueError, TypeError, KeyError, IndexError, InvalidSignature, PathError, x509.ExtensionNotFound) as error:
        raise NotStamped(f"the time-stamp does not verify: {error}") from error
    if abs(stamped_at - at) > TOLERANCE:
        raise NotStamped(f"the time-stamp is of another time: {stamped_at:%Y-%m-%dT%H:%M:%SZ}")
    return stamped_at
