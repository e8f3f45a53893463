"""Fetching a citizen's record from the agency that holds it, instead of asking the citizen for it once more.

1. RFC 9728: the API's metadata name our provider, or we go no further
2. RFC 9396: the citizen is asked, at the provider, for this record and this purpose
3. RFC 8693 and RFC 9449: the token is exchanged for one that is bound to a key made for this one call
4. the API is called with it
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import requests
from joserfc.jwk import ECKey

from demo.agency.configuration import Configuration
from demo.agency.dpop import make_proof
from demo.agency.loopback import reach
from demo.agency.provider import TIMEOUT, Provider, ProviderError

WELL_KNOWN = "/.well-known/oauth-protected-resource"


class RecordClient:
    def __init__(self, configuration: Configuration, provider: Provider) -> None:
        self.provider = provider
        self.issuer = configuration.issuer
        self.asks: dict[str, Any] = configuration.office.get("asks", {})
        self.resource = configuration.partner + self.asks.get("path", "")

    def details(self) -> list[dict[str, Any]]:
        """Step 1, then what step 2 asks for."""
        self.check_metadata()
        return [
            {
                "type": "prajak_record",
                "identifier": self.asks["identifier"],
                "locations": [self.resource],
                "actions": ["read"],
                "prajak_purpose": self.asks["purpose"]["en"],
                "prajak_purpose#th": self.asks["purpose"]["th"],
                "prajak_legal_basis": "consent",
            }
        ]

    def check_metadata(self) -> None:
        """RFC 9728 section 3.3: they must be of this very resource."""
        parts = urlsplit(self.resource)
        metadata = self.get(parts._replace(path=WELL_KNOWN + parts.path).geturl(), {})
        if metadata.get("resource") != self.resource or self.issuer not in metadata.get("authorization_servers", ()):
            raise ProviderError("invalid_target", "the other agency's API says something else of itself")

    def fetch(self, access_token: str) -> dict[str, Any]:
        """Steps 3 and 4."""
        key = ECKey.generate_key("P-256", private=True)
        bound = self.provider.exchange(access_token, resource=self.resource, key=key)
        proof = make_proof(key, "GET", self.resource, access_token=bound)
        return self.get(self.resource, {"Authorization": f"DPoP {bound}", "DPoP": proof})

    def get(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        where, named = reach(url)
        response = requests.get(where, headers=headers | named, timeout=TIMEOUT, allow_redirects=False)
        if response.status_code != requests.codes.ok:
            raise ProviderError("access_denied", "the other agency did not give the record")
        try:
            found = json.loads(response.content)
        except ValueError as error:
            raise ProviderError("invalid_target", "the other agency's answer cannot be read") from error
        if not isinstance(found, dict):
            raise ProviderError("invalid_target", "the other agency's answer cannot be read")
        return found
