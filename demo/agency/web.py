"""The site's manners: security headers, where a form may come from, the language switch, what templates know."""

from __future__ import annotations

from http import HTTPStatus

from flask import Flask, Response, abort, redirect, render_template, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as AnyResponse

from demo.agency import language
from demo.agency.configuration import Configuration
from demo.agency.words import explain

MACHINES = {"/backchannel-logout"}  # called by the provider; the logout token's signature stands for the cookie


def install(app: Flask, configuration: Configuration) -> None:
    """Everything that concerns every page."""
    app.config.update(
        SESSION_COOKIE_NAME="__Host-agency" if configuration.is_https else "agency",
        SESSION_COOKIE_SECURE=configuration.is_https,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=64 * 1024,
    )

    @app.before_request
    def check_origin() -> None:
        """A form of another site is not taken (CSRF): browsers say where a POST comes from."""
        if request.method != "POST" or request.path in MACHINES:
            return
        site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin")
        if site not in (None, "same-origin", "none") or origin not in (None, configuration.origin):
            abort(403)

    @app.after_request
    def protect(response: Response) -> Response:
        # logout and refresh answer a form with a redirect to the provider, which form-action must allow
        response.headers["Content-Security-Policy"] = (
            "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; base-uri 'none'; "
            f"frame-ancestors 'none'; form-action 'self' {configuration.issuer}"
        )
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"  # with no-referrer our own forms come with Origin: null
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        if request.endpoint != "static":
            response.headers["Cache-Control"] = "no-store"
        return response

    @app.post("/language")
    def choose_language() -> AnyResponse:
        chosen = request.form.get("language", "")
        response = redirect(local_path(request.form.get("next", "/")), code=303)
        if chosen in language.LANGUAGES:
            response.set_cookie(language.COOKIE, chosen, max_age=31536000, httponly=True, samesite="Lax",
                                secure=configuration.is_https)  # fmt: skip
        return response

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[str, int]:
        words = explain("not_found" if error.code == HTTPStatus.NOT_FOUND else "other")
        return render_template("refused.html", error=None, **words), error.code or 500

    @app.context_processor
    def words() -> dict[str, object]:
        return {
            "office": configuration.office,
            "issuer": configuration.issuer,
            "lang": language.language(),
            "t": language.translate,
            "here": request.path if request.method == "GET" and request.path != "/callback" else "/",
        }

    app.add_template_filter(language.date, "date")
    app.add_template_filter(language.moment, "moment")


def local_path(path: str) -> str:
    """Only a path of this site: two slashes, or one and a backslash, would lead a browser away."""
    return path if path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() else "/"
