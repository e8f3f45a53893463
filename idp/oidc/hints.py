"""Whom a request names by what its client was told before: `id_token_hint`, and `sub` by value."""

from __future__ import annotations

from core.ground import Ground
from idp.models.client import RegisteredClient
from idp.oidc.discovery import KeySetDocument
from idp.oidc.id_token import verify_hint
from idp.oidc.subject import account_of_subject
from keys.purposes import Purpose


class KnownSubjects:
    """`idp/oauth2/authorization_request.Hints`, over the rows."""

    def __init__(self, ground: Ground, key_set: KeySetDocument) -> None:
        self.ground = ground
        self.key_set = key_set

    def account_of_id_token(self, client: RegisteredClient, id_token: str) -> str | None:
        """OpenID Connect Core section 3.1.2.1; raises InvalidRequest for what is not our ID token for this client."""
        keys = self.key_set.keys([Purpose.ID_TOKEN])
        claims = verify_hint(id_token, issuer=self.ground.settings.issuer, client_id=client.client_id, keys=keys)
        return self.account_of_sub(client, str(claims["sub"]))

    def account_of_sub(self, client: RegisteredClient, sub: str) -> str | None:
        with self.ground.database.read() as connection:
            return account_of_subject(connection, client, sub[:255])
