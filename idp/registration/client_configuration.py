"""The client configuration endpoint, RFC 7592: a client that registered itself reads, replaces and removes its own
registration, by its registration access token.

A secret is kept as a hash, so it is told when it is made and never again. Outside the sandbox what was approved stays
as it is (`approved.py`): more, or another, needs a new registration.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from core.clock import timestamp
from core.ground import Ground
from core.identifiers import hashed
from idp.errors import InvalidToken
from idp.models.client import Client, RegisteredClient, load_client
from idp.registration.access_tokens import (
    end_registration_access_token,
    is_registration_access_token,
    rotate_registration_access_token,
)
from idp.registration.approved import check_as_approved
from idp.registration.client_registration import CLIENT_ID_LENGTH, SECRET_METHODS, Registration
from idp.registration.dynamic_registration import DynamicRegistration
from idp.registration.problems import InvalidMetadata, Problem

BY = "registration"
OURS = ("registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at")


class ClientConfiguration:
    def __init__(self, ground: Ground, registration: Registration, dynamic: DynamicRegistration) -> None:
        self.ground = ground
        self.registration = registration
        self.dynamic = dynamic

    def read(self, client_id: str, token: str) -> dict[str, Any]:
        """Section 2.1. Raises InvalidToken, whatever it is that is not there."""
        return self._information(self._authenticated(client_id, token), token)

    def update(self, client_id: str, token: str, document: Any) -> dict[str, Any]:
        """Section 2.2: the whole is replaced, what is left out goes. Raises InvalidMetadata, InvalidToken."""
        client = self._authenticated(client_id, token)
        self._check_document(client, document)
        metadata = {name: value for name, value in document.items() if name not in ("client_id", "client_secret")}
        prepared = self.registration.prepare(metadata)
        if not self.ground.settings.sandbox:
            check_as_approved(client, prepared)
        with self.ground.database.write() as connection:
            renewed = rotate_registration_access_token(connection, client_id, token, self.ground.clock.now())
            if renewed is None or not self.registration.change(connection, client_id, prepared, by=BY):
                raise InvalidToken("the registration access token is not valid any more")
            secret = self.registration.complete_secret(connection, client_id, prepared.metadata)
        self.registration.clients.forget(client_id)
        answer = self._information(self._load(client_id), renewed)
        return answer | ({"client_secret": secret} if secret else {})

    def remove(self, client_id: str, token: str) -> None:
        """Section 2.3: its tokens and grants end with it, because no token of an unknown client is taken."""
        self._authenticated(client_id, token)
        with self.ground.database.write() as connection:
            if not self.registration.take_away(connection, client_id, by=BY):
                raise InvalidToken("there is no such client")
            end_registration_access_token(connection, client_id)
        self.registration.clients.forget(client_id)

    def _authenticated(self, client_id: str, token: str) -> RegisteredClient:
        if len(client_id) > CLIENT_ID_LENGTH or not client_id.isascii() or not client_id.isprintable():
            raise InvalidToken("there is no such client")
        with self.ground.database.read() as connection:
            if not is_registration_access_token(connection, client_id, token):
                raise InvalidToken("the registration access token is not this client's")
            client = load_client(connection, client_id)
        if client is None:  # section 2.1: removed by somebody else
            raise InvalidToken("there is no such client")
        return client

    def _check_document(self, client: RegisteredClient, document: Any) -> None:
        """Section 2.2: what the request must name, and must not."""
        if not isinstance(document, dict):
            raise InvalidMetadata([Problem("metadata", "This must be a JSON object.")])
        problems = [
            Problem(name, "This is not the client's to change; leave it out.") for name in OURS if name in document
        ]
        if document.get("client_id") != client.client_id:
            problems.append(Problem("client_id", "This must be the client's own client_id."))
        secret = document.get("client_secret")
        if secret is not None and not (isinstance(secret, str) and hashed(secret) == client.secret_hash):
            problems.append(Problem("client_secret", "This is not the client's secret; leave it out."))
        if problems:
            raise InvalidMetadata(problems)

    def _load(self, client_id: str) -> RegisteredClient:
        with self.ground.database.read() as connection:
            client = load_client(connection, client_id)
        if client is None:
            raise InvalidToken("there is no such client")
        return client

    def _information(self, client: RegisteredClient, token: str) -> dict[str, Any]:
        """RFC 7591 section 3.2.1 and RFC 7592 section 3."""
        with self.ground.database.read() as connection:
            issued = select(Client.created_at).where(Client.client_id == client.client_id)
            issued_at = timestamp(connection.execute(issued).scalar_one())
        answer = {"client_id": client.client_id, "client_id_issued_at": issued_at, **client.metadata}
        if client.token_endpoint_auth_method in SECRET_METHODS:
            answer["client_secret_expires_at"] = 0
        return answer | self.dynamic.management(client.client_id, token)
