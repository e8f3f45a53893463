"""Server-provided nonces, RFC 9449 sections 8 and 9: a proof made ahead of time is worth nothing.

A nonce is a MAC over the time it was made in, under a key of its own that all workers have: nothing is stored, and it
lives 20 to 40 seconds. Where `PRAJAK_DPOP_NONCES` asks for them every proof must have one, and every answer brings the
next; otherwise none is given out and none is looked at.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Any

from core.ground import Ground
from idp.errors import UseDpopNonce
from keys.keystore import Keystore
from keys.purposes import Purpose

WINDOW = timedelta(seconds=20)


class Nonces:
    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        self.ground = ground
        self.keystore = keystore

    def next(self) -> str:
        """For the DPoP-Nonce header (section 8.2); "" where none is asked for."""
        if not self.ground.settings.dpop_nonces:
            return ""
        return self._made_in(window_of(self.ground.clock.now()))

    def check(self, claims: Mapping[str, Any]) -> None:
        """Section 4.3 step 10. Raises UseDpopNonce. One window ahead counts too: workers' clocks differ."""
        if not self.ground.settings.dpop_nonces:
            return
        nonce, now = claims.get("nonce"), window_of(self.ground.clock.now())
        given = nonce.encode() if isinstance(nonce, str) else b""
        good = [compare_digest(given, self._made_in(now + each).encode()) for each in (-1, 0, 1)]
        if not any(good):
            raise UseDpopNonce("the DPoP proof needs the nonce of the DPoP-Nonce header")

    def _made_in(self, window: int) -> str:
        mac = self.keystore.secret(Purpose.DPOP_NONCE).mac(window.to_bytes(8))
        return urlsafe_b64encode(mac).rstrip(b"=").decode()


def window_of(now: datetime) -> int:
    return int(now.timestamp() // WINDOW.total_seconds())
