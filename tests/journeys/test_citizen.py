"""Journey 1: a citizen enrols, is raised to IAL2.1, signs in to two agencies at once, withdraws, and logs out of both."""

from __future__ import annotations

from playwright.sync_api import Browser, expect

from tests.agency import Agency
from tests.browser import check_accessibility
from tests.citizen import Citizen, citizen_at
from tests.demonstration import Demonstration
from tests.officer import officer_at
from tests.people import somebody_new

SERVICE_A = "สวัสดิการ"


def raised_to_ial_2_1(citizen: Citizen, chromium: Browser) -> None:
    """One officer opens the case and inspects the card; she may not decide it; another one does."""
    opening = officer_at(chromium, citizen.provider, "officer-busaba")
    opening.signs_in_at("/officer")
    case = opening.opens_case_of(citizen.person)
    opening.inspects(citizen.person)
    opening.page.goto(case)
    expect(opening.page.locator("#approve")).to_have_count(0)
    deciding = officer_at(chromium, citizen.provider, "officer-chai")
    deciding.signs_in_at("/officer")
    deciding.approves(case)


def test_a_citizen_enrols_and_logs_in(chromium: Browser, provider: Demonstration):
    citizen = citizen_at(chromium, provider, somebody_new())
    agency_a, agency_b = Agency(provider.agency_a, citizen.page), Agency(provider.agency_b, citizen.page)

    recovery_codes = citizen.enrolls()
    assert len(set(recovery_codes)) == len(recovery_codes) == 8
    raised_to_ial_2_1(citizen, chromium)

    citizen.forgets_the_session()
    agency_a.asks_to_sign_in()
    citizen.signs_in_with_passkey()
    expect(citizen.page.locator("#consent-allow")).to_be_visible()
    citizen.reads(citizen.person.given_name_th)
    check_accessibility(citizen.page)
    citizen.allows()
    at_a = agency_a.knows()
    id_token = agency_a.raw("id-token")
    assert at_a["acr"] == "urn:prajak:sandbox:ial2.1:aal2"
    assert {"mfa", "user"} <= set(at_a["amr"])
    assert at_a["claims"]["given_name#th"] == citizen.person.given_name_th
    assert id_token["iss"] == provider.issuer
    assert isinstance(id_token["auth_time"], int)

    agency_b.asks_to_sign_in()
    expect(citizen.page.locator("#consent-allow")).to_be_visible()
    expect(citizen.page.locator("#use-passkey")).to_have_count(0)
    citizen.allows()
    at_b = agency_b.knows()
    assert at_b["sub"] != at_a["sub"], "pairwise: two agencies cannot compare notes"

    citizen.withdraws_from(SERVICE_A)
    agency_a.opens()
    citizen.page.click("#refresh")
    expect(citizen.page.locator("#withdrawn")).to_be_visible()

    agency_b.signs_out()
    citizen.page.click("#logout-confirm")
    citizen.page.wait_for_url(f"{provider.agency_b}/**")
    agency_b.has_signed_the_person_out_here()
    agency_a.was_told_from_behind()


def test_what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost(chromium: Browser, provider: Demonstration):
    citizen = citizen_at(chromium, provider, somebody_new())
    page = citizen.page
    page.goto(f"{provider.issuer}/enroll")
    page.check("[name=agree]")
    page.click("#enroll-begin")
    number = citizen.person.citizen_number
    citizen.shows_card(citizen_number=number[:-1] + str((int(number[-1]) + 1) % 10))
    expect(page.locator("#citizen_number-error")).to_be_visible()
    expect(page.locator("[name=given_name_th]")).to_have_value(citizen.person.given_name_th)
    check_accessibility(page)


def test_a_stranger_to_the_register_learns_only_that_it_did_not_work(chromium: Browser, provider: Demonstration):
    """The register tells a wrong laser code from a wrong name; we do not (no data washing)."""
    seen = []
    for changed in ({"laser_code": "ZZ9-9999999-99"}, {"given_name_th": "ไม่มีใคร"}):
        citizen = citizen_at(chromium, provider, somebody_new())
        citizen.page.goto(f"{provider.issuer}/enroll")
        citizen.page.check("[name=agree]")
        citizen.page.click("#enroll-begin")
        citizen.shows_card(**changed)
        expect(citizen.page.locator(".govuk-error-summary")).to_be_visible()
        seen.append(citizen.page.inner_text(".govuk-error-summary"))
    assert seen[0] == seen[1]


def test_a_citizen_who_says_no_is_back_at_the_agency_with_nothing_told(chromium: Browser, provider: Demonstration):
    citizen = citizen_at(chromium, provider, somebody_new())
    citizen.enrolls()
    Agency(provider.agency_a, citizen.page).asks_to_sign_in()
    citizen.page.click("#consent-deny")
    citizen.page.wait_for_url(f"{provider.agency_a}/**")
    expect(citizen.page.locator("#sub")).to_have_count(0)


def test_back_reload_and_a_second_tab_lead_on(chromium: Browser, provider: Demonstration):
    citizen = citizen_at(chromium, provider, somebody_new())
    citizen.enrolls()
    agency = Agency(provider.agency_a, citizen.page)
    agency.asks_to_sign_in()
    consent = citizen.page.url
    citizen.page.reload()
    expect(citizen.page.locator("#consent-allow")).to_be_visible()
    second = citizen.page.context.new_page()
    second.goto(consent)
    second.click("#consent-allow")
    expect(second.locator("#sub")).to_be_visible()
    citizen.page.reload()
    expect(citizen.page.locator("main")).to_be_visible()
    assert citizen.page.evaluate("document.title")
    agency.opens()
    agency.knows()
