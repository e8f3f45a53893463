"""The authorization endpoint: validate, ask the policy, prompt or answer. One loop, entered anywhere:

    /authorize → validate → ask the policy → nothing left: the answer goes to the client
                                ↑             something left: /interaction/<id>, where it is asked
                     /authorize/<id> ←─────────────┘

What goes wrong before client and redirect_uri are known is a page; everything after travels to the client, with `iss`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from flask import Blueprint, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext
from sqlalchemy import Connection

from core import i18n, web
from core.assurance import acr_value
from core.clock import timestamp
from core.identifiers import new_id
from core.web import ANYONE, callers, machine, reads_raw
from idp import errors
from idp.authorization_response import Responses, answer_of, answer_to
from idp.errors import (
    InvalidRequest,
    InvalidRequestUri,
    InvalidScope,
    OAuthError,
    ServerError,
    UnmetAuthenticationRequirements,
)
from idp.interaction import signed_in
from idp.interaction.interaction import Progress
from idp.interaction.policy import Asked
from idp.interaction.services import InteractionServices
from idp.interaction.session import SignedIn
from idp.models.client import RegisteredClient
from idp.models.grant import Granted, load_grant
from idp.models.pushed_request import answer_pushed_request
from idp.models.requested_claims import Recorded, digest_claims, record_requested_claims
from idp.models.rich_authorization import record_rich_authorization
from idp.oauth2 import par
from idp.oauth2.authorization_code import AuthorizationCode, CodeSeal
from idp.oauth2.authorization_request import check_redirect_uri
from idp.oauth2.jar import AskedFor
from idp.oauth2.parameters import read_form, required
from idp.oidc.authentication_request import AuthorizationRequest
from idp.oidc.id_token import state_hash
from idp.oidc.subject import issue_subject, load_subject
from idp.server import Server
from keys.keystore import Keystore

BY_CODE = {
    each.error: each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, OAuthError)
}


@dataclass(frozen=True)
class Visitor:
    """Who stands before the endpoint, and the interaction they came back from, if any."""

    session: SignedIn | None
    progress: Progress | None = None


@dataclass(frozen=True)
class Refused:
    """A request object that does not count, for a client that can be told so."""

    error: OAuthError


class NotForTheClient(Exception):
    """An error that must be shown: there is nobody verified to send it to."""

    def __init__(self, error: OAuthError) -> None:
        super().__init__(error.error)
        self.error = error


class Authorization:
    def __init__(self, server: Server, keystore: Keystore, services: InteractionServices) -> None:
        self.server = server
        self.ground = server.ground
        self.services = services
        self.responses = Responses(server.ground, keystore)
        self.seal = CodeSeal(keystore)
        self.recorded = Recorded()

    # The two ways in ------------------------------------------------------------------------------------------------

    def begin(self, parameters: Mapping[str, str]) -> ResponseReturnValue:
        """A client sent the person here."""
        client, asked, pushed = self._verified(parameters)
        if isinstance(asked, Refused):
            return self.responses.send(answer_to(client, parameters), asked.error.parameters())
        answer = answer_to(client, asked.parameters)
        try:
            wanted = pushed or self.server.validate(client, asked.parameters, signed=asked.signed)
            return self._proceed(client, wanted, Visitor(signed_in.current(self.services)))
        except OAuthError as error:
            return self.responses.send(answer, error.parameters())

    def resume(self, interaction_id: str) -> ResponseReturnValue:
        """The person comes back from a prompt; or from a stale tab, which is led on."""
        progress = self.services.interactions.load(interaction_id)
        client = self.server.clients.load(progress.client_id) if progress.client_id else None
        if client is None or progress.request.get("decoupled"):
            return redirect(f"/interaction/{interaction_id}", 303)
        wanted = AuthorizationRequest.from_dict(progress.request)
        check_redirect_uri(client, wanted.redirect_uri)  # it may have been taken away meanwhile
        if progress.refused:
            return self._refuse(client, wanted, progress)
        if self._is_over(progress):
            return redirect(f"/interaction/{interaction_id}", 303)
        try:
            return self._proceed(client, wanted, Visitor(signed_in.current(self.services), progress))
        except OAuthError as error:
            return self.responses.send(answer_of(client, wanted), error.parameters())

    def _verified(
        self, parameters: Mapping[str, str]
    ) -> tuple[RegisteredClient, AskedFor | Refused, AuthorizationRequest | None]:
        """The client, and where it may be answered: RFC 6749 section 4.1.2.1 forbids to redirect before that."""
        try:
            client = self.server.clients.load(required(parameters, "client_id"))
            if client is None:
                raise InvalidRequest("client_id is not registered here")
            request_uri = parameters.get("request_uri", "")
            if par.is_reference(request_uri):
                pushed = self._pushed(client, request_uri)
                check_redirect_uri(client, pushed.redirect_uri)
                return client, AskedFor(pushed.to_dict(), signed=True), pushed
            asked = self._asked(client, parameters)
            told = parameters if isinstance(asked, Refused) else asked.parameters
            check_redirect_uri(client, required(told, "redirect_uri"))
        except OAuthError as error:
            raise NotForTheClient(error) from error
        return client, asked, None

    def _asked(self, client: RegisteredClient, parameters: Mapping[str, str]) -> AskedFor | Refused:
        """RFC 9101: what counts is in the request object. One that is refused is told to the client at the address
        that stands beside it, if that is registered; nothing else outside is believed.
        """
        try:
            return self.server.request_objects.read(client, parameters, source=web.source())
        except OAuthError as error:
            if parameters.get("redirect_uri") in client.redirect_uris:
                return Refused(error)
            raise

    def _pushed(self, client: RegisteredClient, request_uri: str) -> AuthorizationRequest:
        """RFC 9126 section 4: what was pushed counts, and nothing that stands beside it."""
        with self.ground.database.read() as connection:
            now = self.ground.clock.now()
            reference, stored = par.load(connection, request_uri, client_id=client.client_id, now=now)
        return AuthorizationRequest.from_dict(json.loads(stored) | {"request_uri": reference})

    # The loop -------------------------------------------------------------------------------------------------------

    def _proceed(self, client: RegisteredClient, wanted: AuthorizationRequest, visitor: Visitor) -> ResponseReturnValue:
        session, progress = visitor.session, visitor.progress
        if not client.scope.issuperset(wanted.scope):  # less may be registered by now than when it began
            raise InvalidScope("scope is not registered for this client any more")
        with self.ground.database.read() as connection:
            grant = load_grant(connection, session.account_id, client.client_id) if session else None
            asked = self.services.prompting.next_given(wanted, client, session, progress, grant=grant)
            sub = load_subject(connection, client, session.account_id) if session and not asked else None
        if asked is None and session is not None and grant is not None:
            return self._answer(client, wanted, visitor, grant, sub)
        if asked is not None and "none" in wanted.prompt:
            raise silent_refusal(asked, wanted)
        if progress is not None:
            return redirect(f"/interaction/{progress.id}", 303)
        i18n.use_language(" ".join(wanted.ui_locales))
        with self.ground.database.write() as connection:
            begun = self.services.interactions.begin(connection, request=wanted.to_dict(), client_id=client.client_id)
        return redirect(f"/interaction/{begun}", 303)

    def _answer(
        self, client: RegisteredClient, wanted: AuthorizationRequest, visitor: Visitor, grant: Granted, sub: str | None
    ) -> ResponseReturnValue:
        """The code. Nothing is written where nothing has to be: a standing consent costs no transaction."""
        assert visitor.session is not None  # noqa: S101 - the policy asked for it first
        digest, text = digest_claims(wanted.claims) if wanted.claims else ("", "")
        rich = ""
        is_new = bool(digest) and digest not in self.recorded
        if sub is None or is_new or wanted.request_uri or needs_row(wanted, visitor):
            with self.ground.database.write() as connection:
                now = self.ground.clock.now()
                self._take(connection, wanted, visitor.progress)
                sub = issue_subject(connection, client, visitor.session.account_id, now=now)
                if digest:
                    record_requested_claims(connection, digest, text, now=now)
                if wanted.authorization_details:
                    rich = self._record_details(connection, wanted, visitor.progress)
            if digest:
                self.recorded.add(digest)
        code = self._code(client, wanted, visitor.session, grant.id, sub, digest, rich)
        return self.responses.send(answer_of(client, wanted), {"code": self.seal.seal(code)})

    def _take(self, connection: Connection, wanted: AuthorizationRequest, progress: Progress | None) -> None:
        """A pushed request is answered once. Its own interaction may answer again for as long as a code lives: the
        browser drops the first answer of a double click.
        """
        if wanted.request_uri:
            answered_by = progress.id if progress else new_id()
            if not answer_pushed_request(connection, wanted.request_uri, answered_by=answered_by):
                raise InvalidRequestUri("request_uri was used before")
        if progress is not None:
            self.services.interactions.answer(connection, progress.id)

    def _record_details(self, connection: Connection, wanted: AuthorizationRequest, progress: Progress | None) -> str:
        return record_rich_authorization(
            connection,
            details=wanted.authorization_details,
            assertion=progress.assertion if progress else None,
            expires_at=self.ground.clock.now() + 2 * self.ground.settings.authorization_code_lifetime,
        )

    def _code(  # noqa: PLR0917 - one for each thing that a code stands for
        self,
        client: RegisteredClient,
        wanted: AuthorizationRequest,
        session: SignedIn,
        grant_id: str,
        sub: str,
        requested_claims: str,
        rich_authorization: str,
    ) -> AuthorizationCode:
        settings = self.ground.settings
        lifetime = min(settings.authorization_code_lifetime, client.profile.authorization_code_lifetime)
        return AuthorizationCode(
            id=new_id(),
            client_id=client.client_id,
            redirect_uri=wanted.redirect_uri,
            account_id=session.account_id,
            sub=sub,
            scope=" ".join(wanted.scope),
            nonce=wanted.nonce,
            s_hash=state_hash(wanted.state, client),
            code_challenge=wanted.code_challenge,
            requested_claims=requested_claims,
            rich_authorization=rich_authorization,
            resource=" ".join(wanted.resource),
            grant_id=grant_id,
            session_id=session.sid,
            auth_time=timestamp(session.auth_time),
            acr=acr_value(session.acr, sandbox=settings.sandbox),
            amr=" ".join(session.amr),
            dpop_jkt=wanted.dpop_jkt,
            expires_at=timestamp(self.ground.clock.now() + lifetime),
        )

    def _refuse(
        self, client: RegisteredClient, wanted: AuthorizationRequest, progress: Progress
    ) -> ResponseReturnValue:
        """The person said no, or a rule did. Again for a second click, which tells the client nothing new."""
        with self.ground.database.write() as connection:
            self.services.interactions.answer(connection, progress.id)
        error = BY_CODE.get(progress.refused, ServerError)
        return self.responses.send(answer_of(client, wanted), error("the person did not go on").parameters())

    def _is_over(self, progress: Progress) -> bool:
        now: datetime = self.ground.clock.now()
        if progress.answered_at is not None:
            return now - progress.answered_at >= self.ground.settings.authorization_code_lifetime
        return self.services.interactions.is_expired(progress)


def silent_refusal(asked: Asked, wanted: AuthorizationRequest) -> OAuthError:
    """prompt=none (OpenID Connect Core section 3.1.2.6). What no prompt could mend has a code of its own: Unmet
    Authentication Requirements section 2.
    """
    if asked.reason == "identity_below_wanted" and wanted.essential_acr_values:
        return UnmetAuthenticationRequirements("the person's identity is not proven to the essential acr")
    return BY_CODE[asked.error](f"prompt=none, but {asked.reason.replace('_', ' ')}")


def needs_row(wanted: AuthorizationRequest, visitor: Visitor) -> bool:
    return bool(wanted.authorization_details) or visitor.progress is not None


def blueprint(authorization: Authorization) -> Blueprint:
    """The endpoint by GET and POST (OpenID Connect Core section 3.1.2.1), and the way back from the prompts."""
    views = Blueprint("authorize", __name__)
    issuer = authorization.ground.settings.issuer

    @views.get("/authorize")
    @callers(ANYONE)
    @reads_raw
    def authorize() -> ResponseReturnValue:
        try:
            return authorization.begin(read_form(request.query_string))
        except OAuthError as error:
            return error_page(error)
        except NotForTheClient as shown:
            return error_page(shown.error)

    @views.post("/authorize")
    @callers(ANYONE)
    @machine
    @reads_raw
    def authorize_by_form() -> ResponseReturnValue:
        """Another site's form brings no cookie of ours (SameSite=Lax): it goes on as the GET that it stands for."""
        try:
            return redirect(f"{issuer}/authorize?{urlencode(read_form(request.get_data()))}", 303)
        except OAuthError as error:
            return error_page(error)

    @views.get("/authorize/<interaction_id>")
    @callers(ANYONE)
    def resume(interaction_id: str) -> ResponseReturnValue:
        try:
            return authorization.resume(interaction_id)
        except OAuthError as error:
            return error_page(error)

    return views


def error_page(error: OAuthError) -> ResponseReturnValue:
    """Nobody verified to send it to: the person reads that the service's link is wrong, its developer reads why."""
    shown = gettext("The service that sent you here made a request that cannot be answered.")
    reason = gettext("For the service's developers: %(reason)s", reason=error.description or error.error)
    return web.error_page(400, what_happened=f"{shown} {reason}", error_code=error.error)
