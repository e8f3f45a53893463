"""axe-core finds nothing on any page, in both languages, light and dark; and no page scrolls sideways on a phone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser import check_accessibility, check_reflow
from tests.demonstration import Demonstration
from tests.tour import WALKS, Visitor, context_for


def look(page: Page, name: str) -> None:
    check_accessibility(page)
    check_reflow(page)


@pytest.mark.parametrize("walk", WALKS, ids=lambda walk: walk.__name__)
@pytest.mark.parametrize(("language", "scheme", "screen"), [("th", "light", "phone"), ("en", "dark", "phone")])
def test_every_page_is_accessible(
    chromium: Browser,
    provider: Demonstration,
    tmp_path: Path,
    walk: Callable[[Visitor], None],
    language: str,
    scheme: str,
    screen: str,
):
    page = context_for(chromium, provider, language=language, scheme=scheme, screen=screen)
    walk(Visitor(provider, page, tmp_path, look))
    page.context.close()
