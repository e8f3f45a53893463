"""private_key_jwt, RFC 7523 section 3 and OpenID Connect Core section 9: the client signs a short-lived assertion.

`aud` is our issuer identifier, one string: a list, or another server's endpoint, would let whoever gets the assertion
use it elsewhere (FAPI 2.0 section 5.3.2.1). Only `oidc-basic` clients may name the token endpoint instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from idp.errors import InvalidClient
from idp.models.client import RegisteredClient
from idp.oauth2.client_authentication import AuthenticatedClient, Method, Presented, Registry, load_registered
from idp.oauth2.compact_jws import (
    BadToken,
    PublicKey,
    UnverifiedToken,
    check_algorithm,
    fits,
    numeric_date,
    parse_unverified,
    short_text,
    verify,
)
from idp.oauth2.one_time import OneTime

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPES = (None, "JWT", "jwt", "client-authentication+jwt")  # RFC 8725 section 3.11: never another token's


def is_presented(presented: Presented) -> bool:
    return "client_assertion" in presented.parameters or "client_assertion_type" in presented.parameters


def authenticate(presented: Presented, registry: Registry) -> AuthenticatedClient:
    """RFC 7523 section 3. Raises InvalidClient; the jti is spent by the act the client came for."""
    parameters = presented.parameters
    if parameters.get("client_assertion_type") != ASSERTION_TYPE:
        raise InvalidClient(f"client_assertion_type must be {ASSERTION_TYPE}")
    try:
        token = parse_unverified(parameters.get("client_assertion", ""))
        client = load_registered(registry, named_client(token, parameters), "private_key_jwt")
        claims = verify_assertion(token, client, registry)
        expires_at = check_claims(claims, client, presented)
        jti = short_text(claims, "jti")
    except BadToken as error:
        raise InvalidClient(f"client_assertion: {error}") from error
    refusal = InvalidClient("client_assertion: its jti was used before")
    spent = OneTime("assertion", f"{client.client_id} {jti}", expires_at + presented.skew, refusal)
    return AuthenticatedClient(client, (spent,))


def named_client(token: UnverifiedToken, parameters: Mapping[str, str]) -> str:
    """Section 3, items 1 and 2.B: iss and sub are the client, and so is client_id where it was sent."""
    client_id = short_text(token.claims, "sub")
    if token.claims.get("iss") != client_id:
        raise BadToken("iss and sub must both be the client_id")
    if parameters.get("client_id", client_id) != client_id:
        raise BadToken("client_id is not the assertion's subject")
    return client_id


def verify_assertion(token: UnverifiedToken, client: RegisteredClient, registry: Registry) -> Mapping[str, Any]:
    """Section 3, item 9. An unknown key may be a new one at the client's `jwks_uri`: it is fetched once more."""
    if token.header.get("typ") not in TYPES:
        raise BadToken("typ must be client-authentication+jwt or JWT")
    algorithms = allowed_algorithms(client)
    algorithm = check_algorithm(token, algorithms)
    keys = list(candidates(client, token, algorithm))
    if not keys and client.get("jwks_uri"):
        client = registry.refresh_keys(client)
        keys = list(candidates(client, token, algorithm))
    for key in keys:
        try:
            return verify(token, key, algorithms=algorithms)
        except BadToken:
            continue
    raise BadToken("no registered key verifies the signature" if keys else f"no registered key is for {algorithm}")


def allowed_algorithms(client: RegisteredClient) -> tuple[str, ...]:
    """OpenID Connect Registration section 2: token_endpoint_auth_signing_alg narrows it to one."""
    registered = client.get("token_endpoint_auth_signing_alg")
    return (registered,) if registered else client.profile.assertion_algorithms


def candidates(client: RegisteredClient, token: UnverifiedToken, algorithm: str) -> Iterator[PublicKey]:
    """By `kid` where the assertion has one, else every key of the right kind."""
    kid = token.header.get("kid")
    for key in client.signing_keys:
        if (kid is None or key.kid in (kid, None)) and fits(key, algorithm) and key.alg in (algorithm, None):
            yield key


def check_claims(claims: Mapping[str, Any], client: RegisteredClient, presented: Presented) -> datetime:
    """Section 3, items 3 to 6."""
    audiences = [presented.issuer]
    if client.profile.token_endpoint_as_audience:
        audiences.append(presented.token_endpoint)
    if claims.get("aud") not in audiences:
        raise BadToken(f"aud must be {presented.issuer}, as one string")  # 3
    expires_at = datetime.fromtimestamp(numeric_date(claims, "exp"), UTC)
    now, skew = presented.now, presented.skew
    if expires_at <= now - skew:
        raise BadToken("exp is past")  # 4
    if expires_at > now + presented.longest_assertion + skew:
        raise BadToken(f"exp is more than {int(presented.longest_assertion.total_seconds())} seconds ahead")
    for name in ("nbf", "iat"):
        if name in claims and numeric_date(claims, name) > (now + skew).timestamp():
            raise BadToken(f"{name} is in the future")  # 5, 6
    return expires_at


METHOD = Method("private_key_jwt", is_presented, authenticate)
