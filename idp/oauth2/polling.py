"""Polling the token endpoint for what a person decides elsewhere: RFC 8628 section 3.5, which CIBA Core section 11 has
taken over word by word.

The plan of `redeem`; the numbers stand at the steps again:

1. the secret is one of ours, this client's, and of this grant    2. it was not redeemed before
3. the person decided: refused is told, approved goes on          4. nobody decided: too late, too early, or pending
5. what the person allowed is read, and the tokens are signed
6. one transaction: it is redeemed, and the tokens are kept. Of parallel polls exactly one commits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp.errors import AuthorizationPending, ExpiredToken, InvalidGrant, RequestDenied, SlowDown
from idp.models.client import RegisteredClient
from idp.models.decoupled_request import APPROVED, DENIED, Waiting, load_by_code, note_poll, redeem, slow_down
from idp.models.grant import load_grant_in_force
from idp.models.requested_claims import digest_claims, record_requested_claims
from idp.oauth2.authorized import Authorized, Issued
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required

INTERVAL = 5  # seconds; section 3.5: what a client that is told nothing assumes
LONGEST_INTERVAL = 60  # seconds; however often it was told to slow down
LONGEST_SECRET = 100


class PolledGrant:
    """One grant of this kind: `parameter` is the name of its secret in the token request."""

    name = ""
    parameter = ""

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.tokens = services.tokens
        self.accounts = services.accounts

    def redeem(self, call: AuthenticatedCall) -> Mapping[str, Any]:
        """The token response. Raises InvalidGrant, RequestDenied, ExpiredToken, SlowDown and AuthorizationPending."""
        asked = self._load(required(call.parameters, self.parameter), call.client)  # 1
        if asked.redeemed_at is not None:  # 2
            raise InvalidGrant(f"the {self.parameter} was used before")
        if asked.decision == DENIED:  # 3
            raise RequestDenied("the person refused")
        if asked.decision != APPROVED:
            self._refuse_early(asked)  # 4
        if self.ground.clock.now() >= asked.expires_at:
            raise ExpiredToken(f"the {self.parameter} is expired")
        issued = self.tokens.prepare(self._read(asked, call.client), call)  # 5
        self._commit(asked, call, issued)  # 6
        return issued.answer

    def _load(self, secret: str, client: RegisteredClient) -> Waiting:
        asked = None
        if len(secret) <= LONGEST_SECRET:
            with self.ground.database.read() as connection:
                asked = load_by_code(connection, secret)
        if asked is None or asked.client_id != client.client_id or asked.grant_type != self.name:
            raise InvalidGrant(f"the {self.parameter} is unknown, or another client's")
        return asked

    def _refuse_early(self, asked: Waiting) -> None:
        now = self.ground.clock.now()
        if now >= asked.expires_at:
            raise ExpiredToken(f"the {self.parameter} is expired")
        with self.ground.database.write() as connection:
            waited = note_poll(connection, asked, now=now)
            if not waited:
                slow_down(connection, asked, by=INTERVAL, longest=LONGEST_INTERVAL, now=now)
        if not waited:
            raise SlowDown(f"poll less often: {INTERVAL} seconds more between two requests")
        raise AuthorizationPending("the person has not decided yet")

    def _read(self, asked: Waiting, client: RegisteredClient) -> Authorized:
        """No session: it is the approving browser's, and its end must not be the end of another device."""
        says, request = asked.authorized, asked.request
        with self.ground.database.read() as connection:
            grant = load_grant_in_force(connection, says["grant_id"])
        if grant is None:
            raise InvalidGrant("the person withdrew their consent")
        if not self.accounts.is_active(asked.account_id):
            raise InvalidGrant("the account is not in force")
        return Authorized(
            client=client,
            sub=says["sub"],
            scope=tuple(each for each in request["scope"] if each in client.scope),  # less may be registered by now
            account_id=asked.account_id,
            grant_id=grant.id,
            family_id=asked.id,
            auth_time=says["auth_time"],
            acr=says["acr"],
            amr=tuple(says["amr"]),
            requested_claims=digest_claims(request["claims"])[0] if request["claims"] else "",
            asked=request["claims"],
            granted=grant.claims,
            resource=tuple(request.get("resource", ())),
        )

    def _commit(self, asked: Waiting, call: AuthenticatedCall, issued: Issued) -> None:
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            if not redeem(connection, asked.id, now=now):
                raise InvalidGrant(f"the {self.parameter} was used before")
            if asked.request["claims"]:
                record_requested_claims(connection, *digest_claims(asked.request["claims"]), now=now)
            self.tokens.record(connection, issued)
