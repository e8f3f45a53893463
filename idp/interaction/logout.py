"""The person's part of OpenID Connect RP-Initiated Logout 1.0: asked first, then told which services are left too,
whose pages stand in frames of ours for a moment (Front-Channel Logout 1.0).

Section 2 lets a site ask by POST as well; that brings no cookie of ours (SameSite=Lax), so it goes on as the GET that
it stands for. Only the button on our own page ends anything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext

from core import i18n, web
from core.identifiers import new_id
from core.web import ANYONE, callers, machine, page
from idp.errors import OAuthError
from idp.interaction import signed_in
from idp.interaction.services import InteractionServices
from idp.models.client import load_client
from idp.models.session_client import load_session_clients
from idp.oauth2.parameters import read_form
from idp.oidc.frontchannel_logout import frontchannel_logout_urls
from idp.oidc.rp_initiated_logout import LogoutRequest

Validate = Callable[[Mapping[str, str]], LogoutRequest]
SIGNED_OUT = "signed-out"
SHOWN_FOR = timedelta(minutes=10)
PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")


def blueprint(services: InteractionServices, validate: Validate) -> Blueprint:
    """`validate` is `validate_logout_request` with the issuer, keys and clients of this provider."""
    pages = Blueprint("logout", __name__, template_folder="templates")

    @pages.get("/logout")
    @callers(ANYONE)
    def ask() -> ResponseReturnValue:
        try:
            parameters = known(read_form(request.query_string))
            wanted = validate(parameters)
        except OAuthError as error:
            return refused(error)
        i18n.use_language(parameters.get("ui_locales", ""))
        return confirm_page(services, wanted, parameters)

    @pages.post("/logout")
    @callers(ANYONE)
    @machine
    def ask_by_form() -> ResponseReturnValue:
        return redirect(f"/logout?{urlencode(known(request.form))}", 303)

    @pages.post("/logout/confirm")
    @callers(ANYONE)
    def confirm() -> ResponseReturnValue:
        try:
            wanted = validate(known(request.form))
        except OAuthError as error:
            return refused(error)
        names, frames = services_left(services), frames_of(services)
        if not end_session(services):
            return leave(services, wanted, [])
        return leave(services, wanted, names, frames)

    @pages.get("/logout/done/<shown>")
    @callers(ANYONE)
    def done(shown: str) -> ResponseReturnValue:
        kept = services.ground.ephemeral.get(SIGNED_OUT, shown[:22])
        goodbye = json.loads(kept) if kept else {"names": [], "frames": [], "return_url": ""}
        for address in goodbye["frames"]:
            web.allow_frame(address)
        return page("interaction/signed_out.html", **goodbye)

    return pages


def known(parameters: Mapping[str, str]) -> dict[str, str]:
    return {name: parameters[name] for name in PARAMETERS if parameters.get(name)}


def confirm_page(
    services: InteractionServices, wanted: LogoutRequest, parameters: Mapping[str, str]
) -> ResponseReturnValue:
    """Nobody to sign out: on to where the request leads."""
    if signed_in.current(services) is None:
        return leave(services, wanted, [])
    if wanted.return_url:
        web.allow_form_action(wanted.return_url)
    client_name = wanted.client.name(i18n.language()) if wanted.client else ""
    return page(
        "interaction/logout.html",
        parameters=parameters,
        client_name=client_name,
        back=(wanted.client.get("client_uri") if wanted.client else "") or "/me",
        services_left=services_left(services),
    )


def end_session(services: InteractionServices) -> bool:
    """The session ends and its clients' logout tokens are written, in one transaction."""
    if signed_in.current(services) is None:
        return False
    signed_in.sign_out(services, reason="logout")
    return True


def services_left(services: InteractionServices) -> list[str]:
    """The names of the services that got tokens in this session."""
    session = signed_in.current(services)
    if session is None:
        return []
    with services.ground.database.read() as connection:
        client_ids = [client_id for client_id, _sid, _sub in load_session_clients(connection, session.sid)]
        clients = [load_client(connection, client_id) for client_id in client_ids]
    return [client.name(i18n.language()) for client in clients if client is not None]


def frames_of(services: InteractionServices) -> list[str]:
    """Front-Channel Logout section 2: the pages of this session's clients, before it ends."""
    session = signed_in.current(services)
    if session is None:
        return []
    with services.ground.database.read() as connection:
        return frontchannel_logout_urls(connection, session.sid, issuer=services.ground.settings.issuer)


def leave(
    services: InteractionServices, wanted: LogoutRequest, names: list[str], frames: Sequence[str] = ()
) -> ResponseReturnValue:
    """Section 3: to post_logout_redirect_uri with `state`; without one, and where frames have to be shown on the way,
    our own page says what happened.
    """
    if wanted.return_url and not frames:
        return redirect(wanted.return_url, 303)
    return goodbye(services, names, frames, wanted.return_url)


def goodbye(
    services: InteractionServices, names: list[str], frames: Sequence[str], return_url: str = ""
) -> ResponseReturnValue:
    """The page waits under an address of its own, so that a reload shows it again and ends nothing twice."""
    shown, kept = new_id(), json.dumps({"names": names, "frames": list(frames), "return_url": return_url})
    services.ground.ephemeral.put(SIGNED_OUT, shown, kept.encode(), SHOWN_FOR)
    return redirect(f"/logout/done/{shown}", 303)


def refused(error: OAuthError) -> ResponseReturnValue:
    """Shown, never redirected: there is nobody verified to send it to."""
    return web.error_page(
        400,
        what_happened=gettext("The service that sent you here asked to sign you out in a way that cannot be followed."),
        what_was_kept=gettext("You are still signed in."),
        what_to_do=gettext("You can sign out in your own place at Prajak."),
        error_code=error.error,
        return_url="/me",
        return_label=gettext("Go to your own place"),
    )
