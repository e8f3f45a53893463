"""The sandbox's `demo-mtls`, as an agency's developer would use it: the running provider behind the shipped HAProxy."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from secrets import token_urlsafe
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509

from tests.backends import Backend
from tests.certificates import NOT_CA, authority, issue, names
from tests.plain_client import PlainClient
from tests.protocol.requirement import requirement
from tests.proxy import Listeners, haproxy
from tests.test_code_race import two_workers

AUTHORITY = authority()
SERVER = issue("CN=localhost", NOT_CA, names(x509.DNSName("localhost")), issuer=AUTHORITY)


class DemoMtls(PlainClient):
    """Its certificate and key are what `prajak demo` wrote."""

    def __init__(self, issuer: str, folder: Path) -> None:
        self.issuer, self.client_id, self.verifier = issuer, "demo-mtls", token_urlsafe(48)
        self.redirect_uri = json.loads((folder / "demo-mtls.json").read_text("utf-8"))["redirect_uris"][0]
        self.tls = ssl.create_default_context(cadata=AUTHORITY.pem)
        self.tls.load_cert_chain(folder / "demo-mtls.cert.pem", folder / "demo-mtls.key.pem")


@requirement("RFC 8705", "5", "MUST")
@requirement("RFC 8705", "2.2", "MUST")
def test_demo_mtls_signs_somebody_in(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    listeners = Listeners()
    monkeypatch.setenv("PRAJAK_MTLS_URL", listeners.mtls_url)
    monkeypatch.setenv("PRAJAK_TRUSTED_PROXIES", "127.0.0.1")
    with two_workers(backend, tmp_path) as issuer:
        address = f"127.0.0.1:{urlsplit(issuer).port}"
        with haproxy(listeners, SERVER.write(tmp_path, "server"), address):
            client = DemoMtls(issuer, tmp_path / "demo")
            endpoints = httpx.get(f"{issuer}/.well-known/openid-configuration").json()["mtls_endpoint_aliases"]
            form = {"grant_type": "authorization_code", "code": client.code_for("user0"), "client_id": "demo-mtls"}
            form |= {"redirect_uri": client.redirect_uri, "code_verifier": client.verifier}
            with httpx.Client(verify=client.tls, timeout=30) as http:
                issued = http.post(endpoints["token_endpoint"], data=form)
                assert issued.status_code == 200, issued.text
                bearer = {"Authorization": f"Bearer {issued.json()['access_token']}"}
                assert http.get(endpoints["userinfo_endpoint"], headers=bearer).status_code == 200
            assert httpx.get(f"{issuer}/userinfo", headers=bearer).status_code == 401, "no certificate, no person"
