"""Errors told once, at the edge: a page for a person, JSON for a machine."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

import structlog
from flask import Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from core.errors import PersonError, TooMany, Unavailable
from core.web.csrf import StaleForm
from core.web.installed import current_view
from core.web.pages import page

log = structlog.get_logger()


def person_error(error: PersonError) -> ResponseReturnValue:
    """A refusal in the person's language; for a machine the same words as JSON."""
    text = gettext(error.message, **error.values)
    if wants_json():
        response = jsonify(error=error_code(error), error_description=text)
        response.status_code = error.status
    else:
        response = error_page(error.status, what_happened=text, **way_back(error))
    if isinstance(error, (TooMany, Unavailable)):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def error_code(error: PersonError) -> str:
    """RFC 6749 section 4.1.2.1 has the word for what is worth another try."""
    return "temporarily_unavailable" if isinstance(error, Unavailable) else "invalid_request"


def way_back(error: PersonError) -> Mapping[str, str]:
    """A form that was open for too long leads to the page that it stood on, where that has the form's own address."""
    adapter = current_app.create_url_adapter(request)
    if not isinstance(error, StaleForm) or adapter is None or not adapter.test(method="GET"):
        return {}
    return {"return_url": request.path, "return_label": gettext("Open the page again")}


def http_error(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if error.response is not None:
        return error.response
    if isinstance(error, RequestEntityTooLarge):
        text = gettext("What was sent is too large.")
    elif status == 404:  # noqa: PLR2004
        text = gettext("There is no such page.")
    elif status == 405:  # noqa: PLR2004
        text = gettext("This page cannot be used in this way.")
    else:
        text = gettext("The request could not be understood.")
    if wants_json():
        response = jsonify(error="invalid_request", error_description=error.description or text)
        response.status_code = status
    else:
        response = error_page(status, what_happened=text)
    for name, value in error.get_headers():
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    return response


def unexpected_error(error: Exception) -> ResponseReturnValue:
    """Our fault: logged with its reference, told without its cause."""
    log.error("unexpected_error", path=request.path, exc_info=error)
    text = gettext("Something went wrong on our side. It has been recorded.")
    if wants_json():
        return jsonify(error="server_error", error_description=text, reference=g.get("reference", "")), 500
    return error_page(500, what_happened=text)


def error_page(
    status: int,
    *,
    what_happened: str,
    what_was_kept: str = "",
    what_to_do: str = "",
    error_code: str = "",
    return_url: str = "",
    return_label: str = "",
) -> Response:
    """What happened, what was kept, what to do next.

    Where the fault is ours nobody is named: a name is sealed, and what opens it may be what is away.
    """
    nobody = {"signed_in": None} if status >= HTTPStatus.INTERNAL_SERVER_ERROR else {}
    return page(
        "core/error.html",
        status,
        title=gettext("This did not work"),
        what_happened=what_happened,
        what_was_kept=what_was_kept or gettext("Nothing that you had finished before was lost."),
        what_to_do=what_to_do or gettext("Go back and try again, or start anew from the service that you came from."),
        error_code=error_code,
        reference=g.get("reference", ""),
        return_url=return_url,
        return_label=return_label,
        **nobody,
    )


def wants_json() -> bool:
    view = current_view()
    return bool(getattr(view, "machine", False)) or request.path.startswith("/api/")
