"""Pushed authorization requests, RFC 9126. Every refusal is a 4xx JSON body (section 2.3), never a redirect."""

from __future__ import annotations

import json
import re
from datetime import datetime

from sqlalchemy import Connection

from core.identifiers import new_id
from idp.errors import InvalidRequest, InvalidRequestUri
from idp.models.pushed_request import load_pushed_request, record_pushed_request
from idp.oauth2.authorization_request import check_redirect_uri
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required

PREFIX = "urn:ietf:params:oauth:request_uri:"  # section 2.2
REFERENCE = re.compile(r"[A-Za-z0-9_-]{22}")
METADATA = {"require_pushed_authorization_requests": False}


class PushedAuthorizationRequests:
    """Section 2: the same checks as at `/authorize`, before anybody is asked to sign in."""

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.validate = services.validate
        self.request_objects = services.request_objects

    def answer(self, call: AuthenticatedCall) -> Reply:
        if "request_uri" in call.parameters:
            raise InvalidRequest("request_uri must not be pushed")  # section 2.1
        client = call.client
        lifetime = min(self.ground.settings.request_uri_lifetime, client.profile.request_uri_lifetime)
        asked = self.request_objects.read(client, call.parameters)  # section 3
        check_redirect_uri(client, required(asked.parameters, "redirect_uri"))
        request = self.validate(client, asked.parameters, pushed=True, jkt=call.jkt, signed=asked.signed)
        text = json.dumps(request.to_dict(), ensure_ascii=False)
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            expires_at = self.ground.clock.now() + lifetime
            request_uri = record(connection, client_id=client.client_id, request=text, expires_at=expires_at)
        return Reply({"request_uri": request_uri, "expires_in": int(lifetime.total_seconds())}, status=201)


def record(connection: Connection, *, client_id: str, request: str, expires_at: datetime) -> str:
    """Keeps a validated request and returns its `request_uri`."""
    reference = new_id()
    record_pushed_request(connection, reference=reference, client_id=client_id, request=request, expires_at=expires_at)
    return PREFIX + reference


def is_reference(request_uri: str) -> bool:
    """One of ours; others are references to request objects (RFC 9101)."""
    return request_uri.startswith(PREFIX)


def load(connection: Connection, request_uri: str, *, client_id: str, now: datetime) -> tuple[str, str]:
    """Section 4: (reference, request as JSON). It is bound to its client, and gone once it was answered."""
    reference = request_uri.removeprefix(PREFIX)
    found = None
    if REFERENCE.fullmatch(reference):
        found = load_pushed_request(connection, reference, client_id=client_id, now=now)
    if found is None:
        raise InvalidRequestUri("request_uri is unknown, expired, used, or another client's")
    return reference, found
