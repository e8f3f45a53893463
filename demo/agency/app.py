"""The agency's pages. The order of a sign-in: `login`, the provider's pages, `callback`, `home`."""

from __future__ import annotations

import json
import secrets
from typing import Any

import requests
from flask import Flask, Response, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from demo.agency import language, web
from demo.agency.configuration import Configuration
from demo.agency.logout_token import LogoutTokenError
from demo.agency.payment import payment_details, signed_payment
from demo.agency.provider import Provider, ProviderError
from demo.agency.record_api import WELL_KNOWN, RecordApi
from demo.agency.record_client import RecordClient
from demo.agency.sessions import Sessions, SignedIn
from demo.agency.words import explain

SILENT_REFUSALS = {"login_required", "interaction_required", "consent_required", "account_selection_required"}


def create_app(configuration: Configuration) -> Flask:
    """One agency. Its sessions and its cookies' secret last as long as the process."""
    app = Flask(__name__)
    app.secret_key = secrets.token_bytes(32)
    web.install(app, configuration)
    site = Site(configuration, Provider(app, configuration), Sessions())
    app.add_url_rule("/", view_func=site.home)
    app.add_url_rule("/login", view_func=site.login)
    app.add_url_rule("/callback", view_func=site.callback)
    app.add_url_rule("/refresh", view_func=site.refresh, methods=["POST"])
    app.add_url_rule("/logout", view_func=site.logout, methods=["POST"])
    app.add_url_rule("/signed-out", view_func=site.signed_out)
    app.add_url_rule("/backchannel-logout", view_func=site.backchannel_logout, methods=["POST"])
    add_exchange(app, site)
    app.add_url_rule("/healthz", view_func=lambda: "ok", endpoint="healthz")
    app.register_error_handler(ProviderError, refused)
    app.register_error_handler(requests.RequestException, unreachable)
    return app


def add_exchange(app: Flask, site: Site) -> None:
    """What this office serves to another one, and what it asks another one, or the person, for."""
    office = site.configuration.office
    if "serves" in office:
        api = RecordApi(site.configuration, site.provider)
        app.add_url_rule(office["serves"]["path"], "record_api", lambda: api.record(request))
        app.add_url_rule(WELL_KNOWN + office["serves"]["path"], "record_api_metadata", api.metadata)
    if "asks" in office:
        app.add_url_rule("/record", view_func=site.ask_for_record, methods=["POST"])
    if "fee" in office:
        app.add_url_rule("/pay", view_func=site.ask_to_pay, methods=["POST"])


