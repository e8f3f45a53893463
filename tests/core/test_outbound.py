"""Server-side request forgery ends at the address; answers are bounded in size and time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from core.outbound import Outbound, OutboundFailed, OutboundRefused
from core.settings import Settings


class Server(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, body = {"/large": (200, b"x" * 2000), "/redirect": (302, b"")}.get(self.path, (200, b'{"ok": true}'))
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Location", "http://localhost/")
        self.send_header("X-Host", self.headers["Host"])
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def server() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://agency.localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def outbound(settings: Settings) -> Iterator[Outbound]:
    out = Outbound(settings)
    yield out
    out.close()


def production(settings: Settings) -> Settings:
    return replace(settings, sandbox=False, issuer="https://id.example")


def test_in_the_sandbox_every_name_below_localhost_is_loopback(outbound: Outbound, server: str):
    assert outbound.get(server + "/").json() == {"ok": True}


def test_an_answer_over_its_limit_is_no_answer(outbound: Outbound, server: str):
    with pytest.raises(OutboundFailed, match="usable|large"):
        outbound.get(server + "/large", max_bytes=1000)


def test_a_redirect_is_not_followed(outbound: Outbound, server: str):
    with pytest.raises(OutboundFailed, match="redirect"):
        outbound.get(server + "/redirect")


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "0.0.0.0",
        "::1",
        "fe80::1",
        "::ffff:10.0.0.1",
        "fc00::1",
        "224.0.0.1",
    ],
)
def test_a_name_that_leads_into_a_network_of_ours_is_refused(settings: Settings, address: str):
    outbound = Outbound(production(settings), lookup=lambda _host, _port: [address])
    with pytest.raises(OutboundRefused, match="network"):
        outbound.get("https://agency.example/jwks.json")
    outbound.close()


def test_one_private_address_among_public_ones_is_enough_to_refuse(settings: Settings):
    outbound = Outbound(production(settings), lookup=lambda _host, _port: ["93.184.216.34", "10.0.0.1"])
    with pytest.raises(OutboundRefused):
        outbound.get("https://agency.example/jwks.json")
    outbound.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://agency.example/",
        "file:///etc/passwd",
        "https://user@agency.example/",
        "https://",
        "https://[x",
        "http://localhost:1/",
    ],
)
def test_outside_the_sandbox_only_https_is_called(settings: Settings, url: str):
    outbound = Outbound(production(settings))
    with pytest.raises(OutboundRefused):
        outbound.get(url)
    outbound.close()
