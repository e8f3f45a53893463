"""`prajak serve --tls-cert --tls-key`: TLS without a proxy, and then no mutual TLS, as discovery says."""

from __future__ import annotations

import httpx

from tests.backends import free_port
from tests.clients.secure_provider import serving


def test_it_serves_tls_by_itself_and_promises_no_mutual_tls(secure, tmp_path):
    port = free_port()
    without = {name: value for name, value in secure.environment.items() if "MTLS" not in name}
    certificate, key = secure.authority.certify("direct", "localhost")
    arguments = ("--tls-cert", str(certificate), "--tls-key", str(key))
    with serving(tmp_path, without, port, *arguments), httpx.Client(verify=secure.tls) as http:
        metadata = http.get(f"https://localhost:{port}/.well-known/openid-configuration").json()
    assert "mtls_endpoint_aliases" not in metadata
    assert "tls_client_auth" not in metadata["token_endpoint_auth_methods_supported"]
    assert "mtls_endpoint_aliases" in secure.metadata
