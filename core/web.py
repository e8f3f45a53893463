"""The web's manners, the same for every page and endpoint.

Headers and a strict Content-Security-Policy, cross-site request forgery, the language switch, error pages, who may
call what. A view says who may call it with `@callers`, and a view that says nothing refuses to be installed.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from pathlib import Path
from secrets import token_urlsafe
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from flask import (
    Flask,
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    send_from_directory,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, HTTPException, NotFound, RequestEntityTooLarge

from core import i18n
from core.errors import PersonError, TooMany
from core.ground import Ground
from core.identifiers import new_id

log = structlog.get_logger()
View = TypeVar("View", bound=Callable[..., Any])
Guard = Callable[[], ResponseReturnValue | None]

STATIC = Path(__file__).parent / "static"
ANYONE, CLIENT, BEARER = "anyone", "client", "bearer"
SELF_CHECKED = frozenset({ANYONE, CLIENT, BEARER})  # open, or authenticated by the protocol endpoint itself
UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
MAX_FIELDS = 500
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


@dataclass(frozen=True)
class Web:
    """What `idp/app.py` gives: `guards` answer for each word of `callers` (None lets pass), `signed_in` for the menu."""

    ground: Ground
    guards: Mapping[str, Guard] = field(default_factory=dict)
    signed_in: Callable[[], object | None] = lambda: None


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


def takes_upload(view: View) -> View:
    """A view that takes a document: its body may be as large as `max_pdf_bytes`."""
    view.takes_upload = True  # type: ignore[attr-defined]
    return view


def install(app: Flask, web: Web) -> None:
    """Called once by `idp/app.py`, before the rooms' blueprints; `check_callers` after them."""
    app.extensions["prajak_web"] = web
    app.config["MAX_CONTENT_LENGTH"] = web.ground.settings.max_form_bytes
    app.jinja_env.globals["static"] = static
    app.jinja_env.globals["csrf_field"] = csrf_field
    app.before_request(before)
    app.after_request(after)
    app.context_processor(context)
    app.register_error_handler(PersonError, person_error)
    app.register_error_handler(HTTPException, http_error)
    app.register_error_handler(Exception, unexpected_error)
    app.add_url_rule("/language", "language", choose_language, methods=["POST"])
    app.add_url_rule("/static/<version>/<path:name>", "static_file", static_file)


def check_callers(app: Flask) -> None:
    """Every route says who may call it, in a word that has a guard. Raises at start, not at the first request."""
    web: Web = app.extensions["prajak_web"]
    for rule in app.url_map.iter_rules():
        word = getattr(app.view_functions[rule.endpoint], "callers", None)
        if word not in SELF_CHECKED and word not in web.guards:
            raise RuntimeError(f"{rule.rule}: nobody said who may call it ({word!r})")


# ---------------------------------------------------------------- before and after each request


def before() -> ResponseReturnValue | None:
    """In this order: the right host, a bounded and clean request, the same site, an allowed caller."""
    web = current_web()
    g.reference = new_id()
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(reference=g.reference)
    view = current_view()
    if view is None:
        return None
    is_machine = getattr(view, "machine", False)
    if not is_machine and request.method == "GET" and request.host != urlsplit(web.ground.settings.issuer).netloc:
        return redirect_to_issuer(web)
    if getattr(view, "takes_upload", False):
        request.max_content_length = web.ground.settings.max_pdf_bytes + web.ground.settings.max_form_bytes
    check_characters()
    if request.method in UNSAFE and not is_machine:
        check_csrf(web)
    guard = web.guards.get(getattr(view, "callers", ""))
    return guard() if guard else None


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
    for name, value in pairs:
        if "\x00" in name + value or any("\ud800" <= each <= "\udfff" for each in name + value):
            raise BadRequest("a parameter holds a character that is not text")


def after(response: Response) -> Response:
    web = current_web()
    policy = {name: list(sources) for name, sources in CONTENT_SECURITY_POLICY.items()}
    for directive, source in g.get("csp", ()):
        policy[directive].append(source)
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


