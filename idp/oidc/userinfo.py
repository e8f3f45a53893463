"""The userinfo endpoint, OpenID Connect Core section 5.3: JSON, by GET and POST, bearer tokens and DPoP.

The token is found by its hash; row and grant are looked at together, so that a withdrawn consent, a logout or a
replayed code is in force at the next call, on every worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping, bindparam, select

from core.errors import NotFound
from core.ground import Ground
from core.identifiers import hashed
from enrollment.account import AccountStore
from idp.errors import InsufficientScope, InvalidDpopProof, InvalidToken
from idp.models.client import Clients
from idp.models.grant import Grant
from idp.models.issued_token import IssuedToken
from idp.models.requested_claims import load_requested_claims
from idp.oauth2.bearer import PresentedToken
from idp.oauth2.call import Call
from idp.oauth2.dpop import verify_proof
from idp.oauth2.one_time import spend_all
from idp.oidc.released import release

KEPT_REQUESTS = 1000


TOKEN, GRANT = IssuedToken.__table__, Grant.__table__
IN_FORCE = (
    select(TOKEN, GRANT.c.claims.label("granted_claims"))
    .join(GRANT, GRANT.c.id == TOKEN.c.grant_id)
    .where(
        TOKEN.c.token_hash == bindparam("hash_of_token"),
        TOKEN.c.revoked_at.is_(None),
        TOKEN.c.expires_at > bindparam("now"),
        GRANT.c.revoked_at.is_(None),
    )
)


class Userinfo:
    def __init__(self, ground: Ground, accounts: AccountStore, clients: Clients) -> None:
        self.ground = ground
        self.accounts = accounts
        self.clients = clients
        self.requests: dict[str, Mapping[str, Any]] = {}

    def answer(self, presented: PresentedToken, call: Call) -> dict[str, Any]:
        """Section 5.3.2. Raises InvalidToken, InvalidDpopProof and InsufficientScope."""
        row = self._load(presented.token)
        self._check_proof(row, presented, call)
        scope = row["scope"].split()
        if row["audience"] != self.ground.settings.issuer:
            raise InvalidToken("the access token is for another resource")
        if "openid" not in scope:
            raise InsufficientScope("the access token was not issued with scope openid")
        client = self.clients.load(row["client_id"])
        if client is None or not self._is_active(row["account_id"]):
            raise InvalidToken("the access token is no longer in force")
        claims = release(
            self.accounts,
            row["account_id"],
            asked=self._request(row["requested_claims"]).get("userinfo"),
            scope=scope,
            client=client,
            granted=row["granted_claims"],
            now=self.ground.clock.now(),
        )
        return {**claims, "sub": row["sub"]}

    def _load(self, token: str) -> dict[str, Any]:
        """The token's row with the claims of its grant; every reason to refuse gives the same answer."""
        asked = {"hash_of_token": hashed(token), "now": self.ground.clock.now()}
        with self.ground.database.read() as connection:
            row: RowMapping | None = connection.execute(IN_FORCE, asked).mappings().first()
        if row is None:
            raise InvalidToken("the access token is expired, revoked, or not one of ours")
        return dict(row) | {"granted_claims": frozenset(json.loads(row["granted_claims"]))}

    def _check_proof(self, row: Mapping[str, Any], presented: PresentedToken, call: Call) -> None:
        """RFC 9449 section 7.2: a bound token never counts as a bearer token, and the proof is by its very key."""
        if (presented.scheme == "DPoP") != bool(row["jkt"]):
            raise InvalidToken("the access token must be presented as what it was issued as")
        if not row["jkt"]:
            return
        settings = self.ground.settings
        proof = verify_proof(
            call.dpop,
            method=call.method,
            uri=call.url,
            now=self.ground.clock.now(),
            skew=settings.clock_skew,
            access_token=presented.token,
        )
        if proof.jkt != row["jkt"]:
            raise InvalidDpopProof("DPoP proof: the access token is bound to another key")
        with self.ground.database.write() as connection:
            spend_all(connection, (proof.one_time,))

    def _is_active(self, account_id: str) -> bool:
        try:
            return self.accounts.is_active(account_id)
        except NotFound:
            return False

    def _request(self, digest: str) -> Mapping[str, Any]:
        """The `claims` parameter that the token came of; what a digest names never changes."""
        if not digest:
            return {}
        known = self.requests.get(digest)
        if known is None:
            with self.ground.database.read() as connection:
                known = load_requested_claims(connection, digest) or {}
            if len(self.requests) >= KEPT_REQUESTS:
                self.requests.clear()
            self.requests[digest] = known
        return known
