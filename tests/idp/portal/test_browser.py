"""Real Chromium with its virtual authenticator: a passkey is added at `/me`, and signs in by itself afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest
from werkzeug.serving import WSGIRequestHandler, make_server

from core.clock import SystemClock
from keys.keystore import Keystore
from tests.authenticator import VirtualAuthenticator
from tests.browser import NARROW, check_accessibility, check_reflow
from tests.idp.portal.conftest import Place

pytestmark = pytest.mark.browser


class QuietHandler(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002 - werkzeug's signature
        """Says nothing."""


def not_yet(_environ: object, _start_response: object) -> list[bytes]:
    raise AssertionError("nothing is served before the site is made")


@pytest.fixture
def served(ground) -> Iterator[Place]:
    """The pages at a free port, whose address is the issuer's."""
    server = make_server("127.0.0.1", 0, not_yet, threaded=True, request_handler=QuietHandler)
    issuer = f"http://localhost:{server.port}"
    mine = replace(ground, settings=replace(ground.settings, issuer=issuer), clock=SystemClock())
    site = Place(mine, Keystore(mine))
    server.app = site.app  # the port was needed first
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(chromium, served):
    context = chromium.new_context(viewport=NARROW, base_url=served.ground.settings.issuer)
    yield context.new_page()
    context.close()


def test_a_passkey_made_here_signs_in_here(page, served):
    VirtualAuthenticator(page)
    page.goto("/me")
    check_accessibility(page)
    check_reflow(page)
    page.select_option("select[name=user]", "malee")
    page.click("#sign-in")
    page.wait_for_url("**/me")
    page.goto("/me/devices/add")
    page.fill("input[name=name]", "โทรศัพท์")
    page.click("#create-passkey")
    page.wait_for_url("**/me/devices?added")
    check_accessibility(page)
    check_reflow(page)
    page.goto("/logout")
    page.click("#logout-confirm")
    page.wait_for_url("**/logout/done/*")
    page.goto("/me/devices")
    if "/interaction/" in page.url:  # the browser may have offered the passkey by itself already
        page.click("#use-passkey")
    page.wait_for_url("**/me/devices")
    assert len(served.accounts.passkeys(served.ids["malee"])) == 2
