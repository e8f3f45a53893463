"""Authorization requests on their way: what this module must remember until the officer comes back from the provider.

Each is taken once (of two answers with one `state`, one finds it), belongs to the browser that began it, and is sealed,
for the `code_verifier` and the nonce are secrets. Losing one loses nothing: the person begins again.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Any

from core.ephemeral import Ephemeral
from keys.envelope import Envelope
from signing.refusals import StaleAnswer

REQUEST, DOCUMENT = "signing-request", "signing-request-document"
LIFETIME = timedelta(minutes=30)  # an interaction at the provider lasts no longer
REMEMBERED = timedelta(hours=12)  # where a second answer, from Back or a double click, is led


@dataclass(frozen=True, kw_only=True)
class PendingRequest:
    """`browser` is the hash of the secret that the browser that began keeps as a cookie. For a sign-in there is no
    document and `request` is empty.
    """

    browser: str
    nonce: str
    code_verifier: str
    document_id: str = ""
    request: Mapping[str, Any] = field(default_factory=dict)
    return_to: str = ""


class PendingRequests:
    def __init__(self, ephemeral: Ephemeral, envelope: Envelope) -> None:
        self.ephemeral = ephemeral
        self.envelope = envelope

    def remember(self, state: str, pending: PendingRequest) -> None:
        sealed = self.envelope.seal(json.dumps(asdict(pending)).encode(), aad=f"{REQUEST}:{key(state)}")
        self.ephemeral.put(REQUEST, key(state), sealed, LIFETIME)
        if pending.document_id:
            self.ephemeral.put(DOCUMENT, key(state), pending.document_id.encode(), REMEMBERED)

    def take(self, state: str, browser: str) -> PendingRequest:
        """The request that this `state` answers; raises StaleAnswer for one that is spent, too old, or not of this
        browser (RFC 6749 section 10.12).
        """
        sealed = self.ephemeral.take(REQUEST, key(state))
        if sealed is None:
            raise StaleAnswer
        pending = PendingRequest(**json.loads(self.envelope.open(sealed, aad=f"{REQUEST}:{key(state)}")))
        if pending.browser != browser:
            raise StaleAnswer
        return pending

    def document_of(self, state: str) -> str | None:
        """Which document an answer was about, spent or not; only to lead the person there."""
        found = self.ephemeral.get(DOCUMENT, key(state))
        return found.decode() if found else None


def key(state: str) -> str:
    return sha256(state.encode()).hexdigest()
