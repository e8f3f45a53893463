"""The authentication request, OpenID Connect Core section 3.1.2.1, once it is validated.

An `AuthorizationRequest` is only ever made by `idp/server.py`'s table of checks (or read back from the row that one
was kept in): whoever holds one need not check it again. It survives a login as JSON in the Interaction row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any

TUPLES = frozenset({"scope", "prompt", "acr_values", "ui_locales", "claims_locales", "authorization_details"})


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """Absent parameters are "" or (); `max_age` is None. `claims` is the validated claims parameter (section 5.5):
    {"id_token": {...}, "userinfo": {...}}."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    response_type: str = "code"
    response_mode: str = "query"
    state: str = ""
    nonce: str = ""
    code_challenge: str = ""  # always S256 (RFC 7636)
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    acr_values: tuple[str, ...] = ()  # the voluntary ones, in order of preference
    claims: Mapping[str, Any] = field(default_factory=dict)
    authorization_details: tuple[Mapping[str, Any], ...] = ()  # RFC 9396
    login_hint: str = ""
    hinted_account_id: str = ""  # whom a valid id_token_hint names
    ui_locales: tuple[str, ...] = ()
    claims_locales: tuple[str, ...] = ()
    display: str = "page"
    dpop_jkt: str = ""  # RFC 9449 section 10
    request_uri: str = ""  # the reference of the pushed request (RFC 9126) this came from
    received_at: int  # NumericDate: an authentication at or after it answers prompt=login

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {name: list(value) if name in TUPLES else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> AuthorizationRequest:
        """The inverse of `to_dict`, for what this server itself stored."""
        known = {each.name for each in fields(cls)}
        values: dict[str, Any] = {k: tuple(v) if k in TUPLES else v for k, v in stored.items() if k in known}
        return cls(**values)

    @property
    def received(self) -> datetime:
        return datetime.fromtimestamp(self.received_at, UTC)

    @property
    def essential_acr_values(self) -> tuple[str, ...]:
        """Section 5.5.1.1: `acr` asked for as an essential claim; one of these or no answer at all."""
        acr = (self.claims.get("id_token") or {}).get("acr") or {}
        if not acr.get("essential"):
            return ()
        return tuple(acr.get("values") or ([acr["value"]] if acr.get("value") else ()))

    @property
    def signing_details(self) -> tuple[Mapping[str, Any], ...]:
        """The `credential` details: documents to be signed (RFC 9396 type of the signing module)."""
        return tuple(each for each in self.authorization_details if each.get("type") == "credential")
