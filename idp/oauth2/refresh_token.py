"""Refreshing, RFC 6749 section 6 and RFC 9700 section 4.14: rotation with a short grace; a replay kills the family.

The plan of `redeem`; the numbers stand at the steps again:

1. the token's row is found, it is this client's, not revoked and not over, and a public client proves its key
2. scope and resource stay within what was granted; the account is in force; the new tokens are signed
3. one transaction: what may be used once is spent, consent and session are still in force, the token's row and the
   audit entry are written, and the refresh token is rotated, or kept in a profile without rotation (FAPI 2.0 Security
   Profile section 5.3.2.1). Of parallel requests exactly one rotates.
4. whoever comes with the token just before it, within the grace, by the same key and not too often, gets the same
   successor: an answer that was lost on its way, or two tabs, must not strand a person
5. any other secret of a known row is a replay: everything that came of the family is revoked (section 4.14.2)

With `offline_access` it lives on after logout; without, it ends with the session; withdrawn consent ends both.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from secrets import token_bytes
from typing import Any, NoReturn

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection

from core import audit
from core.errors import NotFound
from core.identifiers import hashed, new_id, new_secret
from core.settings import Settings
from idp.errors import InvalidGrant, InvalidScope
from idp.models.grant import load_grant_in_force
from idp.models.issued_token import revoke_tokens_of_family
from idp.models.refresh_token import (
    HANDLE_LENGTH,
    keep_refresh_token,
    load_refresh_token,
    rotate_refresh_token,
    take_replay,
)
from idp.models.requested_claims import load_requested_claims
from idp.oauth2.authorization_request import read_scope
from idp.oauth2.authorized import Authorized, Issued
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required

GRANT_TYPE = "refresh_token"
MOST_REPLAYS = 3
NONCE_BYTES = 12
SEALED_BY = b"prajak-refresh-successor-v1"


@dataclass(frozen=True)
class Held:
    """A refresh token that was presented, with its row and what that refers to."""

    token: str
    row: Mapping[str, Any]
    asked: Mapping[str, Any]
    granted: frozenset[str]

    @property
    def is_current(self) -> bool:
        return hmac.compare_digest(self.row["token_hash"], hashed(self.token))

    @property
    def is_previous(self) -> bool:
        return self.row["previous_hash"] is not None and hmac.compare_digest(
            self.row["previous_hash"], hashed(self.token)
        )


class NoLongerCurrent(Exception):
    """Another request rotated it meanwhile: this transaction must not commit."""


class RefreshTokenGrant:
    name = GRANT_TYPE

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.accounts = services.accounts
        self.tokens = services.tokens

    def redeem(self, call: AuthenticatedCall) -> Mapping[str, Any]:
        """The token response. Raises InvalidGrant, InvalidScope and InvalidTarget."""
        held = self._load(required(call.parameters, "refresh_token"), call)  # 1
        if not held.is_current and not held.is_previous:
            self._revoke(held, "rotated long ago")  # 5
        issued = self.tokens.prepare(self._authorized(held, call), call)  # 2
        answer = self._first(held, call, issued) if held.is_current else None
        return answer or self._again(held, call, issued)

    def _load(self, token: str, call: AuthenticatedCall) -> Held:
        """Every reason to refuse sounds the same, but for the key."""
        with self.ground.database.read() as connection:
            row = load_refresh_token(connection, token[:HANDLE_LENGTH])
            if row is None or not is_in_force(row, call.client.client_id, self.ground.clock.now()):
                raise InvalidGrant("the refresh token is not in force, or not this client's")
            check_key(row, call)
            digest = row["requested_claims"]
            asked = (load_requested_claims(connection, digest) or {}) if digest else {}
            grant = load_grant_in_force(connection, row["grant_id"]) if row["grant_id"] else None
        return Held(token, row, asked, grant.claims if grant else frozenset())

    def _authorized(self, held: Held, call: AuthenticatedCall) -> Authorized:
        """OpenID Connect Core section 12.2: of the same person, at the time they authenticated, without a nonce."""
        row = held.row
        if not self._is_active(row["account_id"]):
            raise InvalidGrant("the account is not in force")
        return Authorized(
            client=call.client,
            sub=row["sub"],
            scope=narrowed(row["scope"].split(), call),
            account_id=row["account_id"],
            grant_id=row["grant_id"],
            session_id=row["session_id"],
            family_id=row["family_id"],
            auth_time=row["auth_time"],
            acr=row["acr"],
            amr=tuple(row["amr"].split()),
            requested_claims=row["requested_claims"],
            asked=held.asked,
            granted=held.granted,
            resource=tuple(row["resource"].split()),
            beside=frozenset({"id_token"}),
        )

    def _first(self, held: Held, call: AuthenticatedCall, issued: Issued) -> Mapping[str, Any] | None:
        """Step 3; None where another request was faster."""
        successor = new_refresh_token(held.row["handle"]) if call.client.rotates_refresh_tokens else ""
        try:
            with self.ground.database.write() as connection:
                spend_all(connection, call.one_time)
                self.tokens.record(connection, issued)
                self._use(connection, held, call, successor)
        except NoLongerCurrent:
            return None
        return {**issued.answer, "refresh_token": successor} if successor else issued.answer

    def _use(self, connection: Connection, held: Held, call: AuthenticatedCall, successor: str) -> None:
        """Raises NoLongerCurrent."""
        now, handle, presented = self.ground.clock.now(), held.row["handle"], hashed(held.token)
        until = idle_until(self.ground.settings, held.row["expires_at"], now)
        if successor:
            is_first = rotate_refresh_token(
                connection,
                handle,
                presented,
                new_hash=hashed(successor),
                sealed=seal_successor(held.token, successor),
                by=key_of(call.cnf),
                now=now,
                until=until,
            )
        else:
            is_first = keep_refresh_token(connection, handle, presented, until=until)
        if not is_first:
            raise NoLongerCurrent

    def _again(self, held: Held, call: AuthenticatedCall, issued: Issued) -> Mapping[str, Any]:
        """Step 4, and 5 where the grace does not reach."""
        since = self.ground.clock.now() - self.ground.settings.refresh_token_grace
        with self.ground.database.write() as connection:
            by, presented = key_of(call.cnf), hashed(held.token)
            taken = take_replay(connection, held.row["handle"], presented, by=by, since=since, most=MOST_REPLAYS)
            row = load_refresh_token(connection, held.row["handle"]) if taken else None
            if row is not None:
                spend_all(connection, call.one_time)
                self.tokens.record(connection, issued)
        if row is None:
            self._revoke(held, "replayed")
        return {**issued.answer, "refresh_token": open_successor(held.token, row["successor"])}

    def _revoke(self, held: Held, why: str) -> NoReturn:
        """In a transaction of its own, so that the refusal does not take it back."""
        row = held.row
        with self.ground.database.write() as connection:
            revoked = revoke_tokens_of_family(connection, row["family_id"], now=self.ground.clock.now())
            if revoked:  # else somebody ended it while this request was on its way
                audit.record(
                    connection,
                    self.ground.clock,
                    event="refresh_token.replayed",
                    actor=row["client_id"],
                    subject=row["account_id"],
                    client_id=row["client_id"],
                    reason=why,
                    detail={"revoked_tokens": revoked},
                )
        raise InvalidGrant("the refresh token was used before")

    def _is_active(self, account_id: str) -> bool:
        try:
            return self.accounts.is_active(account_id)
        except NotFound:
            return False


# Issuing ------------------------------------------------------------------------------------------------------------


def may_refresh(authorized: Authorized) -> bool:
    """OpenID Connect Core section 11: after logout with `offline_access` alone. What was authorized in detail
    (RFC 9396) is one act, and no refresh repeats it.
    """
    if GRANT_TYPE not in authorized.beside or GRANT_TYPE not in authorized.client.grant_types or authorized.details:
        return False
    return is_offline(authorized) or bool(authorized.session_id)


def is_offline(authorized: Authorized) -> bool:
    return "offline_access" in authorized.scope


def first_refresh_token(
    authorized: Authorized, cnf: Mapping[str, str], *, settings: Settings, now: datetime
) -> tuple[str, dict[str, Any]]:
    """The token and its row. RFC 9449 section 5 and RFC 8705 section 7.1: a public client's is bound to its key."""
    handle = new_id()
    token, expires_at = new_refresh_token(handle), now + settings.refresh_token_lifetime
    bound = cnf if authorized.client.is_public else {}
    return token, {
        "handle": handle,
        "family_id": authorized.family_id,
        "client_id": authorized.client.client_id,
        "account_id": authorized.account_id,
        "sub": authorized.sub,
        "scope": " ".join(authorized.scope),
        "requested_claims": authorized.requested_claims,
        "resource": " ".join(authorized.resource),
        "grant_id": authorized.grant_id,
        "session_id": "" if is_offline(authorized) else authorized.session_id,
        "auth_time": authorized.auth_time,
        "acr": authorized.acr,
        "amr": " ".join(authorized.amr),
        "jkt": bound.get("jkt", ""),
        "x5t_s256": bound.get("x5t#S256", ""),
        "token_hash": hashed(token),
        "previous_hash": None,
        "successor": None,
        "rotated_at": None,
        "rotated_by": "",
        "replays": 0,
        "issued_at": now,
        "idle_until": idle_until(settings, expires_at, now),
        "expires_at": expires_at,
        "revoked_at": None,
    }


