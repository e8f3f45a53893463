"""Which services may have which of a person's data, and the end of it: in force at once, on every worker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core import audit, i18n
from core.errors import NotFound
from core.ground import Ground
from idp.interaction.claim_words import LINES, line_label, line_of
from idp.models.agency import load_agency_names
from idp.models.client import RegisteredClient, load_client
from idp.models.grant import Granted, load_grants, revoke_grant
from idp.oidc.third_party_initiated_login import initiate_login_url


@dataclass(frozen=True)
class Service:
    """One consent as its giver sees it. `client_uri`, `login_url` and `agency` may be empty."""

    grant_id: str
    client_id: str
    name: str
    agency: str
    client_uri: str
    login_url: str
    data: tuple[str, ...]
    stays_connected: bool
    since: datetime
    changed: datetime


def services_of(ground: Ground, account_id: str) -> list[Service]:
    """Those in force, the latest first."""
    with ground.database.read() as connection:
        grants = load_grants(connection, account_id)
        clients = {grant.client_id: load_client(connection, grant.client_id) for grant in grants}
        agency_ids = [client.agency_id for client in clients.values() if client and client.agency_id]
        agencies = load_agency_names(connection, agency_ids)
    issuer = ground.settings.issuer
    return [service(grant, clients[grant.client_id], agencies, issuer=issuer) for grant in grants]


def service(
    grant: Granted, client: RegisteredClient | None, agencies: dict[str, tuple[str, str]], *, issuer: str
) -> Service:
    language = i18n.language()
    names = agencies.get(client.agency_id or "", ("", "")) if client else ("", "")
    name, agency = client.name(language) if client else grant.client_id, names[0 if language == "th" else 1]
    return Service(
        grant_id=grant.id,
        client_id=grant.client_id,
        name=name,
        agency=agency if agency != name else "",
        client_uri=str(client.get("client_uri") or "") if client else "",
        login_url=initiate_login_url(client, issuer=issuer) if client else "",
        data=data_of(grant.claims),
        stays_connected="offline_access" in grant.scope,
        since=grant.granted_at,
        changed=grant.updated_at,
    )


def data_of(claims: frozenset[str]) -> tuple[str, ...]:
    """The lines that the consent page showed, in its order."""
    by_line: dict[int, list[str]] = {}
    for name in sorted(claims):
        by_line.setdefault(line_of(name), []).append(name)
    unknown = by_line.pop(len(LINES), [])
    return (*(line_label(tuple(names)) for _line, names in sorted(by_line.items())), *unknown)


def withdraw(ground: Ground, account_id: str, grant_id: str) -> None:
    """Raises NotFound for what is not this person's, or was withdrawn before."""
    with ground.database.write() as connection:
        client_id = next((each.client_id for each in load_grants(connection, account_id) if each.id == grant_id), "")
        if not revoke_grant(connection, grant_id, account_id=account_id, now=ground.clock.now()):
            raise NotFound("This permission was withdrawn before.")
        audit.record(
            connection,
            ground.clock,
            event="consent.withdrawn",
            actor=account_id,
            subject=account_id,
            client_id=client_id,
            detail={"grant": grant_id},
        )
