"""Real Chromium and its virtual authenticator: the pages as people meet them, and what its attestation is worth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from playwright.sync_api import Browser, Page
from werkzeug.serving import make_server

from core.assurance import AAL
from core.ground import Ground
from core.settings import Settings
from enrollment.account import PersonAttributes
from enrollment.civil_registry.fictional_people import FictionalPerson
from enrollment.webauthn_authentication import AuthenticatedPasskey
from enrollment.webauthn_registration import begin_registration, finish_registration
from tests.authenticator import VirtualAuthenticator, attestation_certificates, learn_attestation_root
from tests.backends import Backend, free_port
from tests.browser import NARROW, PHONE, check_accessibility, check_reflow
from tests.enrollment.conftest import Provider


@pytest.fixture
def settings(backend: Backend, tmp_path: Path) -> Settings:
    """With a port of its own, so that the pages' origin is where they are served."""
    return Settings(
        issuer=f"http://localhost:{free_port()}",
        rp_id="localhost",
        database_url=backend.database_url,
        keys_url=f"file:{tmp_path}/keys",
        sandbox=True,
        data_dir=tmp_path,
    )


@dataclass
class Site:
    provider: Provider
    issuer: str

    @property
    def ground(self) -> Ground:
        return self.provider.services.ground


@pytest.fixture
def site(provider: Provider, settings: Settings) -> Iterator[Site]:
    port = int(settings.issuer.rpartition(":")[2])
    server = make_server("127.0.0.1", port, provider.app, threaded=True)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield Site(provider, settings.issuer)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def page(chromium: Browser, site: Site) -> Iterator[Page]:
    context = chromium.new_context(viewport=PHONE, locale="th-TH")
    yield context.new_page()
    context.close()


def enrol(page: Page, site: Site, person: FictionalPerson, *, look: bool) -> None:
    """The whole way; `look` holds every page to WCAG 2.2 and to a narrow screen."""

    def seen() -> None:
        if look:
            page.set_viewport_size(NARROW)  # type: ignore[arg-type]
            check_reflow(page)
            page.set_viewport_size(PHONE)  # type: ignore[arg-type]
            check_accessibility(page)

    page.goto(f"{site.issuer}/enroll")
    seen()
    page.check("#agree")
    page.click("#enroll-begin")
    page.click("#continue")
    seen()
    born = person.birth_date
    for name, value in {
        "citizen_number": person.citizen_number,
        "given_name_th": person.given_name_th,
        "family_name_th": person.family_name_th,
        "birth_day": born[6:],
        "birth_month": born[4:6],
        "birth_year": born[:4],
        "laser_code": person.laser_code,
    }.items():
        page.fill(f"#{name}", value)
    page.click("#continue")
    seen()
    page.fill("#contact", "citizen@example.com")
    page.click("#continue")
    seen()
    page.fill("#code", site.provider.code_sent_to("citizen@example.com"))
    page.click("#continue")
    seen()
    page.click("#create-passkey")
    page.wait_for_url("**/enroll/recovery-codes")
    seen()
    page.check("#kept")
    page.click("#finish")
    page.wait_for_url("**/enroll/done")
    seen()


@pytest.mark.parametrize("language", ["th", "en"])
def test_every_page_of_an_enrolment_is_accessible_and_fits_a_phone(
    page: Page, site: Site, person: FictionalPerson, language: str
):
    page.context.add_cookies([{"name": "prajak-lang", "value": language, "url": site.issuer}])
    authenticator = VirtualAuthenticator(page, backup_eligible=True)
    enrol(page, site, person, look=True)
    assert [each.aal for each in site.provider.signed_in] == [AAL.AAL2]
    assert site.provider.signed_in[0].amr == ("swk", "user", "mfa")
    assert authenticator.credentials()[0]["isResidentCredential"]


def test_an_authenticator_without_user_verification_makes_no_passkey(page: Page, site: Site, person: FictionalPerson):
    """The device refuses by itself, the page says so, and nothing is lost."""
    VirtualAuthenticator(page, user_verified=False)
    with pytest.raises(Exception, match="Timeout"):
        page.set_default_timeout(4000)
        enrol(page, site, person, look=False)
    assert page.url.endswith("/enroll/passkey")
    assert site.provider.signed_in == []


# ---------------------------------------------------------------- attestation

CREATE = """async (options) => {
  const parsed = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(options));
  const made = await navigator.credentials.create({publicKey: parsed});
  return JSON.stringify(made.toJSON());
}"""


def created(page: Page, ground: Ground, account_id: str) -> str:
    """A registration that asks for direct attestation, as an officer's does."""
    options = begin_registration(
        ground, account_id, bound_to="t", user_name="officer", display_name="officer", attestation=True
    )
    answer: str = page.evaluate(CREATE, options)
    return answer


def finish(ground: Ground, account_id: str, answer: str) -> AuthenticatedPasskey:
    return finish_registration(ground, account_id, answer, bound_to="t", name="key")


def trusting(ground: Ground, pem: bytes, folder: Path) -> Ground:
    file = folder / "attestation-roots.pem"
    file.write_bytes(pem)
    return replace(ground, settings=replace(ground.settings, attestation_roots=file))


@pytest.mark.parametrize(
    ("backup_eligible", "trusted", "aal"),
    [(False, True, AAL.AAL3), (False, False, AAL.AAL2), (True, True, AAL.AAL2)],
)
def test_its_key_reaches_aal3_only_when_bound_to_the_device_and_its_certificate_is_trusted(
    page: Page, site: Site, tmp_path: Path, backup_eligible: bool, trusted: bool, aal: AAL
):
    page.goto(f"{site.issuer}/enroll")
    VirtualAuthenticator(page, backup_eligible=backup_eligible)
    root = learn_attestation_root(page)
    account_id = site.provider.services.accounts.create(PersonAttributes(given_name_th="เจ้าหน้าที่"))
    ground = trusting(site.ground, root, tmp_path) if trusted else site.ground
    answer = created(page, ground, account_id)
    assert len(attestation_certificates(answer)) == 1
    assert finish(ground, account_id, answer).aal == aal


def test_its_certificates_have_one_name_and_one_key(page: Page, site: Site):
    """Chromium writes a certificate anew for every key, so bytes differ: a test learns one of them as the anchor."""
    page.goto(f"{site.issuer}/enroll")
    VirtualAuthenticator(page)
    first, second = (x509.load_pem_x509_certificate(learn_attestation_root(page)) for _ in range(2))
    assert first != second
    assert first.subject == second.subject == second.issuer
    assert first.public_key() == second.public_key()