def new_refresh_token(handle: str) -> str:
    return handle + new_secret()


def idle_until(settings: Settings, expires_at: datetime, now: datetime) -> datetime:
    return min(now + settings.refresh_token_idle, expires_at)


# Rules --------------------------------------------------------------------------------------------------------------


def is_in_force(row: Mapping[str, Any], client_id: str, now: datetime) -> bool:
    """This client's, not revoked, used lately enough and not too old."""
    ends = min(row["idle_until"], row["expires_at"])
    return row["client_id"] == client_id and row["revoked_at"] is None and bool(now < ends)


def check_key(row: Mapping[str, Any], call: AuthenticatedCall) -> None:
    """A public client proves the key that its token was bound to, at every refresh."""
    if (row["jkt"] and row["jkt"] != call.jkt) or (row["x5t_s256"] and row["x5t_s256"] != call.cnf.get("x5t#S256")):
        raise InvalidGrant("the refresh token is bound to another key")


def narrowed(granted: list[str], call: AuthenticatedCall) -> tuple[str, ...]:
    """RFC 6749 section 6: never more than was granted, nor than the client is registered for by now."""
    allowed = tuple(each for each in granted if each in call.client.scope)
    wanted = read_scope(call.parameters.get("scope", ""))
    for each in wanted:
        if each not in allowed:
            raise InvalidScope(f"scope {each[:60]} was not granted")
    if not allowed:
        raise InvalidGrant("nothing is left of what was granted")
    return wanted or allowed


def key_of(cnf: Mapping[str, str]) -> str:
    """Who rotated, in one word."""
    return " ".join(f"{name}:{value}" for name, value in sorted(cnf.items()))


# The successor, readable by whoever holds its predecessor, and by nobody who holds the database ---------------------


def seal_successor(token: str, successor: str) -> bytes:
    nonce = token_bytes(NONCE_BYTES)
    return nonce + AESGCM(sealing_key(token)).encrypt(nonce, successor.encode(), None)


def open_successor(token: str, sealed: bytes) -> str:
    return AESGCM(sealing_key(token)).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], None).decode()


def sealing_key(token: str) -> bytes:
    """The token has 256 random bits; the row keeps another hash of it (SP 800-108: one key, two labels)."""
    return hmac.digest(token.encode(), SEALED_BY, "sha256")
