"""What a client signed with a registered key: request objects, authentication requests. The key is chosen by `kid`
where there is one; a key that is not known may be a new one at the client's `jwks_uri`, which is then fetched again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from idp.models.client import RegisteredClient
from idp.oauth2.client_authentication import RefreshKeys
from idp.oauth2.compact_jws import BadToken, PublicKey, UnverifiedToken, check_algorithm, fits, verify


def verify_by_client(
    token: UnverifiedToken, client: RegisteredClient, *, algorithms: Sequence[str], refresh_keys: RefreshKeys
) -> Mapping[str, Any]:
    """The claims, now believed to be the client's. Raises BadToken."""
    algorithm = check_algorithm(token, algorithms)
    keys = list(candidates(client, token, algorithm))
    if not keys and client.get("jwks_uri"):
        keys = list(candidates(refresh_keys(client), token, algorithm))
    for key in keys:
        try:
            return verify(token, key, algorithms=algorithms)
        except BadToken:
            continue
    raise BadToken("no registered key verifies the signature" if keys else f"no registered key is for {algorithm}")


def candidates(client: RegisteredClient, token: UnverifiedToken, algorithm: str) -> Iterator[PublicKey]:
    """By `kid` where the token has one, else every key of the right kind (RFC 7515 section 4.1.4)."""
    kid = token.header.get("kid")
    for key in client.signing_keys:
        if (kid is None or key.kid in (kid, None)) and fits(key, algorithm) and key.alg in (algorithm, None):
            yield key
