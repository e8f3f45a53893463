"""The session of the request at hand, and the three things that change it. Flask's part of `session`."""

from __future__ import annotations

from flask import Response, after_this_request, g, request

from core import web
from idp.interaction.services import InteractionServices
from idp.interaction.session import Authentication, SignedIn


def current(services: InteractionServices) -> SignedIn | None:
    """Read once for each request."""
    if "session" not in g:
        g.session = services.sessions.current(request)
    session: SignedIn | None = g.session
    return session


def sign_in(services: InteractionServices, authentication: Authentication) -> None:
    """Starts or renews the session; the new cookie goes out with this request's answer."""
    with services.ground.database.write() as connection:
        token = services.sessions.start(connection, authentication, previous=current(services))
    keep(services, token)


def step_up(services: InteractionServices, session: SignedIn, authentication: Authentication) -> None:
    with services.ground.database.write() as connection:
        token = services.sessions.step_up(connection, session, authentication)
    keep(services, token)


def sign_out(services: InteractionServices, *, reason: str) -> None:
    session = current(services)
    if session is not None:
        with services.ground.database.write() as connection:
            services.sessions.end(connection, session.sid, reason=reason)
    g.session = None
    after_this_request(forget_cookie)


def keep(services: InteractionServices, token: str) -> None:
    def send_cookie(response: Response) -> Response:
        web.set_cookie(response, "prajak-session", token)
        return response

    g.session = services.sessions.load(token)
    after_this_request(send_cookie)


def forget_cookie(response: Response) -> Response:
    web.delete_cookie(response, "prajak-session")
    return response


def end_all(services: InteractionServices, account_id: str, *, reason: str) -> None:
    """Every session of the account, on every device: after a recovery, or when somebody says "this was not me"."""
    with services.ground.database.write() as connection:
        services.sessions.end_all(connection, account_id, reason=reason)
