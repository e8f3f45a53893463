"""An agency's developer, and the colleague who approves, at the console in a browser."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from joserfc.jwk import ECKey
from playwright.sync_api import Browser, Page, expect

from tests.browser import DESK
from tests.demonstration import Demonstration


@dataclass
class Staff:
    name: str
    provider: Demonstration
    page: Page

    def signs_in_at(self, path: str) -> None:
        self.page.goto(self.provider.issuer + path)
        self.page.select_option("#sandbox-sign-in [name=user]", self.name)
        self.page.click("#sign-in")
        expect(self.page.locator("#main-content h1").first).to_be_visible()

    def opens_the_form(self) -> None:
        self.page.goto(f"{self.provider.issuer}/console")
        self.page.click("#register-1")
        expect(self.page.locator("[name=name_th]")).to_be_visible()

    def fills_in(self, values: dict[str, str]) -> None:
        for name, value in values.items():
            self.page.fill(f"[name={name}]", value)

    def wants(self, claim: str, purpose_th: str, purpose: str) -> None:
        self.page.check(f"[name=claim-{claim}]")
        self.page.locator(".prajak-claim-choice", has=self.page.locator(f"#claim-{claim}")).locator("summary").click()
        self.page.fill(f"[name=purpose_th-{claim}]", purpose_th)
        self.page.fill(f"[name=purpose-{claim}]", purpose)
        self.page.select_option(f"[name=legal_basis-{claim}]", index=1)

    def saves(self) -> None:
        self.page.click("#save")

    @property
    def client_id(self) -> str:
        """Of the client whose page is open."""
        found = re.search(r"/console/clients/([^/?#]+)", self.page.url)
        assert found, self.page.url
        return found[1]


def staff_at(chromium: Browser, provider: Demonstration, name: str) -> Staff:
    return Staff(name, provider, chromium.new_context(viewport=DESK, locale="th-TH").new_page())


def public_jwks() -> str:
    key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, private=True)
    jwks: dict[str, Any] = {"keys": [key.as_dict(private=False) | {"kid": key.thumbprint()}]}
    return json.dumps(jwks)
