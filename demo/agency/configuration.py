"""What one agency's process is told: where it lives, who it is at the provider, and its office's own words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

OFFICES = Path(__file__).parent / "offices"


@dataclass(frozen=True)
class Configuration:
    """`issuer` and `client_id` are what the provider's console shows; `origin` is this site's own address."""

    issuer: str
    client_id: str
    private_key: Path  # a private JWK; its public half is registered at the provider
    origin: str
    acr: str  # the least assurance this site lets in
    office: dict[str, Any]  # texts, the claims wanted, what it serves or asks others for: offices/*.json
    partner: str = ""  # the origin of the agency whose record it asks for

    @property
    def redirect_uri(self) -> str:
        return f"{self.origin}/callback"

    @property
    def post_logout_redirect_uri(self) -> str:
        return f"{self.origin}/signed-out"

    @property
    def is_https(self) -> bool:
        return urlsplit(self.origin).scheme == "https"


def load_configuration(file: Path) -> Configuration:
    """Reads the deployment's JSON: issuer, client_id, private_key (beside the file), origin, acr, office."""
    written = json.loads(file.read_text("utf-8"))
    return Configuration(
        issuer=written["issuer"],
        client_id=written["client_id"],
        private_key=file.parent / written["private_key"],
        origin=written["origin"],
        acr=written["acr"],
        office=load_office(written["office"]),
        partner=written.get("partner", ""),
    )


def load_office(name: str) -> dict[str, Any]:
    office: dict[str, Any] = json.loads((OFFICES / f"{name}.json").read_text("utf-8"))
    return office
