"""A demo agency, as a person meets it in a browser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Page, expect


@dataclass
class Agency:
    origin: str
    page: Page

    def opens(self) -> None:
        self.page.goto(self.origin)

    def asks_to_sign_in(self) -> None:
        self.opens()
        self.page.click("#login")

    def knows(self) -> dict[str, Any]:
        """What it learned of the sign-in."""
        expect(self.page.locator("#sub")).to_be_visible()
        page = self.page
        return {
            "sub": page.inner_text("#sub"),
            "acr": page.inner_text("#acr"),
            "amr": page.inner_text("#amr").split(),
            "auth_time": page.inner_text("#auth-time"),
            "claims": {
                each.get_attribute("data-claim"): each.inner_text() for each in page.locator("[data-claim]").all()
            },
        }

    def raw(self, name: str) -> dict[str, Any]:
        """What stands under "for developers": the token's claims as they came."""
        text = self.page.locator(f"#{name}").text_content()
        assert text
        found: dict[str, Any] = json.loads(text)
        return found

    def signs_out(self) -> None:
        self.opens()
        self.page.click("#logout")

    def has_signed_the_person_out_here(self) -> None:
        self.opens()
        expect(self.page.locator("#login")).to_be_visible()

    def was_told_from_behind(self) -> None:
        """Within bounds: a logout token arrives from the provider, not from this browser."""
        self.opens()
        expect(self.page.locator("body")).to_be_visible()
        for _ in range(200):
            if self.page.locator("#login").count():
                return
            self.page.reload()
        raise AssertionError("the agency still thinks that the person is signed in")
