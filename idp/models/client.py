"""A relying party: RFC 7591 client metadata, checked when it was registered, and what only we know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from joserfc.jwk import ECKey, OKPKey, RSAKey
from sqlalchemy import Connection, ForeignKey, LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, mapped_column

from core.database import Base, UTCDateTime
from core.ground import Ground
from idp.models.profile import OWN, PROFILES, Profile, ProfileName

FRESH = timedelta(seconds=3)
MAX_CLIENT_ID = 80
KINDS: Mapping[str, type[ECKey | OKPKey | RSAKey]] = {"EC": ECKey, "OKP": OKPKey, "RSA": RSAKey}


class ClientStatus(StrEnum):
    DRAFT = "draft"  # saved in the console, answers nobody
    SANDBOX = "sandbox"  # answers where PRAJAK_SANDBOX=1
    LIVE = "live"  # approved by a second person


class Client(Base):
    """`metadata_json` is the validated metadata as registered; `jwks` the keys by value or as last fetched from
    `jwks_uri` (at `jwks_fetched_at`, empty for keys by value), empty where there are none. `secret_hash` is empty
    unless it authenticates by client_secret. `logo` is fetched once, when registered; empty where there is none.
    `agency_id` is empty for clients of the provider itself and of its command line. `removed_at` is empty while it
    is registered.
    """

    __tablename__ = "client"

    client_id: Mapped[str] = mapped_column(String(80), primary_key=True)
    agency_id: Mapped[str | None] = mapped_column(ForeignKey("agency.id"), index=True)
    status: Mapped[str] = mapped_column(String(10))
    metadata_json: Mapped[str] = mapped_column(Text)
    sector_identifier: Mapped[str] = mapped_column(String(253))
    jwks: Mapped[str] = mapped_column(Text)
    jwks_fetched_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    secret_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    logo: Mapped[bytes | None] = mapped_column(LargeBinary)
    logo_type: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UTCDateTime)
    updated_at: Mapped[datetime] = mapped_column(UTCDateTime)
    removed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)


@dataclass(frozen=True)
class RegisteredClient:
    """A client as the protocol needs it: read from its row once, then shared between requests."""

    client_id: str
    agency_id: str | None
    status: ClientStatus
    metadata: Mapping[str, Any]
    sector_identifier: str
    jwks: str
    secret_hash: bytes | None
    has_logo: bool

    def get(self, name: str, default: Any = None) -> Any:
        return self.metadata.get(name, default)

    @cached_property
    def profile(self) -> Profile:
        return PROFILES[ProfileName(self.metadata["prajak_profile"])]

    @property
    def is_public(self) -> bool:
        """RFC 6749 section 2.1: it cannot keep a secret."""
        return self.token_endpoint_auth_method == "none"  # noqa: S105 - the registered word

    @property
    def requires_pkce(self) -> bool:
        """RFC 9700 section 2.1.1: always of public clients."""
        return self.is_public or self.profile.pkce_required

    @property
    def requires_par(self) -> bool:
        """RFC 9126 section 6."""
        return self.profile.par_required or bool(self.metadata.get("require_pushed_authorization_requests"))

    @property
    def requires_signed_request_object(self) -> bool:
        """RFC 9101 section 10.5, FAPI 2.0 Message Signing section 5.3.1."""
        return self.profile.signed_request_object_required or bool(self.metadata.get("require_signed_request_object"))

    @property
    def requires_mtls_binding(self) -> bool:
        """RFC 8705 section 3.4: its access tokens are bound to its certificate."""
        return bool(self.metadata.get("tls_client_certificate_bound_access_tokens"))

    @property
    def requires_dpop(self) -> bool:
        """RFC 9449 section 5.2. Where a profile wants bound tokens, this is how, unless a certificate binds them."""
        bound = self.profile.sender_constrained and not self.requires_mtls_binding
        return bound or bool(self.metadata.get("dpop_bound_access_tokens"))

    @property
    def requires_bound_tokens(self) -> bool:
        """No bearer token for this client."""
        return self.requires_dpop or self.requires_mtls_binding

    @property
    def requires_signed_authorization_response(self) -> bool:
        """JARM section 2.3, FAPI 2.0 Message Signing section 5.4.1."""
        return self.profile.signed_authorization_response_required

    @property
    def requires_signed_introspection(self) -> bool:
        """RFC 9701 section 5: registered, or the profile's."""
        return self.profile.signed_introspection_required or "introspection_signed_response_alg" in self.metadata

    @property
    def rotates_refresh_tokens(self) -> bool:
        """FAPI 2.0 Security Profile section 5.3.2.1: not where the profile forbids it."""
        return self.profile.refresh_token_rotation

    @property
    def response_modes(self) -> tuple[str, ...]:
        """Those that it registered; empty: any that this server has."""
        return tuple(self.metadata.get("response_modes") or ())

    @property
    def grant_types(self) -> tuple[str, ...]:
        """RFC 7591 section 2."""
        return tuple(self.metadata.get("grant_types", ("authorization_code",)))

    def signed_response_alg(self, response: str, own: str = OWN) -> str:
        """`response` is one of `idp.models.jose.RESPONSES`; what was registered, else the profile's default. For ID
        tokens something always was, so what the provider signs with (`own`) does not count there.
        """
        return str(self.metadata.get(f"{response}_signed_response_alg") or self.profile.default_algorithm(own))

    @property
    def redirect_uris(self) -> list[str]:
        """Empty for a client of no grant that redirects."""
        return list(self.metadata.get("redirect_uris") or ())

    @property
    def token_endpoint_auth_method(self) -> str:
        return str(self.metadata["token_endpoint_auth_method"])

    @cached_property
    def scope(self) -> frozenset[str]:
        return frozenset(self.metadata["scope"].split())

    @cached_property
    def signing_keys(self) -> tuple[ECKey | OKPKey | RSAKey, ...]:
        """Public keys for its assertions, imported once. They were checked when they were registered or fetched."""
        return self._keys("sig")

    @cached_property
    def encryption_keys(self) -> tuple[ECKey | OKPKey | RSAKey, ...]:
        """Public keys to encrypt for it. RFC 7517 section 4.2: a key without `use` serves for both."""
        return self._keys("enc")

    def _keys(self, use: str) -> tuple[ECKey | OKPKey | RSAKey, ...]:
        keys = json.loads(self.jwks)["keys"] if self.jwks else []
        return tuple(KINDS[jwk["kty"]].import_key(jwk) for jwk in keys if jwk.get("use", use) == use)

    @cached_property
    def claim_entries(self) -> Mapping[str, Mapping[str, Any]]:
        """`prajak_claims` by the claim's name."""
        return {entry["claim"]: entry for entry in self.metadata.get("prajak_claims") or ()}

    def name(self, language: str) -> str:
        """RFC 7591 section 2.2: `client_name#th` for Thai, `client_name` otherwise."""
        return str(self.metadata.get(f"client_name#{language}") or self.metadata.get("client_name") or self.client_id)


