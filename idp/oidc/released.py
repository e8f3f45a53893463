"""What an answer releases: requested, registered and allowed; and the values of just that."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from enrollment.account import AccountStore
from idp.models.client import RegisteredClient
from idp.oidc.claims import (
    VERIFIED_CLAIMS,
    claim_values,
    claims_of_scope,
    may_have,
    named_claims,
    verified_requests,
)
from idp.oidc.verified_claims import verified_claims

Asked = Mapping[str, Any]  # one member of the `claims` parameter


def names_for(
    asked: Asked | None, scope: Iterable[str], client: RegisteredClient, granted: frozenset[str]
) -> frozenset[str]:
    """Core section 5.5: the claims of the scopes and of this member. A language tag is granted with its claim."""
    wanted = claims_of_scope(scope) | named_claims(asked)
    return frozenset(name for name in wanted if name in granted and may_have(client, name))


def plain_names(asked: Asked | None, scope: Iterable[str], names: frozenset[str]) -> frozenset[str]:
    """Without those that were only asked for inside `verified_claims`."""
    unverified = {name: want for name, want in (asked or {}).items() if name != VERIFIED_CLAIMS}
    return names & frozenset(claims_of_scope(scope) | named_claims(unverified))


def release(
    accounts: AccountStore,
    account_id: str,
    *,
    asked: Asked | None,
    scope: Iterable[str],
    client: RegisteredClient,
    granted: frozenset[str],
    now: datetime,
) -> dict[str, Any]:
    """The values; opens the person's attributes only when something is to be released."""
    scopes = tuple(scope)
    names = names_for(asked, scopes, client, granted)
    if not names:
        return {}
    attributes = accounts.attributes(account_id)
    answer = claim_values(plain_names(asked, scopes, names), attributes, None)
    if VERIFIED_CLAIMS in names and asked is not None:
        identity = accounts.identity(account_id)
        verified = verified_claims(verified_requests(asked), names, attributes, identity, now=now)
        if verified is not None:
            answer[VERIFIED_CLAIMS] = verified
    return answer
