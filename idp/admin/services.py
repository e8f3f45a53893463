"""What the console's pages are given by `idp/app.py`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import httpx

from core.ground import Ground
from core.outbox import Outbox
from enrollment.account import AccountStore
from idp.interaction.services import InteractionServices
from idp.models.client import Clients
from keys.envelope import Envelope
from keys.keystore import Keystore
from keys.trust_services import TrustServices

ProviderClient = httpx.Client


class ErasePerson(Protocol):
    """Erases a person whole, once two people have agreed (`idp/erasure.py`)."""

    def __call__(self, account_id: str, *, actor: str) -> None: ...


@dataclass(frozen=True)
class ConsoleServices:
    """`provider` reaches our own endpoints in this process, so that trying a client never waits for a second thread."""

    ground: Ground
    interaction: InteractionServices
    accounts: AccountStore
    clients: Clients
    envelope: Envelope
    keystore: Keystore
    trust: TrustServices
    outbox: Outbox
    provider: httpx.BaseTransport
    erase: ErasePerson

    def open_provider(self) -> ProviderClient:
        return ProviderClient(transport=self.provider, base_url=self.ground.settings.issuer)
