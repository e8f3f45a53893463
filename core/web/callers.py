"""Who may call a view. Every view says it, in a word that has a guard; one that says nothing stops the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Flask

from core.web.installed import Web

View = TypeVar("View", bound=Callable[..., Any])

ANYONE, CLIENT, BEARER = "anyone", "client", "bearer"
SELF_CHECKED = frozenset({ANYONE, CLIENT, BEARER})  # open, or authenticated by the protocol endpoint itself


def callers(word: str) -> Callable[[View], View]:
    """Declares who may call a view: `anyone`, `client`, `bearer`, or a word that has a guard."""

    def declare(view: View) -> View:
        view.callers = word  # type: ignore[attr-defined]
        return view

    return declare


def machine(view: View) -> View:
    """A protocol endpoint: no CSRF token, JSON errors."""
    view.machine = True  # type: ignore[attr-defined]
    return view


def reads_raw(view: View) -> View:
    """A protocol endpoint that reads query and body as bytes, more strictly than a form: they are not parsed twice."""
    view.reads_raw = True  # type: ignore[attr-defined]
    return view


def takes_upload(view: View) -> View:
    """A view that takes a document: its body may be as large as `max_pdf_bytes`."""
    view.takes_upload = True  # type: ignore[attr-defined]
    return view


def check_callers(app: Flask) -> None:
    """Every route says who may call it, in a word that has a guard. Raises at start, not at the first request."""
    web: Web = app.extensions["prajak_web"]
    for rule in app.url_map.iter_rules():
        word = getattr(app.view_functions[rule.endpoint], "callers", None)
        if word not in SELF_CHECKED and word not in web.guards:
            raise RuntimeError(f"{rule.rule}: nobody said who may call it ({word!r})")
