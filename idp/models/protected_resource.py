"""Protected resources: the APIs that access tokens can be for (RFC 8707), and who may ask about them (RFC 7662)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, String, Text, insert, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.ground import Ground
from idp.models.catalogue import CatalogueEntry
from idp.models.client import RegisteredClient

FRESH = timedelta(seconds=3)


class ProtectedResource(Base):
    """`resource` is its URI, as clients name it and as `aud` has it. `client_id` is its server, which introspects what
    it is shown. `clients` is a JSON list of those that may ask for tokens; empty: every registered one. `removed_at` is
    empty while it is registered.
    """

    __tablename__ = "protected_resource"

    resource: Mapped[str] = mapped_column(String(400), primary_key=True)
    client_id: Mapped[str] = mapped_column(String(80), index=True)
    clients: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class Resource:
    """`clients` may ask for tokens by themselves; empty: every registered one. What is in the claims catalogue is asked
    for by authorization details alone (RFC 9396).
    """

    resource: str
    client_id: str
    clients: frozenset[str] = frozenset()
    in_catalogue: bool = False


def record_protected_resource(
    connection: Connection, resource: str, *, client_id: str, clients: Iterable[str] = (), now: datetime
) -> None:
    """Registers it, or changes its registration; one that was removed comes back."""
    values = {"client_id": client_id, "clients": json.dumps(sorted(clients)), "removed_at": None}
    changed = update(ProtectedResource).where(ProtectedResource.resource == resource).values(**values)
    if connection.execute(changed).rowcount == 0:
        connection.execute(insert(ProtectedResource), values | {"resource": resource, "created_at": now})


def remove_protected_resource(connection: Connection, resource: str, *, now: datetime) -> bool:
    """No token is issued for it any more; False where there was none."""
    mine = (ProtectedResource.resource == resource, ProtectedResource.removed_at.is_(None))
    return connection.execute(update(ProtectedResource).where(*mine).values(removed_at=now)).rowcount == 1


def load_protected_resources(connection: Connection) -> dict[str, Resource]:
    """By their URIs; an API that the catalogue names is one too."""
    offered = select(CatalogueEntry.resource, CatalogueEntry.client_id).where(CatalogueEntry.withdrawn_at.is_(None))
    found = {uri: Resource(uri, client_id, in_catalogue=True) for uri, client_id in connection.execute(offered)}
    rows = connection.execute(select(ProtectedResource.__table__).where(ProtectedResource.removed_at.is_(None)))
    return found | {
        row.resource: Resource(row.resource, row.client_id, frozenset(json.loads(row.clients))) for row in rows
    }


class ProtectedResources:
    """The registered ones, read at most every few seconds by each worker; there are few."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.cached: tuple[datetime, dict[str, Resource]] | None = None

    def load(self, resource: str) -> Resource | None:
        return self._all().get(resource)

    def of_server(self, client_id: str) -> list[Resource]:
        """Those that this client serves."""
        return [each for each in self._all().values() if each.client_id == client_id]

    def may_ask(self, client: RegisteredClient, resource: str) -> bool:
        """RFC 8707 section 2. The provider's own API, userinfo, is everybody's."""
        if resource == self.ground.settings.issuer:
            return True
        known = self.load(resource)
        if known is None or known.in_catalogue:
            return False
        return not known.clients or client.client_id in known.clients

    def _all(self) -> dict[str, Resource]:
        now, cached = self.ground.clock.now(), self.cached
        if cached is not None and timedelta() <= now - cached[0] < FRESH:
            return cached[1]
        with self.ground.database.read() as connection:
            found = load_protected_resources(connection)
        self.cached = (now, found)
        return found
