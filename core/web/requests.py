"""Before each request: the right host, a bounded and clean request, the same site, an allowed caller."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_address
from time import perf_counter
from urllib.parse import urlsplit

import structlog
from flask import Flask, Response, g, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, HTTPException

from core.audit_origin import Origin, change
from core.errors import PersonError
from core.identifiers import new_id
from core.web.csrf import check_csrf, csrf_field
from core.web.error_pages import http_error, person_error, unexpected_error
from core.web.headers import after
from core.web.installed import Web, current_view, current_web
from core.web.language import choose_language
from core.web.pages import context
from core.web.static_files import static, static_file

UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MAX_FIELDS = 500
ORIGIN_BEFORE = "prajak.origin_before"  # in the request's own environment: `g` is shared with calls to ourselves


def install(app: Flask, web: Web) -> None:
    """Called once by `idp/app.py`, before the rooms' blueprints; `check_callers` after them."""
    app.extensions["prajak_web"] = web
    app.config["MAX_CONTENT_LENGTH"] = web.ground.settings.max_form_bytes
    app.jinja_env.globals["static"] = static
    app.jinja_env.globals["csrf_field"] = csrf_field
    app.before_request(before)
    app.after_request(after)
    app.after_request(measure)
    app.teardown_request(depart)
    app.context_processor(context)
    app.register_error_handler(PersonError, person_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected_error)
    app.add_url_rule("/language", "language", choose_language, methods=["POST"])
    app.add_url_rule("/static/<version>/<path:name>", "static_file", static_file)


def before() -> ResponseReturnValue | None:
    """In this order: the right host, a bounded and clean request, the same site, an allowed caller."""
    web = current_web()
    g.begun = perf_counter()
    g.reference = new_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(reference=g.reference)
    view = current_view()
    if view is None:
        return None
    arrive(web)
    is_machine = getattr(view, "machine", False)
    if not is_machine and request.method == "GET" and request.host != urlsplit(web.ground.settings.issuer).netloc:
        return redirect_to_issuer(web)
    if getattr(view, "takes_upload", False):
        request.max_content_length = web.ground.settings.max_pdf_bytes + web.ground.settings.max_form_bytes
    if not getattr(view, "reads_raw", False):
        check_characters()
    if request.method in UNSAFE and not is_machine:
        check_csrf(web)
    guard = web.guards.get(getattr(view, "callers", ""))
    return guard() if guard else None


def arrive(web: Web) -> None:
    """Whatever this request brings about says from where it came and by which route. A call to ourselves stands within
    the request that makes it, so what was said before is said again afterwards.
    """
    request.environ[ORIGIN_BEFORE] = change(Origin(web.pseudonym(source()), f"{request.method} {request.url_rule}"))


def depart(_error: BaseException | None = None) -> None:
    if ORIGIN_BEFORE in request.environ:
        change(request.environ.pop(ORIGIN_BEFORE))


def measure(response: Response) -> Response:
    """By the route's rule: an address holds identifiers, and strangers could make up any number of them."""
    metrics, rule = current_web().ground.metrics, request.url_rule
    route, method = (rule.rule, request.method) if rule else ("none", "any")
    metrics.count("prajak_requests_total", route, method, str(response.status_code))
    metrics.observe("prajak_request_seconds", perf_counter() - g.get("begun", perf_counter()), route)
    return response


def redirect_to_issuer(web: Web) -> ResponseReturnValue | None:
    """Somebody who types 127.0.0.1 is led to the one name under which cookies and passkeys work."""
    if request.path in ("/healthz", "/readyz"):
        return None
    query = f"?{request.query_string.decode('latin-1')}" if request.query_string else ""
    return redirect(web.ground.settings.issuer + request.path + query, 307)


def check_characters() -> None:
    """No NUL (PostgreSQL has no such text), no lone surrogate, not too many fields."""
    values = [request.args] + ([request.form] if request.method in UNSAFE else [])
    pairs = [each for multi in values for each in multi.items(multi=True)]
    if len(pairs) > MAX_FIELDS:
        raise BadRequest("too many parameters")
    for name, value in [("path", request.path), *pairs]:
        if "\x00" in name + value or any("\ud800" <= each <= "\udfff" for each in name + value):
            raise BadRequest("a parameter holds a character that is not text")


def client_certificate() -> str:
    """RFC 9440: the Client-Cert header of a trusted proxy that called us; anybody else's claims nothing."""
    settings = current_web().ground.settings
    if not settings.mtls_url or not is_in(request.remote_addr or "", settings.trusted_proxies):
        return ""
    return request.headers.get("Client-Cert", "")


def source() -> str:
    """The caller's address; forwarded addresses are believed from a trusted proxy only, nearest hop first."""
    trusted = current_web().ground.settings.trusted_proxies
    hops = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",") if each.strip()]
    address = request.remote_addr or ""
    while hops and is_in(address, trusted):
        address = hops.pop()
    return address


def is_in(address: str, networks: Iterable[IPv4Network | IPv6Network]) -> bool:
    try:
        return any(ip_address(address) in network for network in networks)
    except ValueError:
        return False
