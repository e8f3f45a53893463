"""Mutual TLS for real: HAProxy as we ship it (`docker/haproxy.cfg`), clients over TLS, the provider behind it."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from ipaddress import ip_network
from threading import Thread
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit

import httpx
import pytest
from cryptography import x509
from werkzeug.serving import make_server

from tests.certificates import CLIENT_AUTH, NOT_CA, authority, issue, names, self_signed
from tests.idp.provider import VERIFIER, claims_of, query_of
from tests.protocol.requirement import requirement
from tests.proxy import Listeners, haproxy

AUTHORITY = authority()
SERVER = issue("CN=localhost", NOT_CA, names(x509.DNSName("localhost")), issuer=AUTHORITY)
SELF_SIGNED = {"token_endpoint_auth_method": "self_signed_tls_client_auth"}


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    made = Listeners()
    yield made
    made.close()


@pytest.fixture
def settings(settings, listeners, tmp_path):
    trust = AUTHORITY.write(tmp_path, "authority")
    return replace(settings, mtls_url=listeners.mtls_url, mtls_trust=trust, trusted_proxies=(ip_network("127.0.0.1"),))


@pytest.fixture
def proxy(provider, listeners, tmp_path) -> Iterator[Listeners]:
    """The provider on a port of its own, and the proxy before it."""
    server = make_server("127.0.0.1", 0, provider.app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with haproxy(listeners, SERVER.write(tmp_path, "server"), f"127.0.0.1:{server.port}"):
            yield listeners
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def client(tmp_path):
    """An HTTP client that holds this certificate; None for none."""

    @contextmanager
    def made(holder=None) -> Iterator[httpx.Client]:
        tls = ssl.create_default_context(cadata=AUTHORITY.pem)
        if holder:
            tls.load_cert_chain(holder.write(tmp_path, f"client-{holder.certificate.serial_number}"))
        with httpx.Client(verify=tls, timeout=30) as http:
            yield http

    return made


def redeem(http, url, agency, code, **headers):
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": agency.redirect_uri}
    form |= {"code_verifier": VERIFIER, "client_id": agency.client_id}
    return http.post(f"{url}/token", data=form, headers=headers)


def userinfo(http, url, token, **headers):
    return http.get(f"{url}/userinfo", headers={"Authorization": f"Bearer {token}", **headers})


@requirement("RFC 8705", "2.2", "MUST")
@requirement("RFC 8705", "3", "MUST")
def test_a_self_signed_certificate_authenticates_and_binds(proxy, provider, browser, client):
    holder = self_signed()
    agency = provider.agency(
        jwks={"keys": [holder.jwk]}, tls_client_certificate_bound_access_tokens=True, **SELF_SIGNED
    )
    with client(holder) as http:
        answer = redeem(http, proxy.mtls_url, agency, agency.code(browser))
        assert answer.status_code == 200, answer.text
        token = answer.json()["access_token"]
        assert "x5t#S256" in claims_of(token)["cnf"]
        assert userinfo(http, proxy.mtls_url, token).status_code == 200
    with client(self_signed()) as thief:
        assert userinfo(thief, proxy.mtls_url, token).status_code == 401


@requirement("RFC 8705", "2.1", "MUST")
def test_a_certificate_of_a_trusted_authority_authenticates_and_another_s_does_not(proxy, provider, browser, client):
    registered = {"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_subject_dn": "CN=client,C=TH"}
    agency = provider.agency("pki", **registered)
    good = issue("CN=client,C=TH", NOT_CA, CLIENT_AUTH, issuer=AUTHORITY)
    bad = issue("CN=client,C=TH", NOT_CA, CLIENT_AUTH, issuer=authority("CN=Another"))
    with client(bad) as http:
        answer = redeem(http, proxy.mtls_url, agency, agency.code(browser))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    with client(good) as http:
        assert redeem(http, proxy.mtls_url, agency, agency.code(browser)).status_code == 200


@requirement("RFC 9440", "4", "MUST")
@pytest.mark.parametrize("name", ["Client-Cert", "client-cert", "Client-Cert-Chain"])
def test_a_header_from_outside_is_taken_away_on_both_listeners(proxy, provider, browser, client, name):
    victim, thief = self_signed(), self_signed()
    agency = provider.agency(jwks={"keys": [victim.jwk]}, **SELF_SIGNED)
    code = agency.code(browser)
    with client() as http:
        assert redeem(http, proxy.issuer, agency, code, **{name: victim.header}).json()["error"] == "invalid_client"
    with client(thief) as http:
        answer = redeem(http, proxy.mtls_url, agency, code, **{name: victim.header})
        assert answer.json()["error"] == "invalid_client"
    with client(victim) as http:
        assert redeem(http, proxy.mtls_url, agency, code).status_code == 200


@pytest.fixture
def echo(listeners, tmp_path) -> Iterator[Listeners]:
    """The proxy before a server that answers with the names of the header fields it got."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "\n".join(f"{name}: {value}" for name, value in self.headers.items()).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = HTTPServer(("127.0.0.1", 0), Echo)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        with haproxy(listeners, SERVER.write(tmp_path, "server"), f"127.0.0.1:{server.server_port}"):
            yield listeners
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@requirement("RFC 9440", "4", "MUST")
@pytest.mark.parametrize("name", ["Client_Cert", "client_Cert", "X_Forwarded_For"])
def test_a_name_with_a_low_line_does_not_pass_for_the_header(echo, client, name):
    """PEP 3333: to the application both are one variable, so that the proxy alone can tell them apart."""
    holder = self_signed()
    with client() as http:
        assert "_" not in http.get(echo.issuer, headers={name: "spoofed"}).text
    with client(holder) as http:
        answer = http.get(echo.mtls_url, headers={name: "spoofed"}).text
        assert "_" not in "".join(line.partition(":")[0] for line in answer.splitlines())
        assert holder.header in answer


