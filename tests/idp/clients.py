"""Registered clients without a database, for rules that take and return values."""

from __future__ import annotations

import json
from typing import Any

from idp.models.client import ClientStatus, RegisteredClient


def registered(
    client_id: str = "c1", *, jwks: dict[str, Any] | None = None, secret_hash: bytes | None = None, **metadata: Any
) -> RegisteredClient:
    usual: dict[str, Any] = {
        "redirect_uris": ["https://agency.example/callback"],
        "token_endpoint_auth_method": "private_key_jwt",
        "prajak_profile": "oidc-basic",
        "scope": "openid profile email phone",
        "subject_type": "pairwise",
        "application_type": "web",
    }
    return RegisteredClient(
        client_id=client_id,
        agency_id=None,
        status=ClientStatus.LIVE,
        metadata=usual | metadata,
        sector_identifier="agency.example",
        jwks=json.dumps(jwks) if jwks else "",
        secret_hash=secret_hash,
        has_logo=False,
    )
