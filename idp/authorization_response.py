"""The authorization response: the code, or the error, on its way to the client. RFC 6749 section 4.1.2 by query, OAuth
2.0 Multiple Response Types by fragment, Form Post Response Mode by a form; RFC 9207 in each, or JARM around it all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from flask import make_response
from flask.typing import ResponseReturnValue

from core import web
from core.ground import Ground
from core.web import page
from idp.models.client import RegisteredClient
from idp.oauth2 import jarm
from idp.oauth2.issuer import with_issuer
from idp.oidc.authentication_request import RESPONSE_MODES, AuthorizationRequest
from keys.keystore import Keystore


@dataclass(frozen=True)
class Answer:
    """Where an answer goes, known to be the client's: all that an error needs."""

    client: RegisteredClient
    redirect_uri: str
    response_mode: str
    state: str


def answer_to(client: RegisteredClient, parameters: Mapping[str, Any]) -> Answer:
    """For the errors of a request that is not validated yet, except for its redirect_uri."""
    default = jarm.default_mode(client)
    mode, state = parameters.get("response_mode", default), parameters.get("state", "")
    allowed = jarm.MODES if client.requires_signed_authorization_response else RESPONSE_MODES
    return Answer(client, parameters["redirect_uri"], mode if mode in allowed else default, state)


def answer_of(client: RegisteredClient, wanted: AuthorizationRequest) -> Answer:
    return Answer(client, wanted.redirect_uri, wanted.response_mode, wanted.state)


class Responses:
    def __init__(self, ground: Ground, keystore: Keystore) -> None:
        self.ground = ground
        self.keystore = keystore

    def send(self, answer: Answer, response: dict[str, str]) -> ResponseReturnValue:
        """`response` is the code, or an error's parameters; `state` and `iss` are added here."""
        fields = self._fields(answer, response)
        travels = jarm.MODES.get(answer.response_mode, answer.response_mode)
        if travels == "form_post":
            web.allow_form_action(answer.redirect_uri)
            return page("core/form_post.html", action=answer.redirect_uri, fields=fields)
        found = make_response("", 303)
        place = with_fragment if travels == "fragment" else with_query
        found.headers["Location"] = place(answer.redirect_uri, fields)
        found.headers["Cache-Control"] = "no-store"
        return found

    def _fields(self, answer: Answer, response: dict[str, str]) -> dict[str, str]:
        fields = response | ({"state": answer.state} if answer.state else {})
        if answer.response_mode in jarm.MODES:
            return jarm.signed_response(self.ground, self.keystore, answer.client, fields)
        return with_issuer(fields, self.ground.settings.issuer)


def with_query(redirect_uri: str, fields: Mapping[str, str]) -> str:
    """RFC 6749 section 4.1.2: added to the query that the redirect_uri may have, which is kept as it is."""
    separator = "&" if urlsplit(redirect_uri).query else "" if redirect_uri.endswith("?") else "?"
    return redirect_uri + separator + urlencode(fields)


def with_fragment(redirect_uri: str, fields: Mapping[str, str]) -> str:
    """OAuth 2.0 Multiple Response Types section 2.1: a registered redirect_uri has no fragment of its own."""
    return f"{redirect_uri}#{urlencode(fields)}"
