"""Who may call a page: the words of `core.web.callers` that need a session, and the way through sign-in and back."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from flask import redirect, request
from flask.typing import ResponseReturnValue

from core import web
from core.assurance import AAL
from core.errors import NotAllowed
from core.web import Guard
from idp.interaction import signed_in
from idp.interaction.services import InteractionServices
from idp.models.membership import Role, has_role

SIGNED_IN = "signed in"
FRESHLY_SIGNED_IN = "freshly signed in"


def guards(services: InteractionServices) -> Mapping[str, Guard]:
    """For `core.web.Web`: "signed in", "freshly signed in" and every role by its name."""
    fresh = int(services.ground.settings.fresh_authentication.total_seconds())

    def holds(role: Role) -> Guard:
        def check_role() -> ResponseReturnValue | None:
            way_in = ask(services)
            if way_in is None:
                check_role_held(services, role)
            return way_in

        return check_role

    roles = {role.value: holds(role) for role in Role}
    return {SIGNED_IN: lambda: ask(services), FRESHLY_SIGNED_IN: lambda: ask(services, max_age=fresh)} | roles


def ask(
    services: InteractionServices, *, aal: AAL = AAL.AAL2, max_age: int | None = None
) -> ResponseReturnValue | None:
    """None when the session is enough; else the way to sign in (or step up), which leads back to this page.

    A form that was posted too late leads back to the page it stood on, not to the address that takes the form.
    """
    demand: dict[str, int] = {"aal": int(aal)} | ({} if max_age is None else {"max_age": max_age})
    session = signed_in.current(services)
    if services.prompting.is_enough(demand, session):
        return None
    with services.ground.database.write() as connection:
        interaction_id = services.interactions.begin_local(connection, return_to=page_of_form(), demand=demand)
    return redirect(f"/interaction/{interaction_id}", 303)


def page_of_form() -> str:
    """Where to come back to: this page, or the page whose form was posted; never another site."""
    if request.method in ("GET", "HEAD"):
        return request.full_path.rstrip("?")[:2000]
    page = urlsplit(request.headers.get("Referer", ""))
    if page.netloc != request.host:
        return "/me"
    return web.local_path(page.path + (f"?{page.query}" if page.query else ""), "/me")[:2000]


def check_role_held(services: InteractionServices, role: Role) -> None:
    session = signed_in.current(services)
    with services.ground.database.read() as connection:
        if session is None or not has_role(connection, session.account_id, role):
            raise NotAllowed("This page is for officers with another role. You are signed in, but not as one of them.")
