"""Token revocation, RFC 7009: a client gives back what it holds. In force at once: every worker reads the same rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from core import audit
from core.identifiers import hashed
from idp.errors import InvalidGrant
from idp.models.issued_token import load_token_in_force, revoke_token, revoke_tokens_of_family
from idp.models.refresh_token import HANDLE_LENGTH, load_refresh_token
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required


class Revocation:
    """The revocation endpoint (section 2)."""

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground

    def answer(self, call: AuthenticatedCall) -> Reply:
        """Section 2.2: the same answer for a token that is unknown or ended already; `token_type_hint` needs no
        reading, both kinds are looked for. Raises InvalidGrant for another client's token (section 2.1).
        """
        token, now = required(call.parameters, "token"), self.ground.clock.now()
        with self.ground.database.read() as connection:
            access_token = load_token_in_force(connection, hashed(token), now=now)
            refresh_token = load_refresh_token(connection, token[:HANDLE_LENGTH])
        found = access_token or refresh_token
        if found is not None and found["client_id"] != call.client.client_id:
            raise InvalidGrant("the token was issued to another client")
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            if access_token is not None:
                self._record(connection, access_token, int(revoke_token(connection, hashed(token), now=now)))
            elif refresh_token is not None:
                # section 2.1: with the refresh token goes all that came of the same grant
                revoked = revoke_tokens_of_family(connection, refresh_token["family_id"], now=now)
                self._record(connection, refresh_token, revoked)
        return Reply(None, content_type="text/plain")

    def _record(self, connection: Connection, row: dict[str, Any], revoked: int) -> None:
        if revoked:
            audit.record(
                connection,
                self.ground.clock,
                event="token.revoked",
                actor=row["client_id"],
                subject=row["account_id"],
                client_id=row["client_id"],
                detail={"revoked_tokens": revoked},
            )
