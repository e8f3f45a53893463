"""Once only: one agency fetches a citizen's record from another instead of asking for it again, and is paid a fee."""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx
from playwright.sync_api import Browser, expect

from tests.agency import Agency
from tests.browser import check_accessibility
from tests.citizen import Citizen, citizen_at
from tests.demonstration import Demonstration
from tests.people import somebody_new
from tests.protocol.requirement import requirement

HOLDER, LAW = "สำนักงานสวัสดิการตัวอย่าง", "พระราชบัญญัติสวัสดิการตัวอย่าง"
FETCHED = "บริการเรียกข้อมูลของท่านที่หน่วยงานอื่นเก็บรักษาไว้"


def at_agency_b(chromium: Browser, provider: Demonstration) -> tuple[Citizen, Agency]:
    """A new citizen, signed in there with the passkey that they enrolled."""
    citizen = citizen_at(chromium, provider, somebody_new())
    citizen.enrolls()
    agency = Agency(provider.agency_b, citizen.page)
    agency.asks_to_sign_in()
    citizen.allows()
    agency.knows()
    return citizen, agency


def called(url: str, **headers: str) -> httpx.Response:
    """Names below localhost are this machine (RFC 6761 section 6.3)."""
    parts = urlsplit(url)
    return httpx.get(
        parts._replace(netloc=f"127.0.0.1:{parts.port}").geturl(), headers={"Host": parts.netloc, **headers}
    )


def test_a_record_is_fetched_with_the_citizen_s_permission_and_the_use_is_seen(
    chromium: Browser, provider: Demonstration
):
    citizen, _agency = at_agency_b(chromium, provider)
    page = citizen.page
    page.click("#fetch-record")
    for shown in (HOLDER, LAW, "เพื่อคำนวณส่วนลดภาษีรถประจำปีของท่าน"):
        citizen.reads(shown)
    check_accessibility(page)
    citizen.allows()
    expect(page.locator("#record li")).to_have_count(2)

    page.goto(f"{provider.issuer}/me/activity")
    expect(page.get_by_text(FETCHED)).to_have_count(1)
    citizen.reads("กรมทะเบียนยานพาหนะตัวอย่าง")


def test_a_citizen_who_says_no_keeps_the_record_where_it_is(chromium: Browser, provider: Demonstration):
    citizen, agency = at_agency_b(chromium, provider)
    page = citizen.page
    page.click("#fetch-record")
    page.click("#consent-deny")
    page.wait_for_url(f"{provider.agency_b}/**")
    expect(page.locator("#record")).to_have_count(0)
    assert agency.knows()["sub"], "still signed in"
    page.goto(f"{provider.issuer}/me/activity")
    expect(page.get_by_text(FETCHED)).to_have_count(0)


def test_a_fee_is_signed_for_with_the_passkey(chromium: Browser, provider: Demonstration):
    citizen, _agency = at_agency_b(chromium, provider)
    page = citizen.page
    page.click("#pay")
    for shown in ("1,250.00 บาท", "TAX-2570-000123"):
        citizen.reads(shown)
    check_accessibility(page)
    citizen.signs_in_with_passkey()
    expect(page.locator("#paid")).to_contain_text("TAX-2570-000123")


@requirement("RFC 9728", "3", "MUST")
@requirement("RFC 9728", "3.3", "MUST")
@requirement("RFC 9728", "5.1", "MAY")
def test_the_api_says_of_itself_whom_to_ask(provider: Demonstration):
    resource = f"{provider.agency_a}/api/entitlements"
    refused = called(resource)
    assert refused.status_code == 401
    metadata_url = f"{provider.agency_a}/.well-known/oauth-protected-resource/api/entitlements"
    assert f'resource_metadata="{metadata_url}"' in refused.headers["WWW-Authenticate"]
    metadata = called(metadata_url).json()
    assert metadata["resource"] == resource
    assert metadata["authorization_servers"] == [provider.issuer]
    assert metadata["dpop_bound_access_tokens_required"] is True


def test_a_token_that_is_none_opens_nothing(provider: Demonstration):
    refused = called(f"{provider.agency_a}/api/entitlements", Authorization="DPoP nothing", DPoP="nothing")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["WWW-Authenticate"]
