"""`/register` (RFC 7591) and `/register/<client_id>` (RFC 7592): JSON in, JSON out, tokens in the header alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from flask import Blueprint, Response, jsonify, make_response, request
from flask.typing import ResponseReturnValue

from core.errors import PersonError
from core.ground import Ground
from core.web import ANYONE, BEARER, callers, machine, reads_raw, source
from idp.errors import InvalidClientMetadata, InvalidToken, OAuthError
from idp.models.client import Clients
from idp.oauth2.bearer import NoToken, read_access_token
from idp.oauth2.parameters import NotStrictJson, read_json
from idp.registration.client_configuration import ClientConfiguration
from idp.registration.client_registration import FetchLogo, Registration
from idp.registration.dynamic_registration import PATH, DynamicRegistration
from idp.registration.problems import InvalidMetadata

LONGEST = 128 * 1024

log = structlog.get_logger()


def blueprint(ground: Ground, clients: Clients, fetch_logo: FetchLogo | None = None) -> Blueprint:
    """Logos in the sandbox alone: one that nobody looked at would lend a stranger an agency's face."""
    views = Blueprint("registration", __name__)
    registration = Registration(ground, clients, where_there_is_one(fetch_logo) if ground.settings.sandbox else None)
    dynamic = DynamicRegistration(ground, registration)
    configuration = ClientConfiguration(ground, registration, dynamic)

    @views.post(PATH)
    @callers(ANYONE)
    @machine
    @reads_raw
    def register() -> ResponseReturnValue:
        return answered(lambda: dynamic.register(read_document(), read_token(), source=source()), status=201)

    @views.get(f"{PATH}/<client_id>")
    @callers(BEARER)
    @machine
    @reads_raw
    def read(client_id: str) -> ResponseReturnValue:
        return answered(lambda: configuration.read(client_id, read_token(needed=True)))

    @views.put(f"{PATH}/<client_id>")
    @callers(BEARER)
    @machine
    @reads_raw
    def update(client_id: str) -> ResponseReturnValue:
        return answered(lambda: configuration.update(client_id, read_token(needed=True), read_document()))

    @views.delete(f"{PATH}/<client_id>")
    @callers(BEARER)
    @machine
    @reads_raw
    def remove(client_id: str) -> ResponseReturnValue:
        return answered(lambda: configuration.remove(client_id, read_token(needed=True)), status=204)

    return views


def where_there_is_one(fetch_logo: FetchLogo | None) -> FetchLogo:
    """OpenID Connect Registration section 2: a logo should be shown; without it the client is a client still."""

    def fetch(url: str) -> bytes | None:
        try:
            return fetch_logo(url) if fetch_logo else None
        except PersonError as error:
            log.info("logo_not_fetched", why=error.message % error.values)
            return None

    return fetch


def read_token(*, needed: bool = False) -> str:
    """RFC 6750 section 2.1; "" where none came and none is needed."""
    authorization = request.headers.get("Authorization", "")
    if not authorization and not needed:
        return ""
    presented = read_access_token(authorization, {}, {})
    if presented.scheme != "Bearer":
        raise InvalidToken("this token is presented as Bearer")
    return presented.token


def read_document() -> Any:
    """RFC 7591 section 3.1: application/json, read strictly."""
    if request.mimetype != "application/json":
        raise InvalidClientMetadata("the body must be application/json")
    try:
        return read_json(request.get_data(), longest=LONGEST)
    except NotStrictJson as error:
        raise InvalidClientMetadata(f"the body is refused: {error}") from error


def answered(act: Callable[[], dict[str, Any] | None], *, status: int = 200) -> Response:
    try:
        found = act()
    except InvalidMetadata as error:
        return refused(error.as_oauth())
    except OAuthError as error:
        return refused(error)
    return no_store(make_response("" if found is None else jsonify(found), status))


def refused(error: OAuthError) -> Response:
    """RFC 7591 section 3.2.2, and RFC 6750 section 3 for a token."""
    response = no_store(make_response(jsonify(error.parameters()), error.status))
    if isinstance(error, InvalidToken | NoToken):
        members = ", ".join(f'{name}="{value}"' for name, value in error.parameters().items())
        response.headers["WWW-Authenticate"] = f"Bearer {members}".strip()
    return response


def no_store(response: Response) -> Response:
    """RFC 7591 section 3.2.1."""
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"
    return response
