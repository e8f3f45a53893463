"""The provider's own front door, and the small addresses that the world expects of a site."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from flask import Blueprint, Response, jsonify, redirect
from flask.typing import ResponseReturnValue

from core.ground import Ground
from core.web import ANYONE, callers, machine, page, static

YEAR = timedelta(days=365)


def blueprint(ground: Ground, openapi: Mapping[str, object]) -> Blueprint:
    views = Blueprint("front_door", __name__)
    issuer = ground.settings.issuer

    @views.get("/")
    @callers(ANYONE)
    def home() -> Response:
        return page("core/front.html")

    @views.get("/favicon.ico")
    @callers(ANYONE)
    def favicon() -> ResponseReturnValue:
        """Browsers ask for it on answers that name no icon, such as JSON."""
        return redirect(static("favicon.svg"), 302)

    @views.get("/accessibility")
    @callers(ANYONE)
    def accessibility() -> Response:
        return page("core/accessibility.html")

    @views.get("/privacy")
    @callers(ANYONE)
    def privacy() -> Response:
        return page("core/privacy.html")

    @views.get("/openapi.json")
    @callers(ANYONE)
    @machine
    def openapi_document() -> ResponseReturnValue:
        return jsonify(openapi)

    @views.get("/.well-known/passkey-endpoints")
    @callers(ANYONE)
    @machine
    def passkey_endpoints() -> ResponseReturnValue:
        """W3C Passkey Endpoints Well-Known URL, section 4: where a password manager leads to."""
        return jsonify(enroll=f"{issuer}/me/devices", manage=f"{issuer}/me/devices")

    @views.get("/.well-known/security.txt")
    @callers(ANYONE)
    @machine
    def security_txt() -> ResponseReturnValue:
        """RFC 9116."""
        expires = (ground.clock.now() + YEAR).strftime("%Y-%m-%dT00:00:00Z")
        lines = [
            f"Contact: mailto:security@{ground.settings.rp_id}",
            f"Expires: {expires}",
            "Preferred-Languages: th, en",
            f"Canonical: {issuer}/.well-known/security.txt",
        ]
        return Response("\n".join(lines) + "\n", mimetype="text/plain")

    return views
