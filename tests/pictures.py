"""`make pictures`: every page from the running product, Thai and English, light and dark, phone and desktop.

They go to `var/pictures/LANGUAGE-SCHEME-SCREEN/`; with `--readme` the three of the README are renewed as well.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser import ARGUMENTS, CHROMIUM
from tests.demonstration import Demonstration, demonstration
from tests.tour import SCREENS, WALKS, Visitor, context_for

ROOT = Path(__file__).parent.parent
TARGET = ROOT / "var" / "pictures"
README = {
    "consent": "th-light-phone/consent.png",
    "console": "th-light-desk/console-client.png",
    "verify": "th-light-phone/verified.png",
}


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

    def take(page: Page, name: str) -> None:
        page.screenshot(path=folder / f"{name}.png", full_page=True)

    for walk in WALKS:
        page = context_for(browser, provider, language=language, scheme=scheme, screen=screen)
        try:
            walk(Visitor(provider, page, folder, take))
        finally:
            page.context.close()


if __name__ == "__main__":
    main()
