"""The provider's own relying parties: the signing module is its first client, registered at each start.

It keeps no registration of its own: its metadata follows the issuer's address and its key's rotation.
"""

from __future__ import annotations

from collections.abc import Mapping

from idp.composition import Provider
from idp.models.client import ClientStatus
from idp.oidc.subject import issue_subject
from idp.registration.client_registration import Registration

BY = "system"


def register_own_client(provider: Provider, metadata: Mapping[str, object]) -> None:
    """Registers it, or brings its registration up to date; does nothing where it is as it should be."""
    client_id = str(metadata["client_id"])
    registration = Registration(provider.ground, provider.server.clients)
    wanted = {name: value for name, value in metadata.items() if name != "client_id"}
    prepared = registration.prepare(wanted)
    known = registration.show(client_id)
    if known is not None and dict(known.metadata) == prepared.metadata:
        return
    with provider.ground.database.write() as connection:
        if not registration.change(connection, client_id, prepared, by=BY):
            registration.add(connection, prepared, by=BY, status=ClientStatus.LIVE, client_id=client_id)


def sub_for_own_client(provider: Provider, client_id: str, account_id: str) -> str:
    """What one of our own clients calls this person: pairwise, like every other's."""
    client = provider.server.clients.load(client_id)
    if client is None:
        raise LookupError(f"{client_id} is not registered: start the provider once")
    with provider.ground.database.write() as connection:
        return issue_subject(connection, client, account_id, now=provider.ground.clock.now())
