"""Services that one can begin from here (OpenID Connect Core section 4), whether or not they were used before."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select

from core import i18n
from core.ground import Ground
from idp.models.client import Client, ClientStatus, load_client
from idp.oidc.third_party_initiated_login import initiate_login_url

MOST = 200  # one page


@dataclass(frozen=True)
class ServiceToBegin:
    client_id: str
    name: str
    login_url: str


def services_to_begin(ground: Ground, *, known: Collection[str] = ()) -> list[ServiceToBegin]:
    """By their names; those that stand on the page already, and those that do not answer here, are left out."""
    answering = [ClientStatus.LIVE] + [ClientStatus.SANDBOX] * ground.settings.sandbox
    offering = (Client.removed_at.is_(None), Client.status.in_(answering), Client.client_id.not_in(known))
    query = select(Client.client_id).where(*offering, Client.metadata_json.contains('"initiate_login_uri"'))
    with ground.database.read() as connection:
        client_ids = connection.execute(query.order_by(Client.client_id).limit(MOST)).scalars().all()
        clients = [client for each in client_ids if (client := load_client(connection, each))]
    found = [
        ServiceToBegin(
            client.client_id, client.name(i18n.language()), initiate_login_url(client, issuer=ground.settings.issuer)
        )
        for client in clients
    ]
    return sorted(found, key=lambda each: each.name)
