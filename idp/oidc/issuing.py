"""Making tokens of what was authorized: RFC 6749 section 5.1, OpenID Connect Core section 3.1.3.3.

First everything is signed, then one transaction keeps it: `prepare` writes nothing, `record` signs nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from core import audit
from core.ground import Ground
from core.identifiers import hashed
from enrollment.account import AccountStore
from idp.errors import InvalidGrant, InvalidRequest
from idp.models.grant import Granted, load_grant_in_force
from idp.models.issued_token import record_token
from idp.models.refresh_token import record_refresh_token
from idp.models.session_client import client_sid, record_session_client
from idp.oauth2.authorized import Authorized, Issued
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.jwt_access_token import issue_access_token
from idp.oauth2.mtls import check_certificate_bound
from idp.oauth2.rar import audience_of, enriched
from idp.oauth2.refresh_token import first_refresh_token, may_refresh
from idp.oauth2.resource_indicators import target_of
from idp.oidc.id_token import issue_id_token
from idp.oidc.released import names_for, release
from keys.keystore import Keystore
from keys.purposes import Purpose

IsSessionInForce = Callable[[Connection, str], bool]


class Tokens:
    """The one issuer of tokens."""

    def __init__(
        self, ground: Ground, keystore: Keystore, accounts: AccountStore, is_session_in_force: IsSessionInForce
    ) -> None:
        self.ground = ground
        self.keystore = keystore
        self.accounts = accounts
        self.is_session_in_force = is_session_in_force

    def prepare(self, authorized: Authorized, call: AuthenticatedCall) -> Issued:
        """The answer and the row, signed and not kept. Raises InvalidRequest for a client without its proof."""
        check_bound(call)
        now = self.ground.clock.now()
        lifetime = self._lifetime(authorized, now)
        audience = self._audience(authorized, call)
        access_token, jti = self._access_token(authorized, call.cnf, audience, now, now + lifetime)
        answer: dict[str, Any] = {
            "access_token": access_token,
            "token_type": "DPoP" if call.jkt else "Bearer",
            "expires_in": int(lifetime.total_seconds()),
        }
        if authorized.scope:
            answer["scope"] = " ".join(authorized.scope)
        if "openid" in authorized.scope and "id_token" in authorized.beside:
            answer["id_token"] = self._id_token(authorized, access_token)
        if authorized.details:
            answer["authorization_details"] = enriched(authorized.details, authorized.assertion)
        row = token_row(authorized, call.cnf) | {
            "token_hash": hashed(access_token),
            "jti": jti,
            "audience": audience,
            "issued_at": now,
            "expires_at": now + lifetime,
        }
        if not may_refresh(authorized):
            return Issued(authorized, answer, row)
        token, refresh_row = first_refresh_token(authorized, call.cnf, settings=self.ground.settings, now=now)
        return Issued(authorized, answer | {"refresh_token": token}, row, refresh_row)

    def record(self, connection: Connection, issued: Issued) -> None:
        """In the transaction of the grant. Raises InvalidGrant where consent or session ended meanwhile."""
        authorized, now = issued.authorized, self.ground.clock.now()
        grant = self._check_still_allowed(connection, authorized)
        record_token(connection, issued.row)
        if issued.refresh_token is not None:
            record_refresh_token(connection, issued.refresh_token)
        if authorized.session_id:
            record_session_client(
                connection,
                session_id=authorized.session_id,
                client_id=authorized.client.client_id,
                sid=sid_of(authorized),
                sub=authorized.sub,
                now=now,
            )
        audit.record(
            connection,
            self.ground.clock,
            event="token.issued",
            actor=authorized.client.client_id,
            subject=authorized.account_id,
            client_id=authorized.client.client_id,
            detail={
                "scope": " ".join(authorized.scope),
                "acr": authorized.acr,
                "claims": released(authorized, grant) if grant else "",
            },
        )

    def _check_still_allowed(self, connection: Connection, authorized: Authorized) -> Granted | None:
        """Both rows are held until the commit, so that a withdrawal or a logout comes before or after, not between."""
        grant = None
        if authorized.grant_id:
            grant = load_grant_in_force(connection, authorized.grant_id, hold=True)
            if grant is None:
                raise InvalidGrant("the person withdrew their consent")
        if authorized.session_id and not self.is_session_in_force(connection, authorized.session_id):
            raise InvalidGrant("the session that the grant came from has ended")
        return grant

    def _access_token(
        self, authorized: Authorized, cnf: Mapping[str, str], audience: str, now: datetime, expires_at: datetime
    ) -> tuple[str, str]:
        return issue_access_token(
            self.keystore.active(Purpose.ACCESS_TOKEN),
            issuer=self.ground.settings.issuer,
            audience=audience,
            sub=authorized.sub,
            client_id=authorized.client.client_id,
            scope=authorized.scope,
            issued_at=now,
            expires_at=expires_at,
            authentication=authentication(authorized),
            cnf=cnf,
            authorization_details=authorized.details,
            act=authorized.act,
        )

    def _id_token(self, authorized: Authorized, access_token: str) -> str:
        """Section 5.4: scopes put their claims into userinfo; here stands only what `claims` asks for by name."""
        claims = release(
            self.accounts,
            authorized.account_id,
            asked=authorized.asked.get("id_token"),
            scope=(),
            client=authorized.client,
            granted=authorized.granted,
            now=self.ground.clock.now(),
        )
        sid = sid_of(authorized)
        return issue_id_token(self.keystore, self.ground, authorized, sid=sid, access_token=access_token, claims=claims)

    def _lifetime(self, authorized: Authorized, now: datetime) -> timedelta:
        lifetime = self.ground.settings.access_token_lifetime
        return lifetime if authorized.not_after is None else min(lifetime, authorized.not_after - now)

    def _audience(self, authorized: Authorized, call: AuthenticatedCall) -> str:
        """What was authorized in detail says whose API it is for; else the resource (RFC 8707); else userinfo."""
        issuer = self.ground.settings.issuer
        if authorized.details and not authorized.resource:
            return audience_of(authorized.details, issuer)
        return target_of(authorized.resource, call.parameters, default=issuer)


def check_bound(call: AuthenticatedCall) -> None:
    """RFC 8705 section 3.4, RFC 9449 section 5.2, FAPI 2.0 SP section 5.3.2.1: for some clients no bearer tokens.
    What is missing is not invalid: InvalidRequest, whether it is the certificate or the proof.
    """
    check_certificate_bound(call.client, call.cnf)
    if call.client.requires_dpop and not call.cnf:
        raise InvalidRequest("this client's tokens are bound to its key: the DPoP proof is missing")


def authentication(authorized: Authorized) -> dict[str, Any]:
    """RFC 9068 section 2.2.1; a client that acts for itself authenticated nobody."""
    if not authorized.auth_time:
        return {}
    return {"auth_time": authorized.auth_time, "acr": authorized.acr, "amr": list(authorized.amr)}


def sid_of(authorized: Authorized) -> str:
    return client_sid(authorized.session_id, authorized.client.client_id) if authorized.session_id else ""


def released(authorized: Authorized, grant: Granted) -> str:
    """Names, for the audit trail: what this client may now read."""
    asked, client = authorized.asked, authorized.client
    names = names_for(asked.get("userinfo"), authorized.scope, client, grant.claims)
    return " ".join(sorted(names | names_for(asked.get("id_token"), (), client, grant.claims)))


def token_row(authorized: Authorized, cnf: Mapping[str, str]) -> dict[str, Any]:
    """What is known of the token before it is signed."""
    return {
        "client_id": authorized.client.client_id,
        "account_id": authorized.account_id,
        "sub": authorized.sub,
        "scope": " ".join(authorized.scope),
        "requested_claims": authorized.requested_claims,
        "jkt": cnf.get("jkt", ""),
        "x5t_s256": cnf.get("x5t#S256", ""),
        "family_id": authorized.family_id,
        "grant_id": authorized.grant_id,
        "session_id": authorized.session_id,
        "revoked_at": None,
    }
