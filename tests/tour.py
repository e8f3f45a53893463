"""A tour of every page of the running product, for whoever looks at them: a camera, or a check of accessibility."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page

from tests.browser import DESK, PHONE
from tests.demonstration import Demonstration
from tests.people import somebody_new
from tests.signing.workshop import plain_pdf

SCREENS = {"phone": PHONE, "desk": DESK}
OPEN = (
    "/",
    "/enroll",
    "/enroll/recover",
    "/verify",
    "/accessibility",
    "/privacy",
    "/sign",
    "/sandbox/outbox",
    "/no-such-page",
)
OF_A_CITIZEN = ("/me", "/me/services", "/me/devices", "/me/activity", "/me/profile")


@dataclass
class Visitor:
    """In one language, scheme and screen. `look` is what they do at each page, given its name."""

    provider: Demonstration
    page: Page
    folder: Path
    look: Callable[[Page, str], None]

    def goes_to(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.provider.issuer + path)

    def looks_at(self, name: str) -> None:
        self.page.evaluate("document.fonts.ready")
        self.look(self.page, name)

    def signs_in(self, user: str) -> None:
        self.page.select_option("#sandbox-sign-in [name=user]", user)
        self.page.click("#sign-in")
        self.page.wait_for_load_state()


def open_pages(visitor: Visitor) -> None:
    for path in OPEN:
        visitor.goes_to(path)
        visitor.looks_at("open" + path.replace("/", "-").rstrip("-"))


def enrolment(visitor: Visitor) -> None:
    page, person = visitor.page, somebody_new()
    visitor.goes_to("/enroll")
    page.check("[name=agree]")
    page.click("#enroll-begin")
    visitor.looks_at("enroll-details")
    page.fill("[name=citizen_number]", person.citizen_number[:-1] + "x")
    page.click("#continue")
    visitor.looks_at("enroll-details-refused")


def sign_in_and_consent(visitor: Visitor) -> None:
    """Agency A, from its first page to its last."""
    page = visitor.page
    visitor.goes_to(visitor.provider.agency_a)
    visitor.looks_at("agency")
    page.click("#login")
    visitor.looks_at("sign-in")
    visitor.signs_in(next(CITIZENS))
    page.wait_for_selector("#consent-allow, #sub")
    if page.locator("#consent-allow").count():
        visitor.looks_at("consent")
        page.click("#consent-allow")
    page.wait_for_selector("#sub")
    visitor.looks_at("agency-signed-in")
    for path in OF_A_CITIZEN:
        visitor.goes_to(path)
        visitor.looks_at("citizen" + path.replace("/", "-"))


def console(visitor: Visitor) -> None:
    visitor.goes_to("/console")
    visitor.signs_in("developer-a")
    visitor.looks_at("console")
    pages = {"new": "new", "client": "demo-a", "try": "demo-a/try", "keys": "demo-a/keys", "check": "demo-basic/check"}
    for name, path in pages.items():
        visitor.goes_to(f"/console/clients/{path}")
        visitor.looks_at(f"console-{name}")


def administration(visitor: Visitor) -> None:
    visitor.goes_to("/console/people")
    visitor.signs_in("admin-a")
    visitor.looks_at("console-people")
    visitor.goes_to("/console/approvals")
    visitor.looks_at("console-approvals")


def custody(visitor: Visitor) -> None:
    """A holder's key is suspected, found well, and another's destruction asked for; whoever asked takes it back."""
    page = visitor.page
    visitor.goes_to("/console/keys")
    visitor.signs_in("admin-b")
    visitor.looks_at("console-keys")
    visitor.goes_to("/console/keys?purpose=seal")
    page.locator("table a").first.click()
    act_on_key(page, "suspend", "an odd signature")
    visitor.looks_at("console-key-suspended")
    act_on_key(page, "ask-destroy", "the office is closed")
    page.get_by_role("link", name=page.locator(".prajak-notice a").first.inner_text()).click()
    visitor.looks_at("console-keys-approval")
    page.click("#refuse")
    visitor.goes_to("/console/keys/approvals")
    visitor.looks_at("console-keys-approvals")
    visitor.goes_to("/console/keys?purpose=seal")
    page.locator("table a").first.click()
    act_on_key(page, "restore", "it was nothing")


def act_on_key(page: Page, act: str, reason: str) -> None:
    page.fill("[name=reason]", reason)
    page.click(f"#{act}")
    page.wait_for_load_state()


def exchange_between_agencies(visitor: Visitor) -> None:
    """Agency B asks for agency A's record and for a fee; then the catalogue behind it."""
    page = visitor.page
    visitor.goes_to(visitor.provider.agency_b)
    page.click("#login")
    visitor.signs_in(next(CITIZENS))
    page.wait_for_selector("#consent-allow, #sub")
    if page.locator("#consent-allow").count():
        page.click("#consent-allow")
    visitor.looks_at("agency-b-signed-in")
    page.click("#fetch-record")
    page.wait_for_selector("#consent-allow")
    visitor.looks_at("consent-record")
    page.click("#consent-allow")
    page.click("#pay")
    page.wait_for_selector("#sandbox-sign-in")
    visitor.looks_at("payment")
    page.click("#sign-in")
    page.wait_for_selector("#paid")
    visitor.looks_at("agency-b-record-and-payment")


