"""Registering clients: by the command line, the console and the seed. What must be fetched is fetched first, outside
any transaction; then one transaction makes the client and its audit entry.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from core import audit
from core.clock import timestamp
from core.errors import PersonError
from core.ground import Ground
from core.identifiers import hashed, new_id, new_secret
from core.outbound import OutboundFailed, OutboundRefused
from idp.errors import OAuthError
from idp.models.client import Client, Clients, ClientStatus, RegisteredClient, load_client
from idp.registration.client_keys import BadKeys, ClientKeys
from idp.registration.client_metadata import check_metadata
from idp.registration.key_rules import key_problems
from idp.registration.problems import InvalidMetadata, Problem
from idp.registration.rules import CIBA, DEVICE_CODE, redirect_hosts
from idp.registration.software_statement import MEMBER, TrustedIssuers
from keys.own_algorithm import load_own_algorithms

FetchLogo = Callable[[str], bytes | None]  # an image that may be shown; raises PersonError
LOGO_TYPE = "image/png"
SECRET_METHODS = ("client_secret_basic", "client_secret_post")
CLIENT_ID_LENGTH = 80


@dataclass(frozen=True)
class Prepared:
    """Checked metadata with everything that had to be fetched for it. `jwks_fetched_at` is None for keys by value."""

    metadata: dict[str, Any]
    jwks: str
    jwks_fetched_at: datetime | None
    sector_identifier: str
    logo: bytes | None


class Registration:
    def __init__(self, ground: Ground, clients: Clients, fetch_logo: FetchLogo | None = None) -> None:
        self.ground = ground
        self.clients = clients
        self.keys = ClientKeys(ground, clients)
        self.fetch_logo = fetch_logo
        self.statements = TrustedIssuers(ground)

    def prepare(self, metadata: Any) -> Prepared:
        """Checks and fetches. Raises InvalidMetadata with every problem, each with its field."""
        with self.ground.database.read() as connection:
            own = load_own_algorithms(connection, self.ground.clock.now())
        checked = check_metadata(self._stated(metadata), sandbox=self.ground.settings.sandbox, own=own)
        jwks, fetched_at = self._keys(checked)
        return Prepared(checked, jwks, fetched_at, self._sector(checked), self._logo(checked))

    def register(
        self,
        metadata: Any,
        *,
        by: str,
        agency_id: str | None = None,
        status: ClientStatus | None = None,
        client_id: str | None = None,
    ) -> dict[str, Any]:
        """The registered metadata with `client_id`, and `client_secret` where there is one (RFC 7591 section 3.2.1).

        `status` is live by default: who holds the command line approves by using it. Raises InvalidMetadata.
        """
        prepared = self.prepare(metadata)
        with self.ground.database.write() as connection:
            return self.add(connection, prepared, by=by, agency_id=agency_id, status=status, client_id=client_id)

    def add(
        self,
        connection: Connection,
        prepared: Prepared,
        *,
        by: str,
        agency_id: str | None = None,
        status: ClientStatus | None = None,
        client_id: str | None = None,
    ) -> dict[str, Any]:
        """The same in the caller's transaction, for metadata that `prepare` has seen."""
        client_id, now = check_client_id(client_id or new_id()), self.ground.clock.now()
        secret = new_secret() if prepared.metadata["token_endpoint_auth_method"] in SECRET_METHODS else None
        row = columns(prepared, client_id, now) | {
            "client_id": client_id,
            "agency_id": agency_id,
            "status": status or ClientStatus.LIVE,
            "secret_hash": hashed(secret) if secret else None,
            "created_at": now,
            "removed_at": None,
        }
        try:
            with connection.begin_nested():
                connection.execute(insert(Client), row)
        except IntegrityError as error:
            raise InvalidMetadata([Problem("client_id", "This client_id is taken.")]) from error
        audit.record(connection, self.ground.clock, event="client.registered", actor=by, client_id=client_id)
        answer = {"client_id": client_id, "client_id_issued_at": timestamp(now), **prepared.metadata}
        return answer | ({"client_secret": secret, "client_secret_expires_at": 0} if secret else {})

    def change(self, connection: Connection, client_id: str, prepared: Prepared, *, by: str) -> bool:
        """New metadata for a client that there is; its status stays, and so does its secret where it still has a use.
        False for an unknown one.
        """
        now = self.ground.clock.now()
        mine = update(Client).where(Client.client_id == client_id, Client.removed_at.is_(None))
        values = columns(prepared, client_id, now)
        if prepared.logo is None:  # the one that was looked at, or uploaded, stays
            del values["logo"], values["logo_type"]
        if prepared.metadata["token_endpoint_auth_method"] not in SECRET_METHODS:
            values["secret_hash"] = None
        if connection.execute(mine.values(**values)).rowcount != 1:
            return False
        audit.record(connection, self.ground.clock, event="client.changed", actor=by, client_id=client_id)
        self.clients.forget(client_id)
        return True

    def complete_secret(self, connection: Connection, client_id: str, metadata: Mapping[str, Any]) -> str:
        """A client_secret for a client that has none and needs one now; "" otherwise."""
        if metadata["token_endpoint_auth_method"] not in SECRET_METHODS:
            return ""
        secret, lacking = new_secret(), (Client.client_id == client_id, Client.secret_hash.is_(None))
        changed = connection.execute(update(Client).where(*lacking).values(secret_hash=hashed(secret))).rowcount
        return secret if changed == 1 else ""

    def remove(self, client_id: str, *, by: str) -> bool:
        """The client answers nobody from now on; its row stays, so that its id is never another's."""
        with self.ground.database.write() as connection:
            removed = self.take_away(connection, client_id, by=by)
        self.clients.forget(client_id)
        return removed

    def take_away(self, connection: Connection, client_id: str, *, by: str) -> bool:
        """The same in the caller's transaction; the caller then tells `clients` to forget it."""
        gone = update(Client).where(Client.client_id == client_id, Client.removed_at.is_(None))
        if connection.execute(gone.values(removed_at=self.ground.clock.now())).rowcount != 1:
            return False
        audit.record(connection, self.ground.clock, event="client.removed", actor=by, client_id=client_id)
        return True

    def list(self) -> list[RegisteredClient]:
        with self.ground.database.read() as connection:
            query = select(Client.client_id).where(Client.removed_at.is_(None)).order_by(Client.created_at)
            found = [load_client(connection, client_id) for client_id in connection.execute(query).scalars().all()]
        return [client for client in found if client is not None]

    def show(self, client_id: str) -> RegisteredClient | None:
        with self.ground.database.read() as connection:
            return load_client(connection, client_id)

    def _stated(self, metadata: Any) -> Any:
        try:
            return self.statements.applied(metadata) if isinstance(metadata, dict) else metadata
        except OAuthError as error:
            values = {"why": error.description}
            raise InvalidMetadata([Problem(MEMBER, "It is not accepted: %(why)s.", values)], refusal=error) from error

    def _keys(self, metadata: dict[str, Any]) -> tuple[str, datetime | None]:
        if "jwks_uri" not in metadata:
            return (json.dumps(metadata["jwks"]) if "jwks" in metadata else ""), None
        try:
            jwks = self.keys.fetch(metadata["jwks_uri"])
        except (BadKeys, OutboundFailed, OutboundRefused) as error:
            why = {"why": str(error)}
            raise InvalidMetadata([Problem("jwks_uri", "The keys cannot be used: %(why)s.", why)]) from error
        problems = key_problems(metadata, jwks, "jwks_uri")
        if problems:
            raise InvalidMetadata(problems)
        return json.dumps(jwks), self.ground.clock.now()

    def _sector(self, metadata: dict[str, Any]) -> str:
        """OpenID Connect Core section 8.1. "" where nothing proves that it belongs to a host: it is its own sector."""
        uri, proof = metadata.get("sector_identifier_uri"), proof_of_sector(metadata)
        if uri is None:
            hosts = redirect_hosts(metadata) if proof and proof <= set(metadata.get("redirect_uris", ())) else set()
            return "" if metadata["application_type"] == "native" or len(hosts) != 1 else hosts.pop()
        if not proof or not proof <= {str(each) for each in self._sector_document(uri)}:
            message = "It must be a JSON list that holds: %(values)s."
            values = {"values": ", ".join(sorted(proof)) or "jwks_uri"}
            raise InvalidMetadata([Problem("sector_identifier_uri", message, values)])
        return urlsplit(uri).hostname or ""

    def _sector_document(self, uri: str) -> Sequence[Any]:
        try:
            answer = self.ground.outbound.get(uri, headers={"Accept": "application/json"}, max_bytes=64 * 1024)
            listed = answer.json() if answer.status == 200 else None  # noqa: PLR2004
        except (OutboundFailed, OutboundRefused) as error:
            why = {"why": str(error)}
            raise InvalidMetadata([Problem("sector_identifier_uri", "It cannot be read: %(why)s.", why)]) from error
        return listed if isinstance(listed, list) else []

    def _logo(self, metadata: dict[str, Any]) -> bytes | None:
        if "logo_uri" not in metadata or self.fetch_logo is None:
            return None
        try:
            return self.fetch_logo(metadata["logo_uri"])
        except PersonError as error:
            raise InvalidMetadata([Problem("logo_uri", error.message, error.values)]) from error


