"""Token exchange, RFC 8693: a client turns a token of its own into one for another agency's API. Delegation alone: the
subject stays the person, `act` names the client that acts for them (section 4.1), and nobody is ever impersonated.

A request at `/token`, by an authenticated client registered for this grant type, with the proof of its key:

    grant_type           urn:ietf:params:oauth:grant-type:token-exchange
    subject_token        an access token issued here to this very client, in force; a bound one by the same key
    subject_token_type   urn:ietf:params:oauth:token-type:access_token
    resource             the API it is for (RFC 8707); or `audience`: the client_id of that API's server
    scope                optional, within the subject token's

It is answered where the person allowed it: an authorization detail (RFC 9396) of the subject token whose `locations`
name that API; just these details are in the new token. Or where the registered resource names this client itself
(`idp/models/protected_resource.py`): then the scope is what the subject token has.

The answer has `access_token`, `issued_token_type` and the usual members; never a refresh token or an ID token. The new
token is bound to the caller's key (DPoP or mTLS), has `aud` = the API, `act` = {"sub": the client's client_id}, ends
with the subject token at the latest, and dies with its grant, its session and its family. The API asks `/introspect`:
there, and nowhere in the token, stands the `sub` by which the API's own agency knows the person.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from core import audit
from core.identifiers import hashed
from idp.errors import InvalidDpopProof, InvalidRequest, InvalidScope, InvalidTarget
from idp.models.catalogue import load_entry
from idp.models.client import RegisteredClient
from idp.models.issued_token import load_token_in_force
from idp.oauth2.authorization_request import read_scope
from idp.oauth2.authorized import Authorized
from idp.oauth2.call import AuthenticatedCall
from idp.oauth2.endpoint import EndpointServices
from idp.oauth2.jwt_access_token import read_own_claims
from idp.oauth2.one_time import spend_all
from idp.oauth2.parameters import required
from idp.oauth2.resource_indicators import read_resources

GRANT_TYPE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - section 3, an identifier
Details = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class SubjectToken:
    """Verified: `row` is what we keep of it, `claims` what it says."""

    row: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def scope(self) -> tuple[str, ...]:
        return tuple(self.row["scope"].split())

    def details_at(self, resource: str) -> Details:
        """RFC 9396 section 2.2: what was authorized there."""
        return [each for each in self.claims.get("authorization_details", ()) if resource in each.get("locations", ())]


class TokenExchangeGrant:
    name = GRANT_TYPE

    def __init__(self, services: EndpointServices) -> None:
        self.ground = services.ground
        self.tokens = services.tokens
        self.resources = services.resources
        self.accounts = services.accounts

    def redeem(self, call: AuthenticatedCall) -> Mapping[str, Any]:
        """Section 2.2.1. Raises InvalidRequest, InvalidTarget, InvalidScope and InvalidDpopProof (section 2.2.2)."""
        check_types(call.parameters)
        subject = self._subject(call)
        target = self._target(call.parameters)
        authorized = self._authorized(subject, target, call)
        issued, now = self.tokens.prepare(authorized, call), self.ground.clock.now()
        with self.ground.database.write() as connection:
            spend_all(connection, call.one_time)
            self.tokens.record(connection, issued)  # holds grant and session: those who end them hold these first too
            if load_token_in_force(connection, subject.row["token_hash"], now=now, hold=True) is None:
                raise InvalidRequest("subject_token was revoked meanwhile")
            self._record(connection, authorized, target)
        return {**issued.answer, "issued_token_type": ACCESS_TOKEN}

    def _subject(self, call: AuthenticatedCall) -> SubjectToken:
        """The row is the truth; who presents a bound token proves its key, as everywhere."""
        token = required(call.parameters, "subject_token")
        with self.ground.database.read() as connection:
            row = load_token_in_force(connection, hashed(token), now=self.ground.clock.now())
        if row is None or row["client_id"] != call.client.client_id or not row["account_id"]:
            raise InvalidRequest("subject_token is not in force, or not a token of a person for this client")
        if not self.accounts.is_active(row["account_id"]):
            raise InvalidRequest("subject_token is of an account that is not in force")
        check_bound(row, call)
        claims = read_own_claims(token)
        if "act" in claims:
            raise InvalidRequest("subject_token came of an exchange itself")
        return SubjectToken(row, claims)

    def _target(self, parameters: Mapping[str, str]) -> str:
        """Section 2.1: one API, by its URI or by its server's name."""
        named = set(read_resources(parameters))
        for audience in parameters.get("audience", "").split():
            served = self.resources.of_server(audience)
            if len(served) != 1:
                raise InvalidTarget("audience names no API, or several: use resource")
            named.add(served[0].resource)
        if not named:
            raise InvalidRequest("resource is missing: which API is the token for?")
        if len(named) > 1:
            raise InvalidTarget("a token is for one resource")
        return named.pop()

    def _authorized(self, subject: SubjectToken, target: str, call: AuthenticatedCall) -> Authorized:
        resource, row = self.resources.load(target), subject.row
        details = self._still_offered(subject.details_at(target), target, call.client)
        if resource is None or not (details or call.client.client_id in resource.clients):
            raise InvalidTarget("neither the person nor the API allowed this client a token for it")
        return Authorized(
            client=call.client,
            sub=row["sub"],
            scope=narrowed(subject, call.parameters, default=() if details else subject.scope),
            account_id=row["account_id"],
            grant_id=row["grant_id"],
            session_id=row["session_id"],
            family_id=row["family_id"],
            auth_time=subject.claims.get("auth_time", 0),
            acr=subject.claims.get("acr", ""),
            amr=tuple(subject.claims.get("amr", ())),
            details=details,
            resource=(target,),
            act={"sub": call.client.client_id},
            beside=frozenset(),
            not_after=row["expires_at"],
        )

    def _still_offered(self, details: Details, target: str, client: RegisteredClient) -> Details:
        """What the holder took back since the person allowed it opens nothing any more."""
        with self.ground.database.read() as connection:
            entries = [load_entry(connection, each.get("identifier", "")) for each in details]
        offered = [entry is not None and entry.is_offered_to(client.client_id, at=target) for entry in entries]
        return [each for each, still in zip(details, offered, strict=True) if still]

    def _record(self, connection: Connection, authorized: Authorized, target: str) -> None:
        """What the citizen's place shows: who may now read what, where."""
        audit.record(
            connection,
            self.ground.clock,
            event="token.exchanged",
            actor=authorized.client.client_id,
            subject=authorized.account_id,
            client_id=authorized.client.client_id,
            detail={
                "resource": target,
                "identifiers": " ".join(str(each["identifier"]) for each in authorized.details if "identifier" in each),
            },
        )