def load_client(connection: Connection, client_id: str) -> RegisteredClient | None:
    """The registered client, whatever its status; None for an unknown or removed one."""
    columns = [column for column in Client.__table__.c if column.name != "logo"]
    query = select(*columns, Client.logo.is_not(None).label("has_logo"))
    row = connection.execute(query.where(Client.client_id == client_id, Client.removed_at.is_(None))).mappings().first()
    if row is None:
        return None
    return RegisteredClient(
        client_id=row["client_id"],
        agency_id=row["agency_id"],
        status=ClientStatus(row["status"]),
        metadata=json.loads(row["metadata_json"]),
        sector_identifier=row["sector_identifier"],
        jwks=row["jwks"],
        secret_hash=row["secret_hash"],
        has_logo=row["has_logo"],
    )


class Clients:
    """The registered clients, read at most every few seconds by each worker (security.md: 5 s to take effect)."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.cached: dict[str, tuple[datetime, RegisteredClient]] = {}

    def load(self, client_id: str) -> RegisteredClient | None:
        """The client if it answers here: not a draft, and live outside the sandbox."""
        now = self.ground.clock.now()
        found = self.cached.get(client_id)
        if found is not None and timedelta() <= now - found[0] < FRESH:
            return found[1]
        client = self._read(client_id)
        if client is None:
            self.cached.pop(client_id, None)
        else:
            before = found[1] if found else None
            client = before if before == client else client  # keeps the keys that were imported
            self.cached[client_id] = (now, client)
        return client

    def forget(self, client_id: str) -> None:
        """This worker sees a change at once; the others within FRESH."""
        self.cached.pop(client_id, None)

    def _read(self, client_id: str) -> RegisteredClient | None:
        if len(client_id) > MAX_CLIENT_ID or not client_id.isprintable():  # PostgreSQL has no NUL
            return None
        with self.ground.database.read() as connection:
            client = load_client(connection, client_id)
        answers = (ClientStatus.LIVE, ClientStatus.SANDBOX) if self.ground.settings.sandbox else (ClientStatus.LIVE,)
        return client if client is not None and client.status in answers else None
