"""Cross-site request forgery: a form carries a keyed hash of a secret cookie that no other site can read or set."""

from __future__ import annotations

import hmac
from hashlib import sha256
from secrets import token_urlsafe
from urllib.parse import urlsplit

from flask import g, request
from markupsafe import Markup

from core.errors import PersonError
from core.web.cookies import get_cookie
from core.web.installed import Web


def csrf_field() -> Markup:
    """The hidden field of every form: a keyed hash of the browser's own secret cookie."""
    secret = get_cookie("prajak-csrf") or g.get("csrf_secret")
    if not secret:
        secret = g.csrf_secret = token_urlsafe(32)
    return Markup('<input type="hidden" name="csrf_token" value="{}">').format(csrf_token(secret))


def csrf_token(secret: str) -> str:
    return hmac.new(secret.encode(), b"prajak-csrf-v1", sha256).hexdigest()


def check_csrf(web: Web) -> None:
    """The form's token belongs to this browser's cookie, and the browser says that our own page sent it."""
    origin = request.headers.get("Origin")
    secret = get_cookie("prajak-csrf")
    sent = request.form.get("csrf_token", "")
    foreign = origin is not None and origin != origin_of(web.ground.settings.issuer)
    if foreign or secret is None or not hmac.compare_digest(sent.encode(), csrf_token(secret).encode()):
        raise StaleForm


class StaleForm(PersonError):
    status = 403

    def __init__(self) -> None:
        super().__init__("This page was open for too long, or its form came from somewhere else.")


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
