"""Real Chromium for the tests, and what every page in it is held to.

One Playwright serves the whole run: a second one in the same process cannot start beside it.
"""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"  # Debian's
ARGUMENTS = ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"]  # tests may run as root
NARROW = {"width": 320, "height": 640}
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        browser.close()


def check_accessibility(page: Page) -> None:
    """axe-core finds nothing: WCAG 2.2 A and AA, and its best practices. The failure names rule, element and reason."""
    found = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    nodes = [(rule, node) for rule in found for node in rule["nodes"]]
    assert not nodes, "\n".join(f"{rule['id']} {node['target']}: {node['failureSummary']}" for rule, node in nodes)


def check_reflow(page: Page) -> None:
    """WCAG 2.2, 1.4.10: no scrolling sideways. For a page that is NARROW."""
    width, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert width <= room, f"{page.url} is {width} px wide on a screen of {room}"
