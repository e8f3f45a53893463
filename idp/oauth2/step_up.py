"""Step-up authentication challenges, RFC 9470: a protected resource says that the person must authenticate again.

The client takes `acr_values` and `max_age` of the challenge into a new authorization request (section 4), and the
policy of interaction asks the person for just that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.assurance import parse_acr, satisfies
from idp.errors import InsufficientUserAuthentication


@dataclass(frozen=True, kw_only=True)
class Needed:
    """What a resource asks of the authentication behind a token: any of `acr_values`, at most so long ago."""

    acr_values: tuple[str, ...] = ()
    max_age: timedelta | None = None


def check_authentication(
    claims: Mapping[str, Any], needed: Needed, *, now: datetime, skew: timedelta, sandbox: bool
) -> None:
    """Section 3, for the claims of an access token (RFC 9068 section 2.2.1). Raises InsufficientUserAuthentication."""
    is_strong = not needed.acr_values or reaches(claims.get("acr"), needed.acr_values, sandbox=sandbox)
    if is_strong and is_recent(claims.get("auth_time"), needed.max_age, now - skew):
        return
    raise InsufficientUserAuthentication(
        "the person must authenticate again" if is_strong else "a higher level of authentication is needed",
        acr_values=needed.acr_values,
        max_age=int(needed.max_age.total_seconds()) if needed.max_age is not None else None,
    )


def reaches(acr: Any, acr_values: tuple[str, ...], *, sandbox: bool) -> bool:
    """A level counts for all below it."""
    have = parse_acr(acr, sandbox=sandbox) if isinstance(acr, str) else None
    wanted = [parse_acr(each, sandbox=sandbox) for each in acr_values]
    return have is not None and any(each is not None and satisfies(have, each) for each in wanted)


def is_recent(auth_time: Any, max_age: timedelta | None, now: datetime) -> bool:
    if max_age is None:
        return True
    return type(auth_time) is int and auth_time >= (now - max_age).timestamp()
