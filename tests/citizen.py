"""A citizen with a phone: a browser of their own, a passkey in it, and what they do with both."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx
from playwright.sync_api import Browser, Page, expect

from enrollment.civil_registry.fictional_people import FictionalPerson
from tests.authenticator import VirtualAuthenticator
from tests.browser import PHONE
from tests.demonstration import Demonstration


@dataclass
class Citizen:
    person: FictionalPerson
    provider: Demonstration
    page: Page
    authenticator: VirtualAuthenticator

    @property
    def email(self) -> str:
        return f"citizen-{self.person.number}@example.com"

    def reads(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def enrolls(self) -> list[str]:
        """From the notice to the recovery codes, which it returns."""
        page = self.page
        page.goto(f"{self.provider.issuer}/enroll")
        page.check("[name=agree]")
        page.click("#enroll-begin")
        self.shows_card()
        page.fill("[name=contact]", self.email)
        page.click("#continue")
        page.fill("[name=code]", self.code_sent())
        page.click("#continue")
        page.click("#create-passkey")
        page.wait_for_url("**/enroll/recovery-codes")
        codes = re.findall(r"[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}", page.inner_text("main"))
        page.check("[name=kept]")
        page.click("#finish")
        page.wait_for_url("**/enroll/done")
        return codes

    def shows_card(self, **changed: str) -> None:
        born = self.person.birth_date
        values = {
            "citizen_number": self.person.citizen_number,
            "given_name_th": self.person.given_name_th,
            "family_name_th": self.person.family_name_th,
            "birth_day": born[6:].replace("00", ""),
            "birth_month": born[4:6].replace("00", ""),
            "birth_year": born[:4],
            "laser_code": self.person.laser_code,
        } | changed
        for name, value in values.items():
            self.page.fill(f"[name={name}]", value)
        self.page.click("#continue")

    def code_sent(self) -> str:
        """The newest code in the sandbox's outbox for this address."""
        messages = httpx.get(f"{self.provider.issuer}/sandbox/outbox.json").json()["messages"]
        mine = [each for each in messages if each["recipient"] == self.email]
        found = re.search(r"(?<!\d)(\d{6,8})(?!\d)", mine[0]["body"])
        assert found, mine
        return found[1]

    def signs_in_with_passkey(self) -> None:
        self.page.click("#use-passkey")

    def forgets_the_session(self) -> None:
        """As after closing the browser: the passkey stays, the cookies go."""
        self.page.context.clear_cookies()

    def allows(self) -> None:
        self.page.click("#consent-allow")

    def withdraws_from(self, service: str) -> None:
        self.page.goto(f"{self.provider.issuer}/me/services")
        self.page.locator(".prajak-card", has_text=service).locator("[data-withdraw]").click()


def citizen_at(chromium: Browser, provider: Demonstration, person: FictionalPerson) -> Citizen:
    """On a phone, in Thai, with a virtual authenticator in the browser."""
    page = chromium.new_context(viewport=PHONE, locale="th-TH").new_page()
    return Citizen(person, provider, page, VirtualAuthenticator(page, backup_eligible=True))
