"""What the views were given when their blueprint was registered, and who is at the desk now."""

from __future__ import annotations

from flask import current_app, g, redirect, request
from flask.typing import ResponseReturnValue

from core.identifiers import hashed
from core.web import get_cookie
from signing.services import SigningServices
from signing.session import Officer

EXTENSION = "prajak_signing"
SIGNER = "signer"  # the word of @callers for an officer with a session at the desk
SESSION_COOKIE = "prajak-sign"
SIGN_IN_COOKIE = "prajak-sign-in"  # binds a sign-in to the browser that began it (RFC 6749 section 10.12)


def services() -> SigningServices:
    given: SigningServices = current_app.extensions[EXTENSION]
    return given


def current_officer() -> Officer | None:
    """Asked once a request."""
    if "signing_officer" not in g:
        g.signing_officer = services().sessions.current(get_cookie(SESSION_COOKIE))
    found: Officer | None = g.signing_officer
    return found


def officer() -> Officer:
    """In views that only a signer may call."""
    found = current_officer()
    if found is None:
        raise RuntimeError("a view for signers was called without its guard")
    return found


def require_officer() -> ResponseReturnValue | None:
    """The guard: without a session the desk's first page says what to do, and leads back here afterwards."""
    if current_officer() is not None:
        return None
    if request.method == "GET":
        return redirect(f"/sign?return_to={request.path}", 303)
    return redirect("/sign?notice=signed-out", 303)


def browser_of(secret: str | None) -> str:
    """What a pending request remembers of the browser."""
    return hashed(secret or "").hex()
