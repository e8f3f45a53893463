"""Token introspection, RFC 7662, and its answer as a JWT, RFC 9701: what a token stands for, to whom it concerns.

That is the client it was issued to, and the server of the resource it is for (RFC 8707). Everybody else, and whoever
asks of a token that no longer counts, reads `{"active": false}` and not why (section 2.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import audit
from core.clock import timestamp
from core.errors import NotFound
from core.identifiers import hashed
from idp.errors import InvalidClient
from idp.models.client import RegisteredClient
from idp.models.issued_token import load_token_in_force
from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNING_ALGORITHMS
from idp.models.refresh_token import HANDLE_LENGTH, load_refresh_token
from idp.models.subject import issue_sub, load_sub, sector_of
from idp.oauth2.answer_jwt import sign_for_client
from idp.oauth2.call import AuthenticatedCall, Reply
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.jwt_access_token import read_own_claims
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required
from idp.oauth2.refresh_token import is_in_force
from keys.purposes import Purpose

TYP = "token-introspection+jwt"  # RFC 9701 section 5
MEDIA_TYPE = f"application/{TYP}"
INACTIVE: Mapping[str, Any] = {"active": False}
METADATA = {  # RFC 9701 section 7
    "introspection_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
    "introspection_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
    "introspection_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
}


class Introspection:
    """The introspection endpoint (section 2)."""

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.keystore = services.keystore
        self.accounts = services.accounts
        self.resources = services.resources
        self.clients = services.clients

    def answer(self, call: AuthenticatedCall) -> Reply:
        """Section 2.2; RFC 9701 section 5 where the caller asks for it or is registered so. Raises InvalidClient for
        a client without credentials (section 4: nobody scans tokens here).
        """
        if call.client.is_public:
            raise InvalidClient("introspection is for clients that authenticate")
        token = required(call.parameters, "token")
        if call.one_time:  # first: whoever replays an assertion learns nothing, and nothing is noted as a use
            with self.ground.database.write() as connection:
                spend_all(connection, call.one_time)
        # the hint of section 2.1 needs no reading: both kinds are looked for
        found = self._access_token(token, call.client) or self._refresh_token(token, call.client) or INACTIVE
        if not wants_jwt(call):
            return Reply(found)
        return Reply(self._signed(found, call.client), content_type=MEDIA_TYPE)

    def _access_token(self, token: str, caller: RegisteredClient) -> Mapping[str, Any] | None:
        with self.ground.database.read() as connection:
            row = load_token_in_force(connection, hashed(token), now=self.ground.clock.now())
        if row is None or not self._concerns(row, caller) or self._is_ended(row):
            return None
        claims = read_own_claims(token)
        known = {"active": True, "token_type": "DPoP" if row["jkt"] else "Bearer", **claims}
        if "act" in claims and caller.client_id != row["client_id"]:
            known["sub"] = self._sub_at(caller, row["account_id"])
            self._record_use(row, claims, caller)
        return known

    def _record_use(self, row: Mapping[str, Any], claims: Mapping[str, Any], api: RegisteredClient) -> None:
        """Each time an API is shown an exchanged token it asks here: what the citizen's place shows as a use."""
        identifiers = [each["identifier"] for each in claims.get("authorization_details", ()) if "identifier" in each]
        with self.ground.database.write() as connection:
            audit.record(
                connection,
                self.ground.clock,
                event="record.used",
                actor=row["client_id"],
                subject=row["account_id"],
                client_id=row["client_id"],
                detail={"resource": row["audience"], "identifiers": " ".join(identifiers), "api": api.client_id},
            )

    def _concerns(self, row: Mapping[str, Any], caller: RegisteredClient) -> bool:
        resource = self.resources.load(row["audience"])
        return caller.client_id == row["client_id"] or (resource is not None and resource.client_id == caller.client_id)

    def _is_ended(self, row: Mapping[str, Any]) -> bool:
        """Its client was removed, or its person's account is not in force."""
        return self.clients.load(row["client_id"]) is None or not self._is_active(row["account_id"])

    def _refresh_token(self, token: str, caller: RegisteredClient) -> Mapping[str, Any] | None:
        """Only the current one, and only to its client: no resource server has any business with it."""
        with self.ground.database.read() as connection:
            row = load_refresh_token(connection, token[:HANDLE_LENGTH])
        now = self.ground.clock.now()
        if row is None or not is_in_force(row, caller.client_id, now) or row["token_hash"] != hashed(token):
            return None
        if not self._is_active(row["account_id"]):
            return None
        return {
            "active": True,
            "iss": self.ground.settings.issuer,
            "client_id": row["client_id"],
            "sub": row["sub"],
            "scope": row["scope"],
            "iat": timestamp(row["issued_at"]),
            "exp": timestamp(min(row["idle_until"], row["expires_at"])),
        }

    def _sub_at(self, caller: RegisteredClient, account_id: str) -> str:
        """An exchanged token (RFC 8693) is about a person whom the API's agency knows by a `sub` of its own."""
        with self.ground.database.read() as connection:
            sub = load_sub(connection, account_id, sector_of(caller))
        if sub is not None:
            return sub
        with self.ground.database.write() as connection:
            return issue_sub(connection, account_id, sector_of(caller), now=self.ground.clock.now())

    def _is_active(self, account_id: str) -> bool:
        try:
            return not account_id or self.accounts.is_active(account_id)
        except NotFound:
            return False

    def _signed(self, found: Mapping[str, Any], caller: RegisteredClient) -> str:
        """RFC 9701 section 5: no `sub` and no `exp` beside it, so that it never passes for an access token."""
        claims = {
            "iss": self.ground.settings.issuer,
            "aud": caller.client_id,
            "iat": timestamp(self.ground.clock.now()),
            "token_introspection": dict(found),
        }
        return sign_for_client(self.keystore, caller, Purpose.INTROSPECTION, claims, typ=TYP, prefix="introspection")


def wants_jwt(call: AuthenticatedCall) -> bool:
    """RFC 9701 section 4, and what was registered (section 6)."""
    accepted = {each.partition(";")[0].strip().lower() for each in call.call.accept.split(",")}
    registered = call.client.requires_signed_introspection or call.client.get("introspection_encrypted_response_alg")
    return MEDIA_TYPE in accepted or bool(registered)
