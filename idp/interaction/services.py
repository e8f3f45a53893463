"""What the pages are given by `idp/app.py`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from core.ground import Ground
from core.outbox import Outbox
from enrollment.account import AccountStore
from idp.interaction.interaction import InteractionStore
from idp.interaction.prompting import Prompting
from idp.interaction.session import SessionStore


class SandboxPasskeys(Protocol):
    """The sandbox's software authenticators: they answer a ceremony's options as a device would."""

    def users(self) -> Sequence[tuple[str, str]]:
        """(stable name, what the list shows) of everybody who can sign in so."""

    def answer(self, name: str, options_json: str) -> str:
        """The credential JSON that the browser would send; raises PersonError for an unknown name."""

    def name_of(self, account_id: str) -> str:
        """The person's stable name; empty for somebody who has none."""


@dataclass(frozen=True)
class InteractionServices:
    """`sandbox` is None outside the sandbox: then its form and its route do not exist."""

    ground: Ground
    sessions: SessionStore
    accounts: AccountStore
    sandbox: SandboxPasskeys | None = None

    @cached_property
    def interactions(self) -> InteractionStore:
        return InteractionStore(self.ground)

    @cached_property
    def outbox(self) -> Outbox:
        """To add to it in a transaction of ours; delivering is the background's."""
        return Outbox(self.ground, self.accounts.envelope, {})

    @cached_property
    def prompting(self) -> Prompting:
        return Prompting(self.ground)
