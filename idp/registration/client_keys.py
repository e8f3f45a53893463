"""A client's public keys: by value, or fetched from its `jwks_uri` (RFC 7591 section 2) and kept.

They are fetched when the client is registered, when an assertion names a key that is not known, and again every hour,
so that a key the agency took away stops working. One fetch a minute for each client, however many ask.
"""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509 import load_der_x509_certificate
from sqlalchemy import select, update

from core.ground import Ground
from core.outbound import OutboundFailed, OutboundRefused
from idp.models.client import Client, Clients, RegisteredClient
from idp.oauth2.compact_jws import BadToken, PublicKey, import_public_key, read_integer
from idp.registration.weak_keys import why_weak

KEPT = timedelta(hours=1)
AT_MOST_EVERY = timedelta(minutes=1)
MAX_BYTES = 64 * 1024
MAX_KEYS = 20
MAX_CHAIN = 10
PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})  # RFC 7518 section 6

log = structlog.get_logger()


class BadKeys(ValueError):
    """The key set cannot be used; the message says which key and why."""


class PrivateKeyShown(BadKeys):
    """Whoever could read the set has the key now."""


def check_key_set(jwks: Any) -> dict[str, Any]:
    """RFC 7517 section 5: public keys, each strong enough, none twice, and each with its own `kid`."""
    keys = listed_keys(jwks)
    for number, key in enumerate(keys, start=1):
        check_key(number, key)
    check_distinct(keys)
    return {"keys": keys}


def usable_key_set(jwks: Any) -> dict[str, Any]:
    """RFC 7517 section 5: of keys at an address, those that are for others are left out. A private one is never."""
    keys, usable, why = listed_keys(jwks), [], BadKeys("it has no keys")
    for number, key in enumerate(keys, start=1):
        try:
            check_key(number, key)
        except PrivateKeyShown:
            raise
        except BadKeys as error:
            why = error
        else:
            usable.append(key)
    if not usable:
        raise why
    check_distinct(usable)
    return {"keys": usable}


def listed_keys(jwks: Any) -> list[Any]:
    keys = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(keys, list) or not 0 < len(keys) <= MAX_KEYS:
        raise BadKeys(f'it must be an object with "keys", a list of 1 to {MAX_KEYS} keys')
    return keys


def check_distinct(keys: list[Any]) -> None:
    """The same key under two names, or for signing and encrypting, is one key too few (NIST SP 800-57 5.2)."""
    kids = [key.get("kid") for key in keys]
    if len(keys) > 1 and (None in kids or len(set(kids)) != len(kids)):
        raise BadKeys("where there is more than one key, each needs a kid of its own")
    if len({import_public_key(key).thumbprint() for key in keys}) != len(keys):
        raise BadKeys("a key is there more than once")


def check_key(number: int, key: Any) -> None:
    """Raises BadKeys for one that is weak, or none that is used here; PrivateKeyShown for a secret."""
    if not isinstance(key, dict) or not isinstance(key.get("kid"), str | None):
        raise BadKeys(f"key {number}: it must be a JSON object, its kid a text")
    if PRIVATE & key.keys():
        raise PrivateKeyShown(f"key {number}: a private or symmetric key was sent; it is worth nothing now")
    if key.get("use", "sig") not in ("sig", "enc"):
        raise BadKeys(f"key {number}: its use must be sig or enc")
    if key.get("use") == "enc" and key.get("kty") == "OKP":
        raise BadKeys(f"key {number}: a key for encryption must be EC on P-256 or RSA")
    try:
        imported = import_public_key(key)
        check_certificate_chain(key, imported)
    except BadToken as error:
        raise BadKeys(f"key {number}: {error}") from error
    weak = why_weak(imported.thumbprint(), read_integer(key["n"]) if key["kty"] == "RSA" else 0)
    if weak:
        raise BadKeys(f"key {number}: {weak}")


def check_certificate_chain(key: Mapping[str, Any], imported: PublicKey) -> None:
    """RFC 7517 section 4.7: the first certificate of `x5c` is this key's (RFC 8705 section 2.2.2 matches it)."""
    chain = key.get("x5c")
    if chain is None:
        return
    if not isinstance(chain, list) or not 0 < len(chain) <= MAX_CHAIN:
        raise BadToken(f"x5c must be a list of 1 to {MAX_CHAIN} certificates")
    try:
        certificates = [load_der_x509_certificate(b64decode(each, validate=True)) for each in chain]
        found = certificates[0].public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadToken("x5c must hold certificates in base64 DER") from error
    if found != imported.public_key:
        raise BadToken("the first certificate in x5c is not this key's")


class ClientKeys:
    def __init__(self, ground: Ground, clients: Clients) -> None:
        self.ground = ground
        self.clients = clients

    def fetch(self, jwks_uri: str) -> dict[str, Any]:
        """Raises BadKeys for an answer that cannot be used, OutboundRefused and OutboundFailed for none."""
        answer = self.ground.outbound.get(jwks_uri, headers={"Accept": "application/json"}, max_bytes=MAX_BYTES)
        if answer.status != 200:  # noqa: PLR2004 - RFC 9110: the only one that has the document
            raise OutboundFailed(f"the answer was {answer.status}")
        return usable_key_set(answer.json())

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