def catalogue(visitor: Visitor) -> None:
    visitor.goes_to("/console/catalogue")
    visitor.signs_in("approver-a")
    visitor.looks_at("console-catalogue")
    visitor.goes_to("/console/catalogue/benefit-entitlements")
    visitor.looks_at("console-catalogue-record")
    visitor.goes_to("/console/catalogue/new")
    visitor.looks_at("console-catalogue-new")


def asked_elsewhere(visitor: Visitor) -> None:
    """The code that a device shows, and a service that asks somebody who is not there."""
    page, citizen, issuer = visitor.page, next(CITIZENS), visitor.provider.issuer
    wanted = {"client_id": "demo-native", "scope": "openid profile"}
    device = httpx.post(f"{issuer}/device_authorization", data=wanted).raise_for_status().json()
    visitor.goes_to("/device")
    visitor.looks_at("device")
    page.fill("[name=user_code]", device["user_code"])
    page.click("#user-code-continue")
    visitor.signs_in(citizen)
    visitor.looks_at("device-approval")
    page.click("#request-approve")
    visitor.looks_at("device-approved")
    basic = json.loads((visitor.provider.data_dir / "demo" / "demo-basic.json").read_text("utf-8"))
    wanted = {"scope": "openid profile", "login_hint": citizen, "binding_message": "ช่องบริการ 4 เวลา 10.20 น."}
    credentials = (basic["client_id"], basic["client_secret"])
    httpx.post(f"{issuer}/bc-authorize", data=wanted, auth=credentials).raise_for_status()
    visitor.goes_to("/me")
    visitor.looks_at("citizen-asked")
    page.click("a[href^='/request/']")
    visitor.looks_at("approval")
    page.click("#request-deny")
    visitor.looks_at("approval-refused")


def officers_desk(visitor: Visitor) -> None:
    visitor.goes_to("/officer")
    visitor.signs_in("officer-busaba")
    visitor.looks_at("officers-desk")


def signing(visitor: Visitor) -> None:
    page = visitor.page
    visitor.goes_to("/sign")
    page.click("#sign-in-to-desk")
    visitor.signs_in("officer-anan")
    page.wait_for_selector("#consent-allow, [name=file]")
    if page.locator("#consent-allow").count():
        page.click("#consent-allow")
    page.wait_for_selector("[name=file]")
    visitor.looks_at("signing-desk")
    letter = visitor.folder / "หนังสือตัวอย่าง.pdf"
    letter.write_bytes(plain_pdf(pages=2))
    page.set_input_files("[name=file]", letter)
    page.click("#upload")
    page.wait_for_selector("#sign")
    page.wait_for_selector("[data-place]:visible")
    visitor.looks_at("signing-place")
    page.click("#sign")
    page.wait_for_selector("#sandbox-sign-in")
    visitor.looks_at("signing-step-up")
    visitor.signs_in("officer-anan")
    page.wait_for_selector("#download")
    visitor.looks_at("signing-signed")
    with page.expect_download() as arriving:
        page.click("#download")
    signed = visitor.folder / "signed.pdf"
    arriving.value.save_as(signed)
    visitor.goes_to("/verify")
    page.set_input_files("[name=file]", signed)
    page.click("#verify")
    page.wait_for_selector(".prajak-card")
    visitor.looks_at("verified")
    letter.unlink()
    signed.unlink()


WALKS: tuple[Callable[[Visitor], None], ...] = (
    open_pages,
    enrolment,
    sign_in_and_consent,
    console,
    exchange_between_agencies,
    catalogue,
    administration,
    custody,
    asked_elsewhere,
    officers_desk,
    signing,
)
CITIZENS = iter([f"user{number}" for number in range(8, 32)])


def context_for(browser: Browser, provider: Demonstration, *, language: str, scheme: str, screen: str) -> Page:
    """A new browser of somebody who chose this language; close its context when done."""
    context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme)  # type: ignore[arg-type]
    context.add_cookies([{"name": "prajak-lang", "value": language, "url": provider.issuer}])  # type: ignore[list-item]
    return context.new_page()
