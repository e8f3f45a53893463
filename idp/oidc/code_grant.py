"""The authorization code becomes tokens: RFC 6749 section 4.1.3, OpenID Connect Core section 3.1.3.

The plan of `redeem`; the numbers stand at the steps again:

1. the code opens, is this client's, and its redirect_uri is the same   2. PKCE
3. the key it was bound to is proven (DPoP)                             4. it is not expired
5. what the person allowed is read, and the tokens are signed
6. one transaction: everything that may be used once is spent, grant and session are still in force, the token's row,
   the session's client and the audit entry are written. Of parallel redemptions exactly one commits.

A code that comes a second time revokes what came of the first, in a transaction of its own (section 4.1.2).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from core import audit
from core.one_time import spend
from idp.errors import InvalidDpopProof, InvalidGrant
from idp.models.client import RegisteredClient
from idp.models.grant import load_grant_in_force
from idp.models.issued_token import revoke_tokens_of_family
from idp.models.requested_claims import load_requested_claims
from idp.models.rich_authorization import load_rich_authorization
from idp.oauth2.authorization_code import AuthorizationCode, CodeSeal, check_code
from idp.oauth2.authorized import Authorized, Issued
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required
from idp.oauth2.pkce import check_code_verifier

REPLAY_REMEMBERED = timedelta(minutes=10)  # after its expiry: longer than what came of it lives


class CodeGrant:
    name = "authorization_code"

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.tokens = services.tokens
        self.seal = CodeSeal(services.keystore)

    def redeem(self, call: AuthenticatedCall) -> Mapping[str, Any]:
        """The token response. Raises InvalidGrant and InvalidDpopProof."""
        code = self.seal.open(required(call.parameters, "code"))  # 1
        check_code(code, call.parameters, call.client.client_id)
        check_code_verifier(call.parameters.get("code_verifier"), code.code_challenge)  # 2
        check_binding(code, call)  # 3
        if code.is_expired(self.ground.clock.now()):  # 4
            self._revoke(code, "expired")
            raise InvalidGrant("the code is expired")
        issued = self.tokens.prepare(self._read(code, call.client), call)  # 5
        self._commit(code, call, issued)  # 6
        return issued.answer

    def _read(self, code: AuthorizationCode, client: RegisteredClient) -> Authorized:
        """What the code only refers to; a plain one refers to nothing and costs no query."""
        if not code.requested_claims and not code.rich_authorization:
            return authorized_by(code, client)
        with self.ground.database.read() as connection:
            grant = load_grant_in_force(connection, code.grant_id)
            asked = load_requested_claims(connection, code.requested_claims) if code.requested_claims else {}
            found = (
                load_rich_authorization(connection, code.rich_authorization) if code.rich_authorization else ([], None)
            )
        if grant is None or asked is None or found is None:
            raise InvalidGrant("what the code stands for was withdrawn")
        return authorized_by(code, client, granted=grant.claims, asked=asked, details=found[0], assertion=found[1])

    def _commit(self, code: AuthorizationCode, call: AuthenticatedCall, issued: Issued) -> None:
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            is_first = spend(connection, "code", code.id, expires_at=code.expires_at_time + REPLAY_REMEMBERED)
            if is_first:
                self.tokens.record(connection, issued)
        if not is_first:
            self._revoke(code, "replayed")
            raise InvalidGrant("the code was used before")

    def _revoke(self, code: AuthorizationCode, why: str) -> None:
        now = self.ground.clock.now()
        with self.ground.database.write() as connection:
            revoked = revoke_tokens_of_family(connection, code.id, now=now)
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


def check_binding(code: AuthorizationCode, call: AuthenticatedCall) -> None:
    """RFC 9449 section 10."""
    if code.dpop_jkt and call.jkt != code.dpop_jkt:
        raise InvalidDpopProof("the code was bound to another key (dpop_jkt)")


def authorized_by(code: AuthorizationCode, client: RegisteredClient, **referred: Any) -> Authorized:
    """What the code stands for, with what it only refers to."""
    return Authorized(
        client=client,
        sub=code.sub,
        scope=tuple(code.scope.split()),
        account_id=code.account_id,
        grant_id=code.grant_id,
        session_id=code.session_id,
        family_id=code.id,
        auth_time=code.auth_time,
        acr=code.acr,
        amr=tuple(code.amr.split()),
        nonce=code.nonce,
        s_hash=code.s_hash,
        requested_claims=code.requested_claims,
        resource=tuple(code.resource.split()),
        **referred,
    )
