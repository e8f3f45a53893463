"""Time-stamps of other authorities, RFC 3161 section 3.4: asked over HTTP in the order that PRAJAK_TSA_URL names them.

The first answer that verifies is taken; whoever does not answer, or answers something else, is passed over, and left
alone for a while so that no signature waits for an authority that is down. All of them together have the time of one
outbound call. Our own authority never takes their place: a signature made with it would keep another promise than the
deployment's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from secrets import randbits
from time import monotonic

import structlog
from cryptography import x509

from core.errors import PrajakError
from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from keys import der
from keys.certificate_files import load_certificates
from keys.time_stamp_request import IMPRINT_BYTES, Refused, TimeStampRequest, parse_request
from keys.time_stamp_token import DIGESTS
from keys.time_stamp_verification import Asked, TimeStampRefused, VerifiedTimeStamp, verify_time_stamp

LARGEST_ANSWER = 64 * 1024
HTTP_OK = 200
SHORTEST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(seconds=60)
HEADERS: Mapping[str, str] = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}

log = structlog.get_logger()


class NoTimeStamp(TimeStampRefused):
    """None of the outside authorities has given a time-stamp that verifies."""


class NotThisOne(PrajakError):
    """One authority has failed; the next is asked."""


@dataclass(frozen=True)
class Pause:
    """How long an authority is left alone, and when it may be asked again, on this process's own clock."""

    length: timedelta
    until: float


class OutsideTimeStamps:
    """One per process. `answer` is what our own authority has too: a request in, a response out, verified already."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.urls = ground.settings.tsa_urls
        trust = ground.settings.tsa_trust
        self.anchors: Sequence[x509.Certificate] = load_certificates(trust) if trust else ()
        self._paused: dict[str, Pause] = {}

    def answer(self, der_request: bytes) -> bytes:
        """The TimeStampResp of the first authority whose answer verifies; NoTimeStamp where there is none. Goes out
        over the network: never call it within a transaction.
        """
        try:
            request = parse_request(der_request)
        except Refused as refusal:
            raise NoTimeStamp(str(refusal)) from refusal
        if request.nonce is None or not request.cert_req:
            raise NoTimeStamp("an outside authority is asked with a nonce, and for its certificates")
        return self._first(der_request, asked_of(request))

    def probe(self, url: str) -> VerifiedTimeStamp:
        """For `prajak doctor`: a time-stamp of this one authority over nothing of anyone's; TimeStampRefused."""
        asked = Asked(hash_name="sha256", imprint=randbits(256).to_bytes(32, "big"), nonce=randbits(63) | 1 << 62)
        imprint = der.sequence(DIGESTS["sha256"], der.octet_string(asked.imprint))
        wanted = der.element(0x01, b"\xff")
        request = der.sequence(der.integer(1), imprint, der.integer(asked.nonce), wanted)
        try:
            return self._verified(self._called(url, request, self.ground.settings.outbound_timeout), asked)
        except NotThisOne as error:
            raise TimeStampRefused(str(error)) from error

    def _first(self, der_request: bytes, asked: Asked) -> bytes:
        deadline = monotonic() + self.ground.settings.outbound_timeout.total_seconds()
        ready = [url for url in self.urls if self._is_ready(url)]
        for position, url in enumerate(ready):
            share = (deadline - monotonic()) / (len(ready) - position)
            if share <= 0:
                break
            try:
                answer = self._called(url, der_request, timedelta(seconds=share))
                self._verified(answer, asked)
            except (NotThisOne, TimeStampRefused) as error:
                self._pause(url, str(error))
                continue
            self._paused.pop(url, None)
            return answer
        raise NoTimeStamp("no outside time-stamp authority answers now")

    def _called(self, url: str, der_request: bytes, within: timedelta) -> bytes:
        try:
            answer = self.ground.outbound.post(
                url, der_request, headers=HEADERS, max_bytes=LARGEST_ANSWER, within=within, plain=True
            )
        except (OutboundFailed, OutboundRefused) as error:
            raise NotThisOne(str(error)) from error
        if answer.status != HTTP_OK:
            raise NotThisOne(f"HTTP status {answer.status}")
        return answer.body

    def _verified(self, answer: bytes, asked: Asked) -> VerifiedTimeStamp:
        return verify_time_stamp(answer, asked, anchors=self.anchors, now=self.ground.clock.now())

    def _is_ready(self, url: str) -> bool:
        pause = self._paused.get(url)
        return pause is None or monotonic() >= pause.until

    def _pause(self, url: str, why: str) -> None:
        before = self._paused.get(url)
        length = min(before.length * 2, LONGEST_PAUSE) if before else SHORTEST_PAUSE
        self._paused[url] = Pause(length, monotonic() + length.total_seconds())
        log.warning("outside_time_stamp_authority_failed", url=url, why=why, left_alone_seconds=length.total_seconds())


def asked_of(request: TimeStampRequest) -> Asked:
    """What an answer to this request must be over."""
    hash_name = next(name for name, size in IMPRINT_BYTES.items() if size == len(request.imprint))
    return Asked(hash_name=hash_name, imprint=request.imprint, nonce=request.nonce or 0)
