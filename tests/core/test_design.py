"""The design, in real Chromium: accessible in both languages, light and dark, on a phone and on a desk."""

import gzip
import re
from collections.abc import Iterator

import pytest

from tests.browser import DESK, NARROW, PHONE, check_accessibility, check_reflow
from tests.core.design_site import CORE, open_page, serve_design

pytestmark = pytest.mark.browser
STYLES = [CORE / "static" / name for name in ("vendor/govuk-frontend.css", "prajak.css")]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_design(tmp_path_factory.mktemp("design")) as issuer:
        yield issuer


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["th", "en"])
def test_axe_finds_nothing_and_the_policy_blocks_nothing(chromium, address, language, scheme, viewport):
    page = open_page(chromium, address, "gallery", language, viewport=viewport, color_scheme=scheme)
    check_accessibility(page)
    assert page.told == []
    page.context.close()


@pytest.mark.parametrize(("language", "scheme", "viewport"), [("th", "light", PHONE), ("en", "dark", DESK)])
def test_axe_finds_nothing_on_whole_pages(chromium, address, language, scheme, viewport):
    page = open_page(chromium, address, "error", language, viewport=viewport, color_scheme=scheme)
    check_accessibility(page)
    for path in ("empty", "ceremony/get?autofill", "front", "accessibility", "privacy"):
        page.goto(f"{address}/{path}")
        check_accessibility(page)
    page.context.close()


@pytest.mark.parametrize("language", ["th", "en"])
@pytest.mark.parametrize("name", ["gallery", "error", "empty", "ceremony/get", "front", "privacy"])
def test_nothing_is_wider_than_320_pixels(chromium, address, name, language):
    page = open_page(chromium, address, name, language, viewport=NARROW)
    check_reflow(page)
    page.context.close()


def test_text_is_set_in_the_thai_face_with_room_for_marks(chromium, address):
    page = open_page(chromium, address, "gallery", viewport=PHONE)
    page.wait_for_function("document.fonts.status === 'loaded'")
    assert page.evaluate("document.fonts.check('16px Sarabun', 'ป้ำ')")
    too_tight = """[...document.querySelectorAll("main p, main li, main dd, main label, main .govuk-hint")].filter(
        (each) => parseFloat(getComputedStyle(each).lineHeight) < 1.59 * parseFloat(getComputedStyle(each).fontSize)
    ).map((each) => each.outerHTML)"""
    assert page.evaluate(too_tight) == []
    assert page.evaluate("parseFloat(getComputedStyle(document.body).lineHeight) / 17") >= 1.7
    page.context.close()


def test_what_can_be_pressed_is_large_enough_and_shows_its_focus(chromium, address):
    """WCAG 2.2, 2.5.8 and 2.4.13, with more room than they ask for: fingers are 44 px wide."""
    page = open_page(chromium, address, "gallery", viewport=PHONE)
    for control in page.locator("button:visible, a.govuk-button:visible, input:visible, select:visible").all():
        assert control.bounding_box()["height"] >= 40, control.evaluate("each => each.outerHTML")
    for number in range(12):
        page.keyboard.press("Tab")
        style = page.evaluate(
            "(({outlineStyle, boxShadow}) => outlineStyle + boxShadow)(getComputedStyle(document.activeElement))"
        )
        assert style != "nonenone", f"no focus to be seen on stop {number}"
    page.context.close()


def test_all_styles_are_under_forty_kilobytes():
    assert sum(len(gzip.compress(style.read_bytes())) for style in STYLES) < 40_000


def test_styles_fetch_nothing_but_the_typeface():
    """And none of what only GOV.UK may use has come along."""
    text = "".join(style.read_text() for style in STYLES)
    assert set(re.findall(r"url\(([^)]*)\)", text)) == {
        f"fonts/sarabun-{script}-{weight}-normal.woff2" for script in ("thai", "latin") for weight in (400, 700)
    }
    assert "GDS Transport" not in text


def test_the_language_switch_stays_on_the_page(chromium, address):
    page = open_page(chromium, address, "empty?a=b", "th", java_script_enabled=False)
    page.get_by_role("button", name="English").click()
    assert page.url == f"{address}/empty?a=b"
    assert page.locator("html").get_attribute("lang") == "en"
    page.context.close()


def test_every_page_of_the_sandbox_says_so(chromium, address):
    page = open_page(chromium, address, "error", "en")
    assert page.get_by_role("region", name="Sandbox").is_visible()
    assert page.locator("#error-code").inner_text() == "invalid_request"
    page.context.close()


def test_form_post_goes_on_by_itself(chromium, address):
    """OAuth 2.0 Form Post Response Mode, section 2."""
    page = open_page(chromium, address, "form_post")
    page.wait_for_url("**/answer")
    assert '"state":"s\\"<>"' in page.content().replace("&lt;", "<").replace("&gt;", ">").replace(" ", "")
    page.context.close()


def test_form_post_has_a_button_where_no_script_runs(chromium, address):
    page = open_page(chromium, address, "form_post", java_script_enabled=False)
    page.locator("#form-post-continue").click()
    page.wait_for_url("**/answer")
    page.context.close()


def test_a_code_block_is_copied(chromium, address):
    page = open_page(chromium, address, "gallery", "en", permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy Python").click()
    page.get_by_role("button", name="Copied Python").wait_for()
    assert page.evaluate("navigator.clipboard.readText()").startswith("issuer = ")
    page.context.close()


def test_an_error_summary_takes_the_focus(chromium, address):
    page = open_page(chromium, address, "gallery")
    assert page.evaluate("document.activeElement.hasAttribute('data-error-summary')")
    page.get_by_role("link", name="โปรดกรอกเลขประจำตัวประชาชนให้ครบ 13 หลัก").click()
    assert page.evaluate("document.activeElement.id") == "citizen_number"
    page.context.close()
