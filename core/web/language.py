"""The language switch that stays, and where a form may lead back to."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue

from core import i18n
from core.web.callers import ANYONE, callers
from core.web.headers import ONE_YEAR
from core.web.installed import current_web


@callers(ANYONE)
def choose_language() -> ResponseReturnValue:
    """The switch that stays: a year's cookie, and back to the page where it was pressed."""
    chosen = request.form.get("language", "")
    response = redirect(local_path(request.form.get("return_to", "/")), 303)
    if chosen in i18n.LANGUAGES:
        secure = not current_web().ground.settings.insecure_loopback
        response.set_cookie(i18n.COOKIE, chosen, max_age=ONE_YEAR, secure=secure, httponly=True, samesite="Lax")
    return response


def local_path(url: str, default: str = "/") -> str:
    r"""A path on this site, or the default: an open redirect begins with `//`, `/\\` or a scheme."""
    if url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable() and "\\" not in url:
        return url
    return default