def check_types(parameters: Mapping[str, str]) -> None:
    """Section 2.1: access tokens for access tokens. The acting party is whoever authenticated, and no other."""
    if required(parameters, "subject_token_type") != ACCESS_TOKEN:
        raise InvalidRequest(f"subject_token_type must be {ACCESS_TOKEN}")
    if parameters.get("requested_token_type", ACCESS_TOKEN) != ACCESS_TOKEN:
        raise InvalidRequest(f"requested_token_type must be {ACCESS_TOKEN}")
    if "actor_token" in parameters or "actor_token_type" in parameters:
        raise InvalidRequest("actor_token is not taken: the actor is the client that authenticates")


def check_bound(row: Mapping[str, Any], call: AuthenticatedCall) -> None:
    if not call.cnf:
        raise InvalidDpopProof("exchanged tokens are bound: prove a key by DPoP or by a certificate")
    for column, member in (("jkt", "jkt"), ("x5t_s256", "x5t#S256")):
        if row[column] and row[column] != call.cnf.get(member):
            raise InvalidRequest("subject_token is bound to another key")


def narrowed(subject: SubjectToken, parameters: Mapping[str, str], *, default: tuple[str, ...]) -> tuple[str, ...]:
    """Never more than the subject token has; the right to stay connected is not passed on."""
    wanted = read_scope(parameters.get("scope", "")) or default
    for each in wanted:
        if each not in subject.scope:
            raise InvalidScope(f"scope {each[:60]} is not the subject token's")
    return tuple(each for each in wanted if each != "offline_access")
