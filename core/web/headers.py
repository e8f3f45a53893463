"""The headers of every answer, and the few sources that one answer may add to its policy."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import Response, g

from core.web.cookies import set_cookie
from core.web.installed import current_web

ONE_YEAR = 31_536_000  # seconds

CONTENT_SECURITY_POLICY: Mapping[str, tuple[str, ...]] = {
    "default-src": ("'none'",),
    "script-src": ("'self'",),
    "style-src": ("'self'",),
    "img-src": ("'self'",),
    "font-src": ("'self'",),
    "connect-src": ("'self'",),
    "worker-src": ("'self'",),
    "manifest-src": ("'self'",),
    "form-action": ("'self'",),
    "frame-ancestors": ("'none'",),
    "base-uri": ("'none'",),
}


def after(response: Response) -> Response:
    web = current_web()
    policy = {name: list(sources) for name, sources in CONTENT_SECURITY_POLICY.items()}
    for directive, source in g.get("csp", ()):
        policy.setdefault(directive, []).append(source)
    text = "; ".join(f"{directive} {' '.join(sources)}" for directive, sources in policy.items())
    headers = response.headers
    headers.setdefault("Content-Security-Policy", text)
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "same-origin"
    headers["Cross-Origin-Opener-Policy"] = "same-origin"
    headers["Permissions-Policy"] = "publickey-credentials-get=(self), publickey-credentials-create=(self)"
    headers.setdefault("Cache-Control", "no-store")
    if not web.ground.settings.insecure_loopback:
        headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR}; includeSubDomains"
    if "csrf_secret" in g:
        set_cookie(response, "prajak-csrf", g.csrf_secret)
    return response


def allow_source(directive: str, source: str) -> None:
    """Adds one source to this answer's policy."""
    g.setdefault("csp", []).append((directive, source))


def allow_frame(url: str) -> None:
    """Front-Channel Logout: the registered page of a client, in a frame of this one page."""
    parts = urlsplit(url)
    allow_source("frame-src", f"{parts.scheme}://{parts.netloc}")


def allow_form_action(url: str) -> None:
    """This interaction's validated redirect origin: or the browser blocks consent → agency."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        allow_source("form-action", f"{parts.scheme}://{parts.netloc}")
    else:
        allow_source("form-action", f"{parts.scheme}:")
