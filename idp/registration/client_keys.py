"""A client's public keys: by value, or fetched from its `jwks_uri` (RFC 7591 section 2) and kept.

They are fetched when the client is registered, when an assertion names a key that is not known, and again every hour,
so that a key the agency took away stops working. One fetch a minute for each client, however many ask.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import select, update

from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from idp.models.client import Client, Clients, RegisteredClient
from idp.oauth2.compact_jws import BadToken, import_public_key

KEPT = timedelta(hours=1)
AT_MOST_EVERY = timedelta(minutes=1)
MAX_BYTES = 64 * 1024
MAX_KEYS = 20

log = structlog.get_logger()


class BadKeys(ValueError):
    """The key set cannot be used; the message says which key and why."""


def check_key_set(jwks: Any) -> dict[str, Any]:
    """RFC 7517 section 5: public signing keys, each strong enough and with its own `kid`."""
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise BadKeys(f'it must be an object with "keys", a list of 1 to {MAX_KEYS} keys')
    for number, key in enumerate(keys, start=1):
        check_key(number, key)
    kids = [key.get("kid") for key in keys]
    if len(keys) > 1 and (None in kids or len(set(kids)) != len(kids)):
        raise BadKeys("where there is more than one key, each needs a kid of its own")
    return {"keys": keys}


def check_key(number: int, key: Any) -> None:
    """Keys for encryption may stand beside the signing keys; they are left alone."""
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str | None):
        raise BadKeys(f"key {number}: it must be a JSON object, its kid a text")
    if key.get("use", "sig") != "sig":
        return
    try:
        import_public_key(key)
    except BadToken as error:
        raise BadKeys(f"key {number}: {error}") from error


class ClientKeys:
    def __init__(self, ground: Ground, clients: Clients) -> None:
        self.ground = ground
        self.clients = clients

    def fetch(self, jwks_uri: str) -> dict[str, Any]:
        """Raises BadKeys for an answer that cannot be used, OutboundRefused and OutboundFailed for none."""
        answer = self.ground.outbound.get(jwks_uri, headers={"Accept": "application/json"}, max_bytes=MAX_BYTES)
        if answer.status != 200:  # noqa: PLR2004 - RFC 9110: the only one that has the document
            raise OutboundFailed(f"the answer was {answer.status}")
        return check_key_set(answer.json())

    def refresh(self, client: RegisteredClient) -> RegisteredClient:
        """The client with its keys as they are now; unchanged where nothing could be fetched, or just was."""
        if not self.ground.ephemeral.spend("jwks", client.client_id, AT_MOST_EVERY):
            return self.clients.load(client.client_id) or client
        try:
            keys = self.fetch(client.get("jwks_uri"))
        except (BadKeys, OutboundFailed, OutboundRefused) as error:
            log.warning("client_keys_not_fetched", client_id=client.client_id, why=str(error))
            return client
        self._keep(client.client_id, keys)
        return self.clients.load(client.client_id) or client

    def refresh_due(self) -> int:
        """A job: keys that are older than an hour."""
        due = self._due(self.ground.clock.now() - KEPT)
        for client_id in due:
            client = self.clients.load(client_id)
            if client is not None:
                self.refresh(client)
        return len(due)

    def _due(self, before: datetime) -> list[str]:
        old = (Client.jwks_fetched_at < before, Client.removed_at.is_(None))
        with self.ground.database.read() as connection:
            return list(connection.execute(select(Client.client_id).where(*old).limit(50)).scalars())

    def _keep(self, client_id: str, keys: Mapping[str, Any]) -> None:
        values = {"jwks": json.dumps(keys), "jwks_fetched_at": self.ground.clock.now()}
        with self.ground.database.write() as connection:
            connection.execute(update(Client).where(Client.client_id == client_id).values(**values))
        self.clients.forget(client_id)
