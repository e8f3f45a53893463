"""One look at one interaction: who is there, what they are asked, and for whom."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any

from core import i18n
from core.errors import NotFound
from idp.interaction import signed_in
from idp.interaction.interaction import Progress
from idp.interaction.policy import Asked
from idp.interaction.services import InteractionServices
from idp.interaction.session import SignedIn
from idp.models.client import RegisteredClient, load_client
from idp.oidc.authentication_request import AuthorizationRequest

# A user name, an e-mail address, or a number as it is written; `login_hint` is anybody's to write into a link, and no
# sentence or address of theirs is to stand on our page.
NAME_LIKE = re.compile(r"[\w-]{1,40}|[\w.+-]{1,64}@[A-Za-z0-9.-]{1,100}|\+?[0-9][0-9 -]{5,24}", re.ASCII)


@dataclass(frozen=True)
class Visit:
    """`request` and `client` are None when one of our own pages asked for the sign-in."""

    services: InteractionServices
    progress: Progress
    session: SignedIn | None
    request: AuthorizationRequest | None
    client: RegisteredClient | None
    asked: Asked | None

    @property
    def bound_to(self) -> str:
        """What a passkey challenge of this page is bound to."""
        return f"interaction:{self.progress.id}"

    @property
    def path(self) -> str:
        return f"/interaction/{self.progress.id}"

    @property
    def onward(self) -> str:
        """Where the person goes after a step: back to whoever asked, who asks the policy again."""
        return f"/authorize/{self.progress.id}" if self.request and not self.is_decoupled else self.path

    @cached_property
    def client_name(self) -> str:
        return self.client.name(i18n.language()) if self.client else ""

    def said(self, name: str) -> str:
        """What the client's metadata say, in the person's language where they do (RFC 7591 section 2.2)."""
        if self.client is None:
            return ""
        return str(self.client.get(f"{name}#{i18n.language()}") or self.client.get(name) or "")

    @property
    def shown_hint(self) -> str:
        """OpenID Connect Core section 3.1.2.1: `login_hint`, where it looks like what names a person."""
        hint = self.request.login_hint if self.request else ""
        return hint if NAME_LIKE.fullmatch(hint) else ""

    @property
    def is_signing(self) -> bool:
        return self.request is not None and bool(self.request.signing_details)

    @property
    def is_decoupled(self) -> bool:
        """No browser brought it: it is decided here, and nobody is sent back anywhere."""
        return self.request is not None and bool(self.request.decoupled)

    @property
    def seen_by(self) -> str:
        """Whom a page was made for; its form gives it back, because by then somebody else may be signed in here."""
        person = f"{self.progress.id} {self.session.account_id if self.session else ''}"
        return sha256(person.encode()).hexdigest()

    def note(self, **done: Any) -> None:
        """Writes what the signed-in person did here."""
        assert self.session is not None  # noqa: S101 - every step that notes something checked it
        with self.services.ground.database.write() as connection:
            self.services.interactions.note(connection, self.progress, account_id=self.session.account_id, **done)


def load_visit(services: InteractionServices, interaction_id: str) -> Visit:
    """Raises NotFound for an unknown interaction and for one whose client is gone."""
    progress = services.interactions.load(interaction_id)
    session = signed_in.current(services)
    if not progress.client_id:
        return Visit(services, progress, session, None, None, services.prompting.next_local(session, progress))
    request = AuthorizationRequest.from_dict(progress.request)
    i18n.use_language(" ".join(request.ui_locales))
    with services.ground.database.read() as connection:
        client = load_client(connection, progress.client_id)
        if client is None:
            raise NotFound("The service that you came from is no longer connected to Prajak.")
        asked = services.prompting.next(connection, request, client, session, progress)
    return Visit(services, progress, session, request, client, asked)
