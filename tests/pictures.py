"""`make pictures`: every page from the running product, Thai and English, light and dark, phone and desktop.

They go to `var/pictures/LANGUAGE-SCHEME-SCREEN/`; with `--readme` the three of the README are renewed as well.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import ARGUMENTS, CHROMIUM, DESK, PHONE
from tests.demonstration import Demonstration, demonstration
from tests.people import somebody_new
from tests.signing.workshop import plain_pdf

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "var" / "pictures"
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
README = {
    "consent": "th-light-phone/consent.png",
    "console": "th-light-desk/console-client.png",
    "verify": "th-light-phone/verified.png",
}


@dataclass
class Camera:
    """One language, scheme and screen."""

    provider: Demonstration
    page: Page
    folder: Path

    def goes_to(self, path: str) -> None:
        self.page.goto(path if path.startswith("http") else self.provider.issuer + path)

    def takes(self, name: str) -> None:
        self.page.evaluate("document.fonts.ready")
        self.page.screenshot(path=self.folder / f"{name}.png", full_page=True)

    def signs_in(self, user: str) -> None:
        self.page.select_option("#sandbox-sign-in [name=user]", user)
        self.page.click("#sign-in")
        self.page.wait_for_load_state()


def open_pages(camera: Camera) -> None:
    for path in OPEN:
        camera.goes_to(path)
        camera.takes("open" + path.replace("/", "-").rstrip("-"))


def enrolment(camera: Camera) -> None:
    page, person = camera.page, somebody_new()
    camera.goes_to("/enroll")
    page.check("[name=agree]")
    page.click("#enroll-begin")
    camera.takes("enroll-details")
    page.fill("[name=citizen_number]", person.citizen_number[:-1] + "x")
    page.click("#continue")
    camera.takes("enroll-details-refused")


def sign_in_and_consent(camera: Camera) -> None:
    """Agency A, from its first page to its last."""
    page = camera.page
    camera.goes_to(camera.provider.agency_a)
    camera.takes("agency")
    page.click("#login")
    camera.takes("sign-in")
    camera.signs_in(next(CITIZENS))
    if page.locator("#consent-allow").count():
        camera.takes("consent")
        page.click("#consent-allow")
    page.wait_for_selector("#sub")
    camera.takes("agency-signed-in")
    for path in OF_A_CITIZEN:
        camera.goes_to(path)
        camera.takes("citizen" + path.replace("/", "-"))


def console(camera: Camera) -> None:
    camera.goes_to("/console")
    camera.signs_in("developer-a")
    camera.takes("console")
    for name, path in (("new", "new"), ("client", "demo-a"), ("try", "demo-a/try"), ("keys", "demo-a/keys")):
        camera.goes_to(f"/console/clients/{path}")
        camera.takes(f"console-{name}")


def administration(camera: Camera) -> None:
    camera.goes_to("/console/people")
    camera.signs_in("admin-a")
    camera.takes("console-people")
    camera.goes_to("/console/approvals")
    camera.takes("console-approvals")


def officers_desk(camera: Camera) -> None:
    camera.goes_to("/officer")
    camera.signs_in("officer-busaba")
    camera.takes("officers-desk")


def signing(camera: Camera) -> None:
    page = camera.page
    camera.goes_to("/sign")
    page.click("#sign-in-to-desk")
    camera.signs_in("officer-anan")
    if page.locator("#consent-allow").count():
        page.click("#consent-allow")
    page.wait_for_selector("[name=file]")
    camera.takes("signing-desk")
    letter = camera.folder / "หนังสือตัวอย่าง.pdf"
    letter.write_bytes(plain_pdf(pages=2))
    page.set_input_files("[name=file]", letter)
    page.click("#upload")
    page.wait_for_selector("#sign")
    page.wait_for_selector("[data-place]:visible")
    camera.takes("signing-place")
    page.click("#sign")
    page.wait_for_selector("#sandbox-sign-in")
    camera.takes("signing-step-up")
    camera.signs_in("officer-anan")
    page.wait_for_selector("#download")
    camera.takes("signing-signed")
    with page.expect_download() as arriving:
        page.click("#download")
    signed = camera.folder / "signed.pdf"
    arriving.value.save_as(signed)
    camera.goes_to("/verify")
    page.set_input_files("[name=file]", signed)
    page.click("#verify")
    page.wait_for_selector(".prajak-card")
    camera.takes("verified")
    letter.unlink()
    signed.unlink()


WALKS: tuple[Callable[[Camera], None], ...] = (
    open_pages,
    enrolment,
    sign_in_and_consent,
    console,
    administration,
    officers_desk,
    signing,
)
CITIZENS = iter([f"user{number}" for number in range(8, 32)])


@contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def main() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder, demonstration(Path(folder)) as provider, chromium() as browser:
        for language, scheme, screen in product(("th", "en"), ("light", "dark"), SCREENS):
            photograph(browser, provider, language, scheme, screen)
    print(f"{len(list(TARGET.rglob('*.png')))} pictures in {TARGET}")
    if "--readme" in sys.argv:
        for name, picture in README.items():
            keep_top(TARGET / picture, ROOT / "docs" / "pictures" / f"{name}.png")


def keep_top(picture: Path, kept: Path) -> None:
    """The upper part, in a form that three fit side by side, with no more colours than a page has."""
    with Image.open(picture) as image:
        top = image.crop((0, 0, image.width, min(image.height, image.width * 8 // 5)))
        top.convert("P", palette=Image.Palette.ADAPTIVE).save(kept, optimize=True)


def photograph(browser: Browser, provider: Demonstration, language: str, scheme: str, screen: str) -> None:
    folder = TARGET / f"{language}-{scheme}-{screen}"
    folder.mkdir(parents=True)
    for walk in WALKS:
        context = browser.new_context(viewport=SCREENS[screen], color_scheme=scheme)  # type: ignore[arg-type]
        cookie = {"name": "prajak-lang", "value": language, "url": provider.issuer}
        context.add_cookies([cookie])  # type: ignore[list-item]
        try:
            walk(Camera(provider, context.new_page(), folder))
        finally:
            context.close()


if __name__ == "__main__":
    main()
