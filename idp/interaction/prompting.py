"""From a request to what it demands of the person, and from there to the next prompt.

The authorization endpoint and the pages both ask here, so that a page can never show one thing and the endpoint
want another.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from core.assurance import AAL, IAL, Acr, parse_acr
from core.ground import Ground
from idp.interaction.interaction import Progress
from idp.interaction.policy import Asked, Demand, Done, Situation, next_prompt
from idp.interaction.session_row import SignedIn
from idp.models.client import RegisteredClient
from idp.models.grant import Granted, load_grant
from idp.oidc.authentication_request import AuthorizationRequest
from idp.oidc.claims import consented_names


class Prompting:
    def __init__(self, ground: Ground) -> None:
        self.ground = ground

    def next(
        self,
        connection: Connection,
        request: AuthorizationRequest,
        client: RegisteredClient,
        signed_in: SignedIn | None,
        progress: Progress | None = None,
    ) -> Asked | None:
        """What is still to be asked of the person at an authorization request; one query for the grant."""
        grant = load_grant(connection, signed_in.account_id, client.client_id) if signed_in else None
        return self.next_given(request, client, signed_in, progress, grant=grant)

    def next_given(
        self,
        request: AuthorizationRequest,
        client: RegisteredClient,
        signed_in: SignedIn | None,
        progress: Progress | None = None,
        *,
        grant: Granted | None,
    ) -> Asked | None:
        """The same for a caller that has the grant already."""
        demand = demand_of(request, client, sandbox=self.ground.settings.sandbox)
        return self._next(demand, signed_in, progress, granted=allowed(grant))

    def next_local(self, signed_in: SignedIn | None, progress: Progress) -> Asked | None:
        """The same for one of our own pages, which asks for authentication alone."""
        return self._next(local_demand(progress.request), signed_in, progress, granted=None)

    def demand(
        self, request: AuthorizationRequest | None, client: RegisteredClient | None, progress: Progress
    ) -> Demand:
        """What the interaction asks for, whoever began it."""
        if request is None or client is None:
            return local_demand(progress.request)
        return demand_of(request, client, sandbox=self.ground.settings.sandbox)

    def is_enough(self, stored: Mapping[str, Any], signed_in: SignedIn | None) -> bool:
        """Whether a session satisfies one of our own pages as it is."""
        return self._next(local_demand(stored), signed_in, None, granted=None) is None

    def _next(
        self, demand: Demand, signed_in: SignedIn | None, progress: Progress | None, *, granted: frozenset[str] | None
    ) -> Asked | None:
        account_id = signed_in.account_id if signed_in else ""
        done = progress.done_by(account_id) if progress else Done()
        return next_prompt(Situation(demand, signed_in, self.ground.clock.now(), done, granted))


def demand_of(request: AuthorizationRequest, client: RegisteredClient, *, sandbox: bool) -> Demand:
    """An unknown `acr` asks for nothing (OpenID Connect Core section 3.1.2.1: it is a wish); essential ones are
    refused at validation when none is known.
    """
    essential = request.essential_acr_values
    return Demand(
        prompt=frozenset(request.prompt),
        max_age=None if request.max_age is None else timedelta(seconds=request.max_age),
        acr=known_acr(essential or request.acr_values, sandbox=sandbox),
        acr_essential=bool(essential),
        signing=bool(request.signing_details),
        details=bool(request.consented_details),
        consent=not request.decoupled,
        unproven_app=client.is_public and not request.redirect_uri.startswith("https://"),
        approval=bool(request.decoupled),
        claims=names_to_allow(request, client),
        hinted_account_id=request.hinted_account_id,
    )


def names_to_allow(request: AuthorizationRequest, client: RegisteredClient) -> frozenset[str]:
    """What the consent page shows and the grant keeps: the claims, and staying connected (Core section 11)."""
    offline = {"offline_access"} & set(request.scope)
    return consented_names(request, client) | offline


def allowed(grant: Granted | None) -> frozenset[str] | None:
    return None if grant is None else grant.claims | ({"offline_access"} & grant.scope)


def known_acr(values: tuple[str, ...], *, sandbox: bool) -> tuple[Acr, ...]:
    parsed = (parse_acr(value, sandbox=sandbox) for value in values)
    return tuple(acr for acr in parsed if acr is not None)


def local_demand(stored: Mapping[str, Any]) -> Demand:
    """What one of our own pages asks for: `aal`, and `max_age` in seconds where it must be fresh."""
    max_age, aal = stored.get("max_age"), stored.get("aal", AAL.AAL2)
    return Demand(
        max_age=None if max_age is None else timedelta(seconds=max_age),
        acr=(Acr(IAL.NONE, AAL(aal)),),
        acr_essential=True,
        consent=False,
    )
