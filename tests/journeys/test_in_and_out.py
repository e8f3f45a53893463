"""Into a service from the citizen's place (OpenID Connect Core section 4), and out of it through a frame (Front-Channel
Logout 1.0), in a real browser with the real Content-Security-Policy.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import DESK
from tests.demonstration import Demonstration
from tests.idp.provider import claims_of


class Service(BaseHTTPRequestHandler):
    """A service's pages: every one is empty, and what was asked for is kept."""

    def do_GET(self) -> None:
        self.server.asked.append(self.path)  # type: ignore[attr-defined]
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>a page</title>")

    def log_message(self, *_args: Any) -> None:
        """Quiet."""


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        server.asked = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def register(provider: Demonstration, origin: str) -> dict[str, Any]:
    metadata = {
        "client_name": "A service with a frame",
        "redirect_uris": [f"{origin}/callback"],
        "post_logout_redirect_uris": [f"{origin}/goodbye"],
        "frontchannel_logout_uri": f"{origin}/frame",
        "frontchannel_logout_session_required": True,
        "token_endpoint_auth_method": "client_secret_post",
        "scope": "openid",
    }
    registered: dict[str, Any] = httpx.post(f"{provider.issuer}/register", json=metadata).raise_for_status().json()
    return registered


def sign_in(page: Page, provider: Demonstration, client: dict[str, Any]) -> dict[str, Any]:
    """The code flow; the token response."""
    redirect_uri = client["redirect_uris"][0]
    wanted = {"client_id": client["client_id"], "response_type": "code", "scope": "openid"}
    page.goto(f"{provider.issuer}/authorize?{urlencode(wanted | {'redirect_uri': redirect_uri, 'state': 's'})}")
    page.select_option("#sandbox-sign-in [name=user]", "user6")
    page.click("#sign-in")
    page.click("#consent-allow")
    page.wait_for_url(re.compile("/callback"))
    code = parse_qs(urlsplit(page.url).query)["code"][0]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": redirect_uri}
    form |= {"client_id": client["client_id"], "client_secret": client["client_secret"]}
    tokens: dict[str, Any] = httpx.post(f"{provider.issuer}/token", data=form).raise_for_status().json()
    return tokens


@pytest.mark.parametrize("javascript", [True, False])
def test_signing_out_loads_the_service_s_page_and_leads_back(
    chromium: Browser, provider: Demonstration, service: ThreadingHTTPServer, javascript: bool
) -> None:
    origin = f"http://localhost:{service.server_port}"
    client = register(provider, origin)
    context = chromium.new_context(viewport=DESK, java_script_enabled=javascript)
    page = context.new_page()
    id_token = sign_in(page, provider, client)["id_token"]
    wanted = {"id_token_hint": id_token, "post_logout_redirect_uri": f"{origin}/goodbye", "state": "bye"}
    page.goto(f"{provider.issuer}/logout?{urlencode(wanted)}")
    page.click("#logout-confirm")
    page.wait_for_url(f"{origin}/goodbye?state=bye")
    (frame,) = [path for path in service.asked if path.startswith("/frame")]  # type: ignore[attr-defined]
    assert parse_qs(urlsplit(frame).query) == {"iss": [provider.issuer], "sid": [claims_of(id_token)["sid"]]}
    context.close()


def test_a_service_is_begun_from_the_citizen_s_place(chromium: Browser, provider: Demonstration) -> None:
    context = chromium.new_context(viewport=DESK)
    page = context.new_page()
    page.goto(f"{provider.issuer}/me/services")
    page.select_option("#sandbox-sign-in [name=user]", "user7")
    page.click("#sign-in")
    page.click("[data-initiate=demo-a]")
    page.click("#consent-allow")
    page.wait_for_url(re.compile(re.escape(provider.agency_a)))
    expect(page.locator("#sub")).to_be_visible()
    page.goto(f"{provider.issuer}/me/services")  # known by now: its button stands at its card
    expect(page.locator("[data-initiate=demo-a]")).to_have_count(1)
    context.close()