def proof_of_sector(metadata: Mapping[str, Any]) -> set[str]:
    """What shows that a client belongs to a sector: the addresses that its tokens come to, or, where they come to no
    address (CIBA Core section 4, RFC 8628), the keys by which it authenticates. Else anybody could name another's
    address, get the tokens by another grant, and have that one's pairwise `sub`. Empty where nothing shows it.
    """
    proof = set(metadata.get("redirect_uris", ())) if "authorization_code" in metadata["grant_types"] else set()
    if not set(metadata["grant_types"]) & {CIBA, DEVICE_CODE}:
        return proof
    by_keys = metadata["token_endpoint_auth_method"] in ("private_key_jwt", "self_signed_tls_client_auth")
    return proof | {metadata["jwks_uri"]} if by_keys and "jwks_uri" in metadata else set()


def columns(prepared: Prepared, client_id: str, now: datetime) -> dict[str, Any]:
    """What metadata makes of a row. A native app without a sector document is a sector of its own."""
    values: dict[str, Any] = {
        "metadata_json": json.dumps(prepared.metadata, ensure_ascii=False),
        "jwks": prepared.jwks,
        "jwks_fetched_at": prepared.jwks_fetched_at,
        "sector_identifier": prepared.sector_identifier or f"client:{client_id}",
        "updated_at": now,
    }
    return values | {"logo": prepared.logo, "logo_type": LOGO_TYPE if prepared.logo else ""}


def check_client_id(client_id: str) -> str:
    """RFC 6749 Appendix A.1, and nothing that a URL or a page would have to escape."""
    safe = client_id.replace("-", "").replace("_", "").replace(".", "")
    if not safe.isascii() or not safe.isalnum() or len(client_id) > CLIENT_ID_LENGTH:
        raise InvalidMetadata([Problem("client_id", "A client_id has letters, digits, hyphens, dots and low lines.")])
    return client_id
