"""What the citizen's place is given by `idp/app.py`, and who is there."""

from __future__ import annotations

from dataclasses import dataclass

from core.errors import NotAllowed
from core.ground import Ground
from enrollment.account import AccountStore
from enrollment.notices import Notices
from idp.interaction import signed_in
from idp.interaction.services import InteractionServices
from idp.interaction.session import SignedIn


@dataclass(frozen=True)
class PortalServices:
    interaction: InteractionServices
    notices: Notices

    @property
    def ground(self) -> Ground:
        return self.interaction.ground

    @property
    def accounts(self) -> AccountStore:
        return self.interaction.accounts

    def session(self) -> SignedIn:
        """The guard has let only signed-in people pass."""
        session = signed_in.current(self.interaction)
        if session is None:
            raise NotAllowed("Please sign in first.")
        return session

    @property
    def account_id(self) -> str:
        return self.session().account_id
