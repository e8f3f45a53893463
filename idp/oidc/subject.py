"""Subject identifiers, OpenID Connect Core section 8: pairwise by sector, or public where the client registered so."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from idp.models.client import RegisteredClient
from idp.models.subject import issue_sub, load_account_of_sub, load_sub, sector_of

METADATA = {"subject_types_supported": ["pairwise", "public"]}


def load_subject(connection: Connection, client: RegisteredClient, account_id: str) -> str | None:
    return load_sub(connection, account_id, sector_of(client))


def issue_subject(connection: Connection, client: RegisteredClient, account_id: str, *, now: datetime) -> str:
    """The `sub` by which this client knows the person; made at the first visit."""
    return issue_sub(connection, account_id, sector_of(client), now=now)


def account_of_subject(connection: Connection, client: RegisteredClient, sub: str) -> str | None:
    return load_account_of_sub(connection, sub, sector_of(client))
