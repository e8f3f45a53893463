"""What comes back from the provider: a code after a sign-in, a code after an authorization, a logout token.

Every answer leads somewhere: an answer that was used already, as after Back or a double click, to the page that it was
about, with nothing done twice.
"""

from __future__ import annotations

from datetime import UTC, datetime
from hmac import compare_digest

import structlog
from flask import jsonify, make_response, redirect, request
from flask.typing import ResponseReturnValue

from core.assurance import AAL, IAL, Acr, parse_acr, satisfies
from core.errors import PersonError
from core.web import ANYONE, callers, get_cookie, machine, set_cookie
from signing.authorization import CLIENT_ID, sign_in_redirect_uri
from signing.pending import PendingRequest
from signing.refusals import AuthorizationExpired, NotAuthorized, StaleAnswer, TokenRefused
from signing.signing_act import SigningAct
from signing.tokens import SignedClaims, verify_id_token, verify_logout_token
from signing.views.installed import (
    SESSION_COOKIE,
    SIGN_IN_COOKIE,
    SIGNER,
    browser_of,
    current_officer,
    officer,
    services,
)

log = structlog.get_logger()
LEAST = Acr(IAL.NONE, AAL.AAL2)


@callers(ANYONE)
def signed_in() -> ResponseReturnValue:
    """GET /sign/callback."""
    try:
        pending = take_pending(get_cookie(SIGN_IN_COOKIE))
        if "code" not in request.args:
            return redirect("/sign?notice=not-signed-in", 303)
        secret = start_session(pending, request.args["code"])
    except StaleAnswer:
        return redirect("/sign" if current_officer() else "/sign?notice=stale", 303)
    except PersonError as refusal:
        log.warning("sign_in_refused", reason=str(refusal))
        return redirect("/sign?notice=not-signed-in", 303)
    response = redirect(pending.return_to or "/sign", 303)
    set_cookie(response, SESSION_COOKIE, secret)  # type: ignore[arg-type]  # flask's redirect gives its parent class
    return response


@callers(SIGNER)
def authorized() -> ResponseReturnValue:
    """GET /sign/authorized."""
    given, state = services(), request.args.get("state", "")
    document_id = given.pending.document_of(state)
    page = f"/sign/documents/{document_id}" if document_id else "/sign"
    try:
        pending = take_pending(get_cookie(SESSION_COOKIE))
        if "code" not in request.args:
            return redirect(f"{page}?notice=declined", 303)
        SigningAct(given).authorize(officer(), pending, request.args["code"])
    except StaleAnswer:
        return redirect(page if document_id else "/sign?notice=stale", 303)
    except AuthorizationExpired:
        return redirect(f"{page}?notice=expired", 303)
    except NotAuthorized:
        return redirect(f"{page}?notice=not-authorized", 303)
    except PersonError as refusal:
        log.warning("signing_not_completed", document=document_id, reason=str(refusal))
        return redirect(f"{page}?notice=not-completed", 303)
    return redirect(page, 303)


@callers(ANYONE)
@machine
def backchannel_logout() -> ResponseReturnValue:
    """OpenID Connect Back-Channel Logout 1.0 sections 2.5 to 2.8: authenticated by the token itself."""
    given = services()
    try:
        token = request.form.get("logout_token")
        claims = verify_logout_token(token, given.issuer, client_id=CLIENT_ID)
    except TokenRefused as refusal:
        log.warning("logout_token_refused", reason=refusal.reason)
        return jsonify(error="invalid_request", error_description="the logout token did not verify"), 400
    kept = given.sessions.end_by_logout_token(
        jti=str(claims["jti"]),
        sub=str(claims.get("sub") or ""),
        sid=str(claims.get("sid") or ""),
        expires_at=datetime.fromtimestamp(claims["exp"], UTC) + given.ground.settings.clock_skew,
    )
    if not kept:
        return jsonify(error="invalid_request", error_description="the logout token was used already"), 400
    return make_response("", 200)


def take_pending(secret: str | None) -> PendingRequest:
    """RFC 9207 section 2.4 first: an answer of another issuer is not even looked up. Then once, by this browser."""
    given = services()
    if not compare_digest(request.args.get("iss", "").encode(), given.ground.settings.issuer.encode()):
        raise StaleAnswer
    return given.pending.take(request.args.get("state", ""), browser_of(secret))


def start_session(pending: PendingRequest, code: str) -> str:
    """Redeems the code, verifies the ID Token, asks for the names; answers the new session's secret."""
    given = services()
    redirect_uri = sign_in_redirect_uri(given.ground.settings)
    answer = given.provider.redeem(code, code_verifier=pending.code_verifier, redirect_uri=redirect_uri)
    claims = verify_id_token(answer.get("id_token"), given.issuer, client_id=CLIENT_ID, nonce=pending.nonce)
    check_acr(claims)
    names = given.provider.userinfo(str(answer.get("access_token", "")))
    if names.get("sub") != claims["sub"]:  # Core section 5.3.2: or another person's names are shown
        raise TokenRefused("userinfo")
    return given.sessions.start(
        sub=str(claims["sub"]),
        sid=str(claims.get("sid", "")),
        name_th=str(names.get("name#th") or names.get("name") or ""),
        name_en=str(names.get("name") or ""),
    )


def check_acr(claims: SignedClaims) -> None:
    """`acr_values` is a wish (Core section 3.1.2.1), so what was granted is looked at."""
    have = parse_acr(str(claims.get("acr", "")), sandbox=services().ground.settings.sandbox)
    if have is None or not satisfies(have, LEAST):
        raise TokenRefused("acr")
