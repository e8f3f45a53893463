"""The client credentials grant, RFC 6749 section 4.4: a client for itself, at an API that is registered here.

There is no person in it: no scope that asks for a person's claims, no ID token, no refresh token (section 4.4.3).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.identifiers import new_id
from idp.errors import InvalidScope, UnauthorizedClient
from idp.models.client import RegisteredClient
from idp.oauth2.authorization_request import read_scope
from idp.oauth2.authorized import Authorized
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.resource_indicators import check_resources

OF_PEOPLE = frozenset({"openid", "profile", "email", "phone", "address", "offline_access"})


class ClientCredentialsGrant:
    name = "client_credentials"

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.tokens = services.tokens
        self.resources = services.resources

    def redeem(self, call: AuthenticatedCall) -> Mapping[str, Any]:
        """Section 4.4.3. Raises UnauthorizedClient, InvalidScope and InvalidTarget."""
        if call.client.is_public:
            raise UnauthorizedClient("this grant is for clients that authenticate")  # section 4.4
        authorized = Authorized(
            client=call.client,
            sub=call.client.client_id,  # RFC 9068 section 2.2
            scope=own_scope(call.client, call.parameters),
            family_id=new_id(),
            resource=check_resources(call.parameters, call.client, self.resources),
            beside=frozenset(),
        )
        issued = self.tokens.prepare(authorized, call)
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            self.tokens.record(connection, issued)
        return issued.answer


def own_scope(client: RegisteredClient, parameters: Mapping[str, str]) -> tuple[str, ...]:
    """Section 3.3: what it asks for, else all that is its own."""
    own = tuple(each for each in str(client.get("scope", "")).split() if each not in OF_PEOPLE)
    wanted = read_scope(parameters.get("scope", ""))
    for each in wanted:
        if each not in own:
            raise InvalidScope(f"scope {each[:60]} is not one that this client has for itself")
    return wanted or own
