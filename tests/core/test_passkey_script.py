"""core/static/passkey.js: Web Authentication Level 3 in real Chromium, with what older browsers lack taken away."""

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from core.webauthn import verify_authentication, verify_registration
from tests.authenticator import VirtualAuthenticator
from tests.browser import PHONE
from tests.core.design_site import CHALLENGE, open_page, serve_design

pytestmark = pytest.mark.browser
OLD_BROWSER = """delete PublicKeyCredential.parseCreationOptionsFromJSON;
delete PublicKeyCredential.parseRequestOptionsFromJSON;
delete PublicKeyCredential.prototype.toJSON;"""
REFUSING = "navigator.credentials.create = () => Promise.reject(new DOMException('no', '{}'));"
PATIENT_AUTOFILL = """let waiting = false;
const get = navigator.credentials.get.bind(navigator.credentials);
navigator.credentials.get = (options) => {
  if (waiting) return Promise.reject(new DOMException("a request is already pending", "OperationError"));
  if (options.mediation !== "conditional") return get(options);
  waiting = true;
  return new Promise((_, refuse) => options.signal.addEventListener("abort", () => {
    setTimeout(() => { waiting = false; refuse(new DOMException("stopped", "AbortError")); }, 50);
  }));
};"""
NO_WEBAUTHN = "delete window.PublicKeyCredential;"
LINE = "Mozilla/5.0 (Linux; Android 13; A) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Mobile Safari/537.36 Line/13.4"
IN_AN_APP_OF_IOS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148"
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_design(tmp_path_factory.mktemp("passkeys")) as issuer:
        yield issuer


def person(chromium: Browser, address: str, *, script: str = "", **context: object) -> Page:
    page = open_page(chromium, address, "empty", "en", **context)
    page.add_init_script(script)
    return page


def sent_by(page: Page, address: str, kind: str) -> dict[str, str]:
    page.goto(f"{address}/ceremony/{kind}")
    page.locator("#go").click()
    page.wait_for_url("**/answer")
    sent: dict[str, str] = json.loads(page.locator("body").inner_text())
    return sent


@pytest.mark.parametrize("script", ["", OLD_BROWSER], ids=["level 3", "older browser"])
def test_a_passkey_is_made_and_used(chromium, address, script):
    page = person(chromium, address, script=script)
    VirtualAuthenticator(page)
    made = sent_by(page, address, "create")
    expected = {"expected_challenge": CHALLENGE, "expected_origin": address, "expected_rp_id": "localhost"}
    passkey = verify_registration(made["credential"], attestation_roots=[], **expected)
    used = sent_by(page, address, "get")
    verified = verify_authentication(used["credential"], public_key=passkey.public_key, sign_count=0, **expected)
    assert verified.credential_id == passkey.credential_id
    assert used["step"] == "it"  # the pressed button's own value comes along
    page.context.close()


def test_a_running_autofill_gives_way_to_the_button(chromium, address):
    """Section 5.1.4: a second request would be refused while a conditional one runs."""
    page = person(chromium, address, script=PATIENT_AUTOFILL)
    VirtualAuthenticator(page, autofill=True)
    sent_by(page, address, "create")
    used = sent_by(page, address, "get?autofill")
    assert json.loads(used["credential"])["type"] == "public-key"
    page.context.close()


def test_autofill_signs_in_without_the_button(chromium, address):
    page = person(chromium, address)
    VirtualAuthenticator(page, autofill=True)
    sent_by(page, address, "create")
    page.goto(f"{address}/ceremony/get?autofill")
    page.wait_for_url("**/answer")
    page.context.close()


def test_a_refusal_is_said_plainly_and_can_be_repeated(chromium, address):
    page = person(chromium, address, script=REFUSING.format("NotAllowedError"))
    page.goto(f"{address}/ceremony/create")
    for _ in range(2):
        page.locator("#go").click()
        problem = page.locator("#passkey-problem")
        problem.wait_for()
        assert "cancelled or took too long" in problem.inner_text()
        assert problem.count() == 1
    page.context.close()


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ("InvalidStateError", "already has a passkey"),
        ("NotSupportedError", "cannot make"),
        ("SecurityError", "address"),
    ],
)
def test_each_reason_has_its_sentence(chromium, address, error, text):
    page = person(chromium, address, script=REFUSING.format(error))
    page.goto(f"{address}/ceremony/create")
    page.locator("#go").click()
    assert text in page.locator("#passkey-problem").inner_text()
    page.context.close()


def test_a_browser_without_passkeys_is_told(chromium, address):
    page = person(chromium, address, script=NO_WEBAUTHN)
    page.goto(f"{address}/ceremony/get")
    assert "does not know passkeys" in page.locator("#passkey-problem").inner_text()
    page.context.close()


@pytest.mark.parametrize(
    ("agent", "way_out"),
    [(LINE, r"/ceremony/get\?a=b&openExternalBrowser=1$"), (IN_AN_APP_OF_IOS, None)],
    ids=["LINE", "another app"],
)
def test_an_app_s_window_leads_to_the_real_browser_with_the_address(chromium, address, agent, way_out):
    page = person(chromium, address, script=NO_WEBAUTHN, user_agent=agent, viewport=PHONE)
    page.goto(f"{address}/ceremony/get?a=b")
    problem = page.locator("#passkey-problem")
    assert "inside another app" in problem.inner_text()
    assert problem.locator("input").input_value() == f"{address}/ceremony/get?a=b"
    link = problem.get_by_role("link")
    assert link.count() == (1 if way_out else 0)
    if way_out:
        assert re.search(way_out, link.get_attribute("href"))
    page.context.close()