class Site:
    """The views, given what they use."""

    def __init__(self, configuration: Configuration, provider: Provider, sessions: Sessions) -> None:
        self.configuration = configuration
        self.provider = provider
        self.sessions = sessions
        self.records = RecordClient(configuration, provider)

    @property
    def signed_in(self) -> SignedIn | None:
        return self.sessions.current(session.get("id"))

    def home(self) -> str:
        signed_in = self.signed_in
        if not signed_in:
            return render_template("welcome.html", was_signed_in=session.pop("id", None) is not None)
        return render_template("home.html", signed_in=signed_in, raw=readable(signed_in), **shared(signed_in.data))

    def login(self) -> AnyResponse:
        """A plain link leads here, and the provider's own (OpenID Connect Core section 4), which names itself. Someone
        signed in already goes home: a stale tab starts nothing anew.
        """
        issuer = self.configuration.issuer
        if self.signed_in or request.args.get("iss", issuer) != issuer:
            return redirect(url_for("home"))
        return redirect(self.provider.authorization_url(language.language()))

    def ask_for_record(self) -> AnyResponse:
        """From the agency that holds it: the person is asked at the provider, once for each time."""
        signed_in = self.signed_in
        if not signed_in:
            return redirect(url_for("home"), code=303)
        return self.ask_in_detail(signed_in, "record", self.records.details())

    def ask_to_pay(self) -> AnyResponse:
        signed_in = self.signed_in
        if not signed_in:
            return redirect(url_for("home"), code=303)
        return self.ask_in_detail(signed_in, "payment", payment_details(self.configuration))

    def ask_in_detail(self, signed_in: SignedIn, what: str, details: list[dict[str, Any]]) -> AnyResponse:
        url, state = self.provider.details_url(details, signed_in.id_token, language.language())
        session["asked"] = {"what": what, "state": state, "details": details}
        return redirect(url, code=303)

    def answered_in_detail(self, signed_in: SignedIn, asked: dict[str, Any]) -> AnyResponse:
        """Back with what the person allowed or signed; a no leaves everything as it was."""
        try:
            token = self.provider.complete_details(request, expected_sub=signed_in.id_claims["sub"])
            if asked["what"] == "record":
                signed_in.record = self.records.fetch(token["access_token"])
            else:
                signed_in.payment = signed_payment(token["authorization_details"], asked["details"])
        except ProviderError as error:
            if error.error != "access_denied":
                raise
            flash(language.translate("คุณไม่ได้อนุญาต จึงไม่มีอะไรเปลี่ยนแปลง", "You did not allow it: nothing was changed"))
        return redirect(url_for("home"))

    def callback(self) -> AnyResponse:
        """Back from the provider; the answer works once, so reloading this address leads home or to a sentence."""
        asked, signed_in = session.pop("asked", None), self.signed_in
        if asked and signed_in and asked["state"] == request.args.get("state"):
            return self.answered_in_detail(signed_in, asked)
        try:
            signed_in = self.provider.complete(request)
        except ProviderError as error:
            return self.not_renewed(error)
        self.sessions.end(session.get("id"))
        session["id"] = self.sessions.start(signed_in)
        return redirect(url_for("home"))

    def not_renewed(self, error: ProviderError) -> AnyResponse:
        """An error while somebody is signed in here: of a second tab, or of `refresh` asking without a page."""
        signed_in = self.signed_in
        if not signed_in:
            raise error
        if error.error == "consent_required":
            forget(signed_in)
        elif error.error in SILENT_REFUSALS:
            self.sessions.end(session.get("id"))
        return redirect(url_for("home"))

    def refresh(self) -> AnyResponse:
        """Asks again for the data. Withdrawn consent makes the token worthless, and then what we held is deleted."""
        signed_in = self.signed_in
        if not signed_in:
            return redirect(url_for("home"))
        if not signed_in.access_token_lives:
            return redirect(self.provider.authorization_url(language.language(), prompt="none"), code=303)
        try:
            signed_in.data = self.provider.userinfo(signed_in.access_token, expected_sub=signed_in.id_claims["sub"])
            flash(language.translate("ข้อมูลเป็นปัจจุบันแล้ว", "Your data is up to date"))
        except ProviderError:
            forget(signed_in)
        return redirect(url_for("home"), code=303)

    def logout(self) -> AnyResponse:
        """Here first, then at the provider: if that fails, this browser is signed out of this site all the same."""
        signed_in = self.signed_in
        self.sessions.end(session.pop("id", None))
        if not signed_in:
            return redirect(url_for("home"), code=303)
        return redirect(self.provider.logout_url(signed_in.id_token, language.language()), code=303)

    def signed_out(self) -> str:
        return render_template("signed_out.html")

    def backchannel_logout(self) -> Response:
        """Back-Channel Logout sections 2.5 to 2.8: called by the provider, not by a browser."""
        try:
            claims = self.provider.verify_logout_token(request.form.get("logout_token", ""), self.sessions)
        except LogoutTokenError as error:
            return answer({"error": "invalid_request", "error_description": str(error)}, status=400)
        self.sessions.end_by_logout(sub=claims.get("sub"), sid=claims.get("sid"))
        return answer({}, status=200)  # also where no session was left: that is what was asked for


def forget(signed_in: SignedIn) -> None:
    signed_in.data, signed_in.record = {}, {}
    signed_in.withdrawn = True


def shared(data: dict[str, Any]) -> dict[str, Any]:
    """OpenID Connect for Identity Assurance section 5: one object, or an array when there are several."""
    verified = data.get("verified_claims") or {}
    first = verified[0] if isinstance(verified, list) else verified
    return {"claims": first.get("claims", {}), "verification": first.get("verification", {})}


def readable(signed_in: SignedIn) -> dict[str, str]:
    return {
        "ID token": json.dumps(signed_in.id_claims, ensure_ascii=False, indent=2),
        "UserInfo": json.dumps(signed_in.data, ensure_ascii=False, indent=2),
    }


def refused(error: ProviderError) -> tuple[str, int]:
    return render_template("refused.html", error=error, **explain(error.error)), 400


def unreachable(_error: requests.RequestException) -> tuple[str, int]:
    return render_template("refused.html", error=None, **explain("unreachable")), 503


def answer(body: dict[str, str], *, status: int) -> Response:
    return Response(json.dumps(body), status, {"Cache-Control": "no-store"}, mimetype="application/json")
