"""Private pages, and what every template knows."""

from __future__ import annotations

from flask import Response, g, make_response, render_template, request

from core import i18n
from core.web.installed import current_web


def page(template: str, status: int = 200, **values: object) -> Response:
    """A private page: never stored by a cache."""
    response = make_response(render_template(template, **values), status)
    response.headers["Cache-Control"] = "no-store"
    return response


def context() -> dict[str, object]:
    web = current_web()
    return {
        "sandbox": web.ground.settings.sandbox,
        "issuer": web.ground.settings.issuer,
        "language": i18n.language(),
        "current_path": request.full_path.rstrip("?") if request.method == "GET" else request.path,
        "signed_in": web.signed_in() if "without_session" not in g else None,
    }
