"""Staff in a browser: proofing officers at their desk, signing officers at theirs. The sandbox knows them by name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from enrollment.civil_registry.fictional_people import FictionalPerson
from tests.browser import DESK
from tests.demonstration import Demonstration


@dataclass
class Officer:
    name: str
    provider: Demonstration
    page: Page

    def goes_to(self, path: str) -> None:
        self.page.goto(self.provider.issuer + path)

    def signs_in_at(self, path: str) -> None:
        """By the sandbox's form, which works without an authenticator."""
        self.goes_to(path)
        self.uses_the_sandbox()

    def uses_the_sandbox(self) -> None:
        self.page.select_option("#sandbox-sign-in [name=user]", self.name)
        self.page.click("#sign-in")

    # ------------------------------------------------------------ proofing

    def opens_case_of(self, person: FictionalPerson) -> str:
        """Returns the case's address."""
        self.goes_to("/officer")
        self.page.fill("[name=citizen_number]", person.citizen_number)
        self.page.click("#open-case")
        self.page.wait_for_url("**/officer/cases/*")
        return self.page.url

    def inspects(self, person: FictionalPerson) -> None:
        page = self.page
        page.select_option("[name=title_th]", person.title_th)
        page.fill("[name=given_name]", person.given_name)
        page.fill("[name=family_name]", person.family_name)
        expires = person.card_expires
        page.fill("[name=expiry_day]", expires[6:])
        page.fill("[name=expiry_month]", expires[4:6])
        page.fill("[name=expiry_year]", expires[:4])
        page.fill("[name=laser_code]", person.laser_code)
        for each in page.locator("[name=features]").all():
            each.check()
        page.locator("[name=face]").first.check()
        page.click("#capture")

    def approves(self, case: str) -> None:
        self.page.goto(case)
        self.page.click("#approve")

    # ------------------------------------------------------------ signing

    def enters_the_desk(self) -> None:
        """Signs in to the signing module, which is a client like any other: with consent, the first time."""
        page = self.page
        self.goes_to("/sign")
        page.click("#sign-in-to-desk")
        steps = page.locator("#sandbox-sign-in, #consent-allow, [name=file]").first
        expect(steps).to_be_attached()
        if page.locator("#sandbox-sign-in").count():
            self.uses_the_sandbox()
            expect(page.locator("#consent-allow, [name=file]").first).to_be_attached()
        if page.locator("#consent-allow").count():
            page.click("#consent-allow")
        expect(page.locator("[name=file]")).to_be_attached()

    def uploads(self, pdf: Path) -> None:
        self.page.set_input_files("[name=file]", pdf)
        self.page.click("#upload")
        expect(self.page.locator("#sign")).to_be_visible()

    def asks_to_sign(self) -> None:
        self.page.click("#sign")

    def downloads_to(self, target: Path) -> Path:
        """What the desk offers when the document is signed."""
        expect(self.page.locator("#download")).to_be_visible()
        with self.page.expect_download() as arriving:
            self.page.click("#download")
        arriving.value.save_as(target)
        return target


def officer_at(chromium: Browser, provider: Demonstration, name: str) -> Officer:
    return Officer(name, provider, chromium.new_context(viewport=DESK, locale="th-TH").new_page())
