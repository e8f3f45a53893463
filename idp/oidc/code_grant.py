"""The authorization code becomes tokens: RFC 6749 section 4.1.3, OpenID Connect Core section 3.1.3.

The plan of `redeem`; the numbers stand at the steps again:

1. the code opens, is this client's, and its redirect_uri is the same   2. PKCE
3. the key it was bound to, or must be bound to, is proven (DPoP)       4. it is not expired
5. what the person allowed is read, and the tokens are signed
6. one transaction: everything that may be used once is spent, grant and session are still in force, the token's row,
   the session's client and the audit entry are written. Of parallel redemptions exactly one commits.

A code that comes a second time revokes what came of the first, in a transaction of its own (section 4.1.2).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core import audit
from core.ground import Ground
from core.identifiers import hashed
from core.one_time import spend
from enrollment.account import AccountStore
from idp.errors import InvalidDpopProof, InvalidGrant
from idp.models.client import RegisteredClient
from idp.models.grant import Granted, load_grant_in_force
from idp.models.issued_token import record_token, revoke_tokens_of_code
from idp.models.requested_claims import load_requested_claims
from idp.models.rich_authorization import load_rich_authorization
from idp.models.session_client import client_sid, record_session_client
from idp.oauth2.authorization_code import AuthorizationCode, CodeSeal, check_code
from idp.oauth2.jwt_access_token import issue_access_token
from idp.oauth2.one_time import OneTime, spend_all
from idp.oauth2.parameters import required
from idp.oauth2.pkce import check_code_verifier
from idp.oauth2.rar import audience_of, enriched
from idp.oidc.id_token import issue_id_token
from idp.oidc.released import names_for, release
from keys.keystore import Keystore
from keys.purposes import Purpose

REPLAY_REMEMBERED = timedelta(minutes=10)  # after its expiry: longer than what came of it lives
IsSessionInForce = Callable[[Connection, str], bool]


@dataclass(frozen=True)
class TokenRequest:
    """A request at the token endpoint by an authenticated client. `jkt` is the key that its DPoP proof proved,
    "" without one; `one_time` is what the transaction of the tokens must spend.
    """

    parameters: Mapping[str, str]
    client: RegisteredClient
    jkt: str
    one_time: tuple[OneTime, ...]


@dataclass(frozen=True)
class Allowed:
    """What the code stands for, with what it only refers to. `asked` is the `claims` parameter."""

    code: AuthorizationCode
    client: RegisteredClient
    granted: frozenset[str] = frozenset()
    asked: Mapping[str, Any] = field(default_factory=dict)
    details: list[dict[str, Any]] = field(default_factory=list)
    assertion: dict[str, str] | None = None

    @property
    def scope(self) -> list[str]:
        return self.code.scope.split()

    def released(self, grant: Granted) -> str:
        """Names, for the audit trail: what this client may now read."""
        names = names_for(self.asked.get("userinfo"), self.scope, self.client, grant.claims)
        return " ".join(sorted(names | names_for(self.asked.get("id_token"), (), self.client, grant.claims)))


class CodeGrant:
    name = "authorization_code"

    def __init__(
        self, ground: Ground, keystore: Keystore, accounts: AccountStore, is_session_in_force: IsSessionInForce
    ) -> None:
        self.ground = ground
        self.keystore = keystore
        self.accounts = accounts
        self.is_session_in_force = is_session_in_force
        self.seal = CodeSeal(keystore)

    def redeem(self, request: TokenRequest) -> dict[str, Any]:
        """The token response. Raises InvalidGrant and InvalidDpopProof."""
        code = self.seal.open(required(request.parameters, "code"))  # 1
        check_code(code, request.parameters, request.client.client_id)
        check_code_verifier(request.parameters.get("code_verifier"), code.code_challenge)  # 2
        check_binding(code, request)  # 3
        if code.is_expired(self.ground.clock.now()):  # 4
            self._revoke(code, "expired")
            raise InvalidGrant("the code is expired")
        allowed = self._read(code, request.client)  # 5
        return self._issue(allowed, request)

    def _read(self, code: AuthorizationCode, client: RegisteredClient) -> Allowed:
        """What the code only refers to; a plain one refers to nothing and costs no query."""
        if not code.requested_claims and not code.rich_authorization:
            return Allowed(code, client)
        with self.ground.database.read() as connection:
            grant = load_grant_in_force(connection, code.grant_id)
            asked = load_requested_claims(connection, code.requested_claims) if code.requested_claims else {}
            found = (
                load_rich_authorization(connection, code.rich_authorization) if code.rich_authorization else ([], None)
            )
        if grant is None or asked is None or found is None:
            raise InvalidGrant("what the code stands for was withdrawn")
        return Allowed(code, client, grant.claims, asked, *found)

    def _issue(self, allowed: Allowed, request: TokenRequest) -> dict[str, Any]:
        code, now = allowed.code, self.ground.clock.now()
        expires_at = now + self.ground.settings.access_token_lifetime
        sid = client_sid(code.session_id, code.client_id)
        jkt = request.jkt
        access_token, jti = self._access_token(allowed, jkt, now, expires_at)
        answer: dict[str, Any] = {
            "access_token": access_token,
            "token_type": "DPoP" if jkt else "Bearer",
            "expires_in": int(self.ground.settings.access_token_lifetime.total_seconds()),
            "scope": code.scope,
        }
        if "openid" in allowed.scope:
            answer["id_token"] = self._id_token(allowed, sid, access_token)
        if allowed.details:
            answer["authorization_details"] = enriched(allowed.details, allowed.assertion)
        row = token_row(code, access_token, jti, jkt, self._audience(allowed), now, expires_at)
        self._commit(allowed, request, row, sid)  # 6
        return answer

    def _access_token(self, allowed: Allowed, jkt: str, now: datetime, expires_at: datetime) -> tuple[str, str]:
        code = allowed.code
        return issue_access_token(
            self.keystore.active(Purpose.ACCESS_TOKEN),
            issuer=self.ground.settings.issuer,
            audience=self._audience(allowed),
            sub=code.sub,
            client_id=code.client_id,
            scope=allowed.scope,
            issued_at=now,
            expires_at=expires_at,
            authentication={"auth_time": code.auth_time, "acr": code.acr, "amr": code.amr.split()},
            cnf={"jkt": jkt} if jkt else None,
            authorization_details=allowed.details,
        )

    def _id_token(self, allowed: Allowed, sid: str, access_token: str) -> str:
        """Section 5.4: scopes put their claims into userinfo; here stands only what `claims` asks for by name."""
        claims = release(
            self.accounts,
            allowed.code.account_id,
            asked=allowed.asked.get("id_token"),
            scope=(),
            client=allowed.client,
            granted=allowed.granted,
            now=self.ground.clock.now(),
        )
        return issue_id_token(
            self.keystore, self.ground, allowed.code, sid=sid, access_token=access_token, claims=claims
        )

    def _audience(self, allowed: Allowed) -> str:
        return audience_of(allowed.details, self.ground.settings.issuer)

    def _commit(self, allowed: Allowed, request: TokenRequest, row: dict[str, Any], sid: str) -> None:
        code, now = allowed.code, self.ground.clock.now()
        with self.ground.database.write() as connection:
            spend_all(connection, request.one_time)
            expires_at = code.expires_at_time + REPLAY_REMEMBERED
            is_first = spend(connection, "code", code.id, expires_at=expires_at)
            if is_first:
                grant = self._check_still_allowed(connection, code)
                record_token(connection, row)
                record_session_client(
                    connection,
                    session_id=code.session_id,
                    client_id=code.client_id,
                    sid=sid,
                    sub=code.sub,
                    now=now,
                )
                self._audit(connection, "token.issued", allowed, detail={"claims": allowed.released(grant)})
        if not is_first:
            self._revoke(code, "replayed")
            raise InvalidGrant("the code was used before")

    def _check_still_allowed(self, connection: Connection, code: AuthorizationCode) -> Granted:
        """Both rows are held until the commit, so that a withdrawal or a logout comes before or after, not between."""
        grant = load_grant_in_force(connection, code.grant_id, hold=True)
        if grant is None:
            raise InvalidGrant("the person withdrew their consent")
        if not self.is_session_in_force(connection, code.session_id):
            raise InvalidGrant("the session that the code came from has ended")
        return grant

    def _revoke(self, code: AuthorizationCode, why: str) -> None:
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            revoked = revoke_tokens_of_code(connection, code.id, now=now)
            if why == "expired" and not revoked:
                return
            audit.record(
                connection,
                self.ground.clock,
                event="code.replayed",
                actor=code.client_id,
                subject=code.account_id,
                client_id=code.client_id,
                reason=why,
                detail={"revoked_tokens": revoked},
            )

    def _audit(self, connection: Connection, event: str, allowed: Allowed, detail: dict[str, str]) -> None:
        code = allowed.code
        audit.record(
            connection,
            self.ground.clock,
            event=event,
            actor=code.client_id,
            subject=code.account_id,
            client_id=code.client_id,
            detail={"scope": code.scope, "acr": code.acr, **detail},
        )


def check_binding(code: AuthorizationCode, request: TokenRequest) -> None:
    """RFC 9449 section 10, and section 5.2 for clients that may not have bearer tokens."""
    if code.dpop_jkt and request.jkt != code.dpop_jkt:
        raise InvalidDpopProof("the code was bound to another key (dpop_jkt)")
    if request.client.requires_dpop and not request.jkt:
        raise InvalidDpopProof("this client's tokens must be bound by a DPoP proof")


def token_row(  # noqa: PLR0917 - a row has many columns
    code: AuthorizationCode, token: str, jti: str, jkt: str, audience: str, now: datetime, expires_at: datetime
) -> dict[str, Any]:
    return {
        "token_hash": hashed(token),
        "jti": jti,
        "client_id": code.client_id,
        "account_id": code.account_id,
        "sub": code.sub,
        "audience": audience,
        "scope": code.scope,
        "requested_claims": code.requested_claims,
        "jkt": jkt,
        "code_id": code.id,
        "grant_id": code.grant_id,
        "session_id": code.session_id,
        "issued_at": now,
        "expires_at": expires_at,
        "revoked_at": None,
    }
