"""Journey 2: an agency's developer registers a service, tries it, and another person lets it go live.

That the code to copy runs as it stands, in Python and in Node.js, is shown in `tests/clients`.
"""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.browser import check_accessibility
from tests.demonstration import Demonstration
from tests.developer import public_jwks, staff_at

GOOD = {
    "name_th": "ระบบนัดหมายตัวอย่าง",
    "name_en": "Example Appointments",
    "redirect_uris": "http://localhost:7777/callback",
}


def test_a_developer_registers_tries_and_goes_live_when_another_approves(chromium: Browser, provider: Demonstration):
    developer = staff_at(chromium, provider, "developer-a")
    developer.signs_in_at("/console")
    developer.opens_the_form()
    developer.fills_in(GOOD | {"redirect_uris": "http://agency.example/callback#here", "jwks": "{"})
    developer.saves()
    page = developer.page
    expect(page.locator("#redirect_uris-error")).to_contain_text("#")
    expect(page.locator("#jwks-error")).to_be_visible()
    expect(page.locator("[name=name_th]")).to_have_value(GOOD["name_th"])
    check_accessibility(page)

    developer.fills_in(GOOD | {"jwks": public_jwks()})
    developer.wants("given_name", "เพื่อเรียกชื่อท่านเมื่อถึงคิว", "To call you when it is your turn")
    developer.saves()
    expect(page.locator("#ask-go-live")).to_be_visible()
    client_id = developer.client_id
    expect(page.locator("main")).to_contain_text(client_id)
    expect(page.locator("main")).to_contain_text("openid-client")
    check_accessibility(page)

    page.click("#try")
    check_accessibility(page)
    page.click("#begin-trial")
    page.select_option("#sandbox-sign-in [name=user]", "user5")
    page.click("#sign-in")
    page.click("#consent-allow")
    expect(page.locator("#id-token")).to_contain_text("urn:prajak:sandbox:")

    developer = staff_at(chromium, provider, "developer-a")
    developer.signs_in_at("/console")
    page = developer.page

    page.goto(f"{provider.issuer}/console/clients/{client_id}")
    page.fill("[name=note]", "ทดสอบเรียบร้อยแล้ว")
    page.click("#ask-go-live")
    approver = staff_at(chromium, provider, "approver-a")
    approver.signs_in_at("/console/approvals")
    approver.page.locator("main a[href^='/console/approvals/']").first.click()
    check_accessibility(approver.page)
    approver.page.click("#approve")
    shown = provider.prajak("client", "show", client_id, "--json").stdout
    assert '"status": "live"' in shown


def test_whoever_asked_cannot_approve(chromium: Browser, provider: Demonstration):
    """Four eyes: an administrator may approve for all agencies, but not what she asked for herself."""
    developer = staff_at(chromium, provider, "developer-b")
    developer.signs_in_at("/console/approvals")
    expect(developer.page.locator("#approve")).to_have_count(0)
