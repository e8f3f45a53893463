"""The token endpoint, RFC 6749 section 3.2: one grant for each grant_type."""

from __future__ import annotations

from collections.abc import Iterable

from idp.errors import UnauthorizedClient, UnsupportedGrantType
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.endpoint import EndpointServices, MakeGrant
from idp.oauth2.parameters import required


class TokenEndpoint:
    def __init__(self, services: EndpointServices, grants: Iterable[MakeGrant]) -> None:
        self.grants = {grant.name: grant(services) for grant in grants}

    def answer(self, call: AuthenticatedCall) -> Reply:
        """Section 5. Raises UnsupportedGrantType, UnauthorizedClient, and what the grant refuses."""
        name = required(call.parameters, "grant_type")
        grant = self.grants.get(name)
        if grant is None:
            raise UnsupportedGrantType(f"grant_type must be one of {', '.join(self.grants)}")
        if name not in call.client.grant_types:
            raise UnauthorizedClient("this client is not registered for this grant_type")
        return Reply(grant.redeem(call))
