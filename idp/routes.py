"""Every URL of the provider on one screen, with its methods and who may call it.

The views declare the same with `@callers`; a start with a route that is not here, or that is here otherwise, fails.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask

from core.web import check_callers


class Route(NamedTuple):
    rule: str
    methods: str  # without HEAD and OPTIONS
    callers: str


ROUTES = ()


class RoutesDiffer(RuntimeError):
    """A view and the table disagree: one of them is a mistake."""


def check_routes(app: Flask) -> None:
    """Raises RoutesDiffer, naming what is only in the table or only in the application."""
    check_callers(app)
    served = set(served_routes(app))
    listed = {Route(rule, methods, callers) for rule, methods, callers in ROUTES}
    if served != listed:
        raise RoutesDiffer(f"only served: {sorted(served - listed)}; only listed: {sorted(listed - served)}")


def served_routes(app: Flask) -> list[Route]:
    found = []
    for rule in app.url_map.iter_rules():
        methods = sorted(set(rule.methods or ()) - {"HEAD", "OPTIONS"})
        callers = getattr(app.view_functions[rule.endpoint], "callers", "")
        found.append((rule.rule, callers, methods))
    merged: dict[tuple[str, str], set[str]] = {}
    for rule_text, callers, methods in found:
        merged.setdefault((rule_text, callers), set()).update(methods)
    return sorted(Route(rule, " ".join(sorted(methods)), callers) for (rule, callers), methods in merged.items())