def allow_form_action(url: str) -> None:
    """This interaction's validated redirect origin: or the browser blocks consent → agency."""
    parts = urlsplit(url)
    if parts.scheme in ("http", "https"):
        allow_source("form-action", f"{parts.scheme}://{parts.netloc}")
    else:
        allow_source("form-action", f"{parts.scheme}:")


# ---------------------------------------------------------------- pages


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


def static(name: str) -> str:
    """A URL that changes with the file's bytes, so that browsers may keep it for a year."""
    versions: dict[str, str] = current_app.extensions.setdefault("prajak_static", {})
    if name not in versions:
        versions[name] = sha256(find_static(name).read_bytes()).hexdigest()[:12]
    return f"/static/{versions[name]}/{name}"


def static_folders() -> list[Path]:
    """`core/static` first, then each blueprint's own static folder (given to Blueprint as `static_folder`)."""
    own = [each.static_folder for each in current_app.blueprints.values() if each.static_folder]
    return [STATIC, *map(Path, own)]


def find_static(name: str) -> Path:
    for folder in static_folders():
        if (folder / name).is_file():
            return folder / name
    raise NotFound


@callers(ANYONE)
def static_file(version: str, name: str) -> Response:  # noqa: ARG001 - the version is for caches alone
    for folder in static_folders():
        try:
            response = send_from_directory(folder, name, max_age=ONE_YEAR)
        except NotFound:
            continue
        response.headers["Cache-Control"] = f"public, max-age={ONE_YEAR}, immutable"
        return response
    raise NotFound


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
    """A path on this site, or the default: an open redirect begins with `//`, `/\\` or a scheme."""
    if url.startswith("/") and not url.startswith(("//", "/\\")) and url.isprintable() and "\\" not in url:
        return url
    return default


# ---------------------------------------------------------------- cookies, CSRF, where a request comes from


def cookie_name(name: str) -> str:
    """`__Host-` wherever cookies are Secure (RFC 6265bis section 4.1.3.2)."""
    return name if current_web().ground.settings.insecure_loopback else f"__Host-{name}"


def set_cookie(response: Response, name: str, value: str, *, max_age: int | None = None) -> None:
    """Host-only, HttpOnly, SameSite=Lax, Secure save on the sandbox's loopback."""
    secure = not current_web().ground.settings.insecure_loopback
    response.set_cookie(
        cookie_name(name), value, max_age=max_age, path="/", secure=secure, httponly=True, samesite="Lax"
    )


def get_cookie(name: str) -> str | None:
    return request.cookies.get(cookie_name(name))


def delete_cookie(response: Response, name: str) -> None:
    secure = not current_web().ground.settings.insecure_loopback
    response.delete_cookie(cookie_name(name), path="/", secure=secure, httponly=True, samesite="Lax")


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


def source() -> str:
    """The caller's address; forwarded addresses are believed from a trusted proxy only, nearest hop first."""
    trusted = current_web().ground.settings.trusted_proxies
    hops = [each.strip() for each in request.headers.get("X-Forwarded-For", "").split(",") if each.strip()]
    address = request.remote_addr or ""
    while hops and is_in(address, trusted):
        address = hops.pop()
    return address


def is_in(address: str, networks: Iterable[Any]) -> bool:
    try:
        return any(ip_address(address) in network for network in networks)
    except ValueError:
        return False


# ---------------------------------------------------------------- errors


def person_error(error: PersonError) -> ResponseReturnValue:
    """A refusal in the person's language; for a machine the same words as JSON."""
    text = gettext(error.message, **error.values)
    if wants_json():
        response = jsonify(error="invalid_request", error_description=text)
        response.status_code = error.status
    else:
        response = error_page(error.status, what_happened=text)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


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
    """What happened, what was kept, what to do next."""
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
    )


def wants_json() -> bool:
    view = current_view()
    return bool(getattr(view, "machine", False)) or request.path.startswith("/api/")


def current_view() -> Callable[..., Any] | None:
    return current_app.view_functions.get(request.endpoint or "")


def current_web() -> Web:
    web: Web = current_app.extensions["prajak_web"]
    return web