@requirement("RFC 8705", "5", "MAY")
def test_discovery_names_the_other_listener(proxy, client):
    with client() as http:
        metadata = http.get(f"{proxy.issuer}/.well-known/openid-configuration").json()
        assert metadata["mtls_endpoint_aliases"]["token_endpoint"] == f"{proxy.mtls_url}/token"


@requirement("RFC 8705", "2", "MUST")
def test_who_shows_no_certificate_there_reads_what_is_missing(proxy, provider, browser, client):
    """An OAuth error and no broken connection: the client, or its developer, can read it."""
    agency = provider.agency(jwks={"keys": [self_signed().jwk]}, **SELF_SIGNED)
    with client() as http:
        answer = redeem(http, proxy.mtls_url, agency, agency.code(browser))
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@requirement("RFC 8705", "3", "MUST")
def test_a_client_that_signs_assertions_pushes_there_without_a_certificate_and_redeems_with_one(
    proxy, provider, browser, client
):
    """As the conformance suite does it: every alias is used, the certificate only where a token is bound."""
    agency = provider.agency(prajak_profile="fapi2-security", tls_client_certificate_bound_access_tokens=True)
    with client() as http:
        pushed = http.post(f"{proxy.mtls_url}/par", data=agency.request() | agency.authentication())
        assert pushed.status_code == 201, pushed.text
    url = "/authorize?" + urlencode({"client_id": agency.client_id, "request_uri": pushed.json()["request_uri"]})
    code = query_of(agency.walk(browser, browser.get(url)))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": agency.redirect_uri}
    form |= {"code_verifier": VERIFIER}
    with client() as http:
        refused = http.post(f"{proxy.mtls_url}/token", data=form | agency.authentication())
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_request")
    with client(self_signed()) as http:
        issued = http.post(f"{proxy.mtls_url}/token", data=form | agency.authentication())
        assert "x5t#S256" in claims_of(issued.json()["access_token"])["cnf"]


def test_a_resumed_connection_is_still_the_same_client(proxy, provider, browser, client, tmp_path):
    """TLS session tickets: the second connection shows no certificate, and is no stranger and nobody else."""
    holder = self_signed()
    bound = {"tls_client_certificate_bound_access_tokens": True, **SELF_SIGNED}
    agency = provider.agency(jwks={"keys": [holder.jwk]}, **bound)
    with client(holder) as http:
        token = redeem(http, proxy.mtls_url, agency, agency.code(browser)).json()["access_token"]
    tls = ssl.create_default_context(cadata=AUTHORITY.pem)
    tls.load_cert_chain(holder.write(tmp_path, "resuming"))
    first = ask_by(tls, proxy.mtls_url, token)
    again = ask_by(tls, proxy.mtls_url, token, first.session)
    assert (first.status, again.status) == (b"200", b"200")
    assert (first.resumed, again.resumed) == (False, True)


class Asked(NamedTuple):
    status: bytes
    session: ssl.SSLSession | None
    resumed: bool | None


def ask_by(tls: ssl.SSLContext, url: str, token: str, session: ssl.SSLSession | None = None) -> Asked:
    """One call of userinfo on a connection of its own."""
    parts = urlsplit(url)
    with (
        socket.create_connection(("127.0.0.1", parts.port), timeout=30) as plain,
        tls.wrap_socket(plain, server_hostname=parts.hostname, session=session) as secure,
    ):
        head = ("GET /userinfo HTTP/1.1", "Host: localhost", f"Authorization: Bearer {token}", "Connection: close")
        secure.sendall("\r\n".join([*head, "", ""]).encode())
        answer = b"".join(iter(lambda: secure.recv(4096), b""))
        return Asked(answer.split()[1], secure.session, secure.session_reused)
