"""The userinfo endpoint, OpenID Connect Core section 5.3: by GET and POST, bearer tokens and DPoP; JSON, or a JWT where
the client registered that its answers are signed, encrypted or both.

The token is found by its hash; row and grant are looked at together, so that a withdrawn consent, a logout or a
replayed code is in force at the next call, on every worker.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping, bindparam, select

from core.errors import NotFound
from core.ground import Ground
from core.identifiers import hashed
from enrollment.account import AccountStore
from idp.errors import InsufficientScope, InvalidDpopProof, InvalidToken
from idp.models.client import Clients, RegisteredClient
from idp.models.grant import Grant
from idp.models.issued_token import IssuedToken
from idp.models.jose import ENCRYPTION_ALGORITHMS, ENCRYPTION_METHODS, SIGNING_ALGORITHMS
from idp.models.requested_claims import load_requested_claims
from idp.oauth2.answer_jwt import encrypt_for_client, sign_for_client
from idp.oauth2.bearer import PresentedToken
from idp.oauth2.call import Call, Reply
from idp.oauth2.compact_jws import parse_unverified
from idp.oauth2.dpop import verify_proof
from idp.oauth2.dpop_nonce import Nonces
from idp.oauth2.mtls import check_presenter
from idp.oauth2.one_time import spend_all
from idp.oauth2.step_up import Needed, check_authentication
from idp.oidc.released import release
from keys.keystore import Keystore
from keys.purposes import Purpose

KEPT_REQUESTS = 1000
PREFIX = "userinfo"
METADATA = {
    "userinfo_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
    "userinfo_encryption_alg_values_supported": list(ENCRYPTION_ALGORITHMS),
    "userinfo_encryption_enc_values_supported": list(ENCRYPTION_METHODS),
}

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
    def __init__(self, ground: Ground, keystore: Keystore, accounts: AccountStore, clients: Clients) -> None:
        self.ground = ground
        self.keystore = keystore
        self.accounts = accounts
        self.clients = clients
        self.nonces = Nonces(ground, keystore)
        self.requests: dict[str, Mapping[str, Any]] = {}

    def answer(self, presented: PresentedToken, call: Call) -> Reply:
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
        self._check_authentication(presented.token, client)
        claims = release(
            self.accounts,
            row["account_id"],
            asked=self._request(row["requested_claims"]).get("userinfo"),
            scope=scope,
            client=client,
            granted=row["granted_claims"],
            now=self.ground.clock.now(),
        )
        return self._reply(client, {**claims, "sub": row["sub"]})

    def _reply(self, client: RegisteredClient, claims: Mapping[str, Any]) -> Reply:
        """Section 5.3.2: a signed answer names who made it and for whom; one that is only encrypted is JSON within."""
        if client.get("userinfo_signed_response_alg"):
            content = {**claims, "iss": self.ground.settings.issuer, "aud": client.client_id}
            jwt = sign_for_client(self.keystore, client, Purpose.USERINFO, content, typ="JWT", prefix=PREFIX)
        elif client.get("userinfo_encrypted_response_alg"):
            jwt = encrypt_for_client(client, json.dumps(claims, ensure_ascii=False), prefix=PREFIX)
        else:
            return Reply(claims)
        return Reply(jwt, content_type="application/jwt")

    def _load(self, token: str) -> dict[str, Any]:
        """The token's row with the claims of its grant; every reason to refuse gives the same answer."""
        asked = {"hash_of_token": hashed(token), "now": self.ground.clock.now()}
        with self.ground.database.read() as connection:
            row: RowMapping | None = connection.execute(IN_FORCE, asked).mappings().first()
        if row is None:
            raise InvalidToken("the access token is expired, revoked, or not one of ours")
        return dict(row) | {"granted_claims": frozenset(json.loads(row["granted_claims"]))}

    def _check_proof(self, row: Mapping[str, Any], presented: PresentedToken, call: Call) -> None:
        """RFC 8705 section 3 and RFC 9449 section 7.2: a bound token is no bearer token, and the proof is by
        its very key.
        """
        check_presenter(row["x5t_s256"], call.client_certificate)
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
            check_nonce=self.nonces.check,
            access_token=presented.token,
        )
        if proof.jkt != row["jkt"]:
            raise InvalidDpopProof("DPoP proof: the access token is bound to another key")
        with self.ground.database.write() as connection:
            spend_all(connection, (proof.one_time,))

    def _check_authentication(self, access_token: str, client: RegisteredClient) -> None:
        """RFC 9470: `default_max_age` holds here too, or a refreshed token would pass by it. The token is ours: its row
        was found.
        """
        longest = client.get("default_max_age")
        if longest is None:
            return
        settings, claims = self.ground.settings, parse_unverified(access_token).claims
        needed = Needed(max_age=timedelta(seconds=longest))
        now = self.ground.clock.now()
        check_authentication(claims, needed, now=now, skew=settings.clock_skew, sandbox=settings.sandbox)

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
