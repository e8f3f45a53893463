"""Who is signed in here, kept on the server, so that a logout token can end a session whose browser is away."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

LIFETIME = 30 * 60  # seconds without a request
LOGOUT_TOKEN_MEMORY = 15 * 60  # longer than any logout token is accepted


@dataclass
class SignedIn:
    """One browser's session. `data` is empty when the person withdrew consent: what they shared is deleted."""

    id_token: str
    id_claims: dict[str, Any]
    access_token: str
    access_token_expires_at: float
    data: dict[str, Any]
    withdrawn: bool = False
    record: dict[str, Any] = field(default_factory=dict)  # that another agency gave; empty before
    payment: dict[str, Any] = field(default_factory=dict)  # signed for; empty before
    seen_at: float = field(default_factory=time.time)

    @property
    def access_token_lives(self) -> bool:
        return time.time() < self.access_token_expires_at


class Sessions:
    """In memory: one process is all this site has."""

    def __init__(self) -> None:
        self._sessions: dict[str, SignedIn] = {}
        self._logout_tokens: dict[str, float] = {}
        self._lock = Lock()

    def start(self, signed_in: SignedIn) -> str:
        """A new identifier at every sign-in: one that was planted before is worth nothing."""
        session_id = secrets.token_urlsafe(32)
        with self._lock:
            self._purge()
            self._sessions[session_id] = signed_in
        return session_id

    def current(self, session_id: str | None) -> SignedIn | None:
        with self._lock:
            self._purge()
            signed_in = self._sessions.get(session_id or "")
            if signed_in:
                signed_in.seen_at = time.time()
            return signed_in

    def end(self, session_id: str | None) -> None:
        with self._lock:
            self._sessions.pop(session_id or "", None)

    def end_by_logout(self, *, sub: str | None, sid: str | None) -> int:
        """Back-Channel Logout section 2.7: the session `sid` names, or every one of `sub` where there is no `sid`."""
        with self._lock:
            ended = [key for key, value in self._sessions.items() if is_named(value.id_claims, sub=sub, sid=sid)]
            for key in ended:
                del self._sessions[key]
            return len(ended)

    def spend_logout_token(self, jti: str) -> bool:
        """Section 2.6 step 8: False for a token that was here before."""
        with self._lock:
            now = time.time()
            self._logout_tokens = {key: until for key, until in self._logout_tokens.items() if until > now}
            if jti in self._logout_tokens:
                return False
            self._logout_tokens[jti] = now + LOGOUT_TOKEN_MEMORY
            return True

    def _purge(self) -> None:
        oldest = time.time() - LIFETIME
        for key in [key for key, value in self._sessions.items() if value.seen_at < oldest]:
            del self._sessions[key]


def is_named(claims: dict[str, Any], *, sub: str | None, sid: str | None) -> bool:
    """Both must agree where the token names both."""
    if sid is None:
        return sub is not None and claims.get("sub") == sub
    return claims.get("sid") == sid and sub in (None, claims.get("sub"))
