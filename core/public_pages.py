"""The pages that belong to no room: the front page, the accessibility statement, the privacy notice."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response

from core.web import ANYONE, callers, page

PAGES = (
    ("/", "front", "core/front.html"),
    ("/accessibility", "accessibility", "core/accessibility.html"),
    ("/privacy", "privacy", "core/privacy.html"),
)


def blueprint() -> Blueprint:
    """Installed by `idp/app.py` with the rooms' own."""
    pages = Blueprint("public_pages", __name__)
    for path, name, template in PAGES:
        pages.add_url_rule(path, name, show(template))
    return pages


def show(template: str) -> Callable[[], Response]:
    @callers(ANYONE)
    def view() -> Response:
        return page(template)

    return view
