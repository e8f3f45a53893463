"""What a stale tab meets: an interaction that was answered, refused or has run out leads on, or back to the agency."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import redirect
from flask.typing import ResponseReturnValue

from core import web
from core.web import page
from idp.interaction import approval
from idp.interaction.visit import Visit
from idp.oidc.third_party_initiated_login import initiate_login_url


def ended(visit: Visit) -> ResponseReturnValue | None:
    """None while there is something to do."""
    if visit.is_decoupled:
        return approval.ended(visit)
    progress, services = visit.progress, visit.services
    now = services.ground.clock.now()
    if progress.answered_at is not None:
        # a double click: the browser dropped the first answer, and the same request may be answered again
        if now - progress.answered_at < services.ground.settings.authorization_code_lifetime:
            return redirect(visit.onward, 303)
        return finished_page(visit)
    if progress.refused:
        return redirect(visit.onward, 303)
    if not services.interactions.is_expired(progress):
        return None
    return expired_page(visit) if visit.request else redirect(progress.return_to, 303)


def finished_page(visit: Visit) -> ResponseReturnValue:
    return page("interaction/finished.html", 410, visit=visit, service_url=service_url(visit))


def expired_page(visit: Visit) -> ResponseReturnValue:
    """Leads back to the agency, which gets the error it can begin anew with."""
    assert visit.request is not None  # noqa: S101 - our own pages begin anew by themselves
    web.allow_form_action(visit.request.redirect_uri)
    return page("interaction/expired.html", 410, visit=visit)


def service_url(visit: Visit) -> str:
    """Where the person may begin anew: Core section 4 `initiate_login_uri`, RFC 7591 `client_uri`, else the site that
    the answer went to.
    """
    assert visit.request is not None and visit.client is not None  # noqa: S101, PT018
    begins = initiate_login_url(visit.client, issuer=visit.services.ground.settings.issuer)
    if begins:
        return begins
    known = str(visit.client.get("client_uri") or "")
    parts = urlsplit(visit.request.redirect_uri)
    return known or (f"{parts.scheme}://{parts.netloc}/" if parts.scheme in ("http", "https") else "")
