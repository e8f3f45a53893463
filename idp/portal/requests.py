"""What services ask of a person who was not there (CIBA Core section 8), until it is decided or runs out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from core import i18n
from core.ground import Ground
from idp.models.client import load_client
from idp.models.decoupled_request import load_open_requests


@dataclass(frozen=True)
class WaitingRequest:
    """`message` is the service's own words, empty where it sent none."""

    service: str
    message: str
    path: str
    until: datetime


def waiting_requests(ground: Ground, account_id: str) -> list[WaitingRequest]:
    """The newest first."""
    found = []
    with ground.database.read() as connection:
        for asked in load_open_requests(connection, account_id, now=ground.clock.now()):
            client = load_client(connection, asked.client_id)
            if client is not None:
                message = str(asked.request.get("decoupled", {}).get("binding_message", ""))
                name = client.name(i18n.language())
                found.append(WaitingRequest(name, message, f"/request/{asked.id}", asked.expires_at))
    return found
