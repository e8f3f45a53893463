"""In and out of the desk: a request pushed to the provider, and the end of the desk's own session."""

from __future__ import annotations

from flask import redirect, request
from flask.typing import ResponseReturnValue

from core.assurance import AAL, IAL, Acr, acr_value
from core.identifiers import new_secret
from core.web import ANYONE, callers, delete_cookie, get_cookie, local_path, set_cookie
from signing.authorization import SIGN_IN_SCOPE, new_code_verifier, sign_in_redirect_uri
from signing.pending import PendingRequest
from signing.refusals import ProviderRefused, ProviderUnavailable
from signing.views.installed import SESSION_COOKIE, SIGN_IN_COOKIE, browser_of, current_officer, services


@callers(ANYONE)
def begin_sign_in() -> ResponseReturnValue:
    """Pushes the request and sends the browser to the provider, which decides how the person proves who they are."""
    given, settings = services(), services().ground.settings
    state, nonce, code_verifier, browser = new_secret(), new_secret(), new_code_verifier(), new_secret()
    parameters = {
        "scope": SIGN_IN_SCOPE,
        "redirect_uri": sign_in_redirect_uri(settings),
        "acr_values": acr_value(Acr(IAL.NONE, AAL.AAL2), sandbox=settings.sandbox),
    }
    try:
        url = given.provider.push(parameters, state=state, nonce=nonce, code_verifier=code_verifier)
    except (ProviderUnavailable, ProviderRefused):
        return redirect("/sign?notice=unavailable", 303)
    return_to = local_path(request.form.get("return_to", ""), "/sign")
    pending = PendingRequest(browser=browser_of(browser), nonce=nonce, code_verifier=code_verifier, return_to=return_to)
    given.pending.remember(state, pending)
    response = redirect(url, 303)
    set_cookie(response, SIGN_IN_COOKIE, browser)  # type: ignore[arg-type]  # flask's redirect gives its parent class
    return response


@callers(ANYONE)
def sign_out() -> ResponseReturnValue:
    """Ends the session here, then lets the provider ask whether to leave everything (RP-Initiated Logout section 2)."""
    given, officer = services(), current_officer()
    if officer is not None:
        given.sessions.end(officer)
    try:
        url = given.provider.end_session_url()
    except (ProviderUnavailable, ProviderRefused):
        url = "/sign"
    response = redirect(url, 303)
    if get_cookie(SESSION_COOKIE):
        delete_cookie(response, SESSION_COOKIE)  # type: ignore[arg-type]
    return response
