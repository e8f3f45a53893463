"""Certomancer as the outside authority: a PKI that shares no line with ours, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from certomancer import PKIArchitecture
from certomancer.integrations.animator import Animator, AnimatorArchStore
from certomancer.registry import CertLabel, CertomancerConfig
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from werkzeug.serving import make_server

from tests.conftest import NOW

KEYS = ("root", "interm", "ocsp", "tsa", "gone")
VALID = {"valid-from": "2020-01-01T00:00:00+0000", "valid-to": "2040-01-01T00:00:00+0000"}


def extension(name: str, *, critical: bool = False, **content: Any) -> dict[str, Any]:
    return {"id": name, "critical": critical, **content}


def usage(*words: str) -> dict[str, Any]:
    return extension("key_usage", critical=True, **{"smart-value": {"schema": "key-usage", "params": list(words)}})


AUTHORITY = [extension("basic_constraints", critical=True, value={"ca": True}), usage("key_cert_sign", "crl_sign")]
POINTERS = [
    extension(
        "crl_distribution_points",
        **{"smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": ["interm"]}}},
    ),
    extension(
        "authority_information_access",
        **{"smart-value": {"schema": "aia-urls", "params": {"ocsp-responder-names": ["interm"]}}},
    ),
]
STAMPING = [
    usage("digital_signature"),
    extension("extended_key_usage", critical=True, value=["time_stamping"]),
    *POINTERS,
]
OF_ROOT = {"smart-value": {"schema": "crl-dist-url", "params": {"crl-repo-names": ["root"]}}}
RESPONDING = [
    usage("digital_signature"),
    extension("extended_key_usage", value=["ocsp_signing"]),
    extension("ocsp_no_check"),
]

PKI: dict[str, Any] = {
    "keyset": "outside",
    "entity-defaults": {"country-name": "TH", "organization-name": "Somebody Else"},
    "entities": {name: {"common-name": f"Outside {name}"} for name in KEYS},
    "certs": {
        "root": {"subject": "root", "issuer": "root", "validity": VALID, "extensions": AUTHORITY},
        "interm": {
            "issuer": "root",
            "validity": VALID,
            "extensions": [*AUTHORITY, extension("crl_distribution_points", **OF_ROOT)],
        },
        "ocsp": {"issuer": "interm", "validity": VALID, "extensions": RESPONDING},
        "tsa": {"issuer": "interm", "validity": VALID, "extensions": STAMPING},
        "gone": {
            "issuer": "interm",
            "validity": VALID,
            "extensions": STAMPING,
            "revocation": {"revoked-since": "2025-01-01T00:00:00+0000", "reason": "key_compromise"},
        },
    },
    "services": {
        "ocsp": {"interm": {"for-issuer": "interm", "responder-cert": "ocsp", "signing-key": "ocsp"}},
        "crl-repo": {
            name: {"for-issuer": name, "signing-key": name, "simulated-update-schedule": "P7D"}
            for name in ("root", "interm")
        },
        "time-stamping": {
            name: {"signing-key": name, "signing-cert": name, "certs-to-embed": ["interm"]} for name in ("tsa", "gone")
        },
    },
}


@dataclass(frozen=True)
class Certomancer:
    url: str
    architecture: PKIArchitecture

    @property
    def root(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.architecture.get_cert(CertLabel("root")).dump())

    def tsa(self, name: str = "tsa") -> str:
        return f"{self.url}/outside/tsa/{name}"


@contextmanager
def certomancer(folder: Path) -> Iterator[Certomancer]:
    for name in KEYS:
        key = rsa.generate_private_key(65537, 2048) if name == "tsa" else ec.generate_private_key(ec.SECP256R1())
        (folder / name).write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    served: list[Animator] = []

    def dispatch(environ: Any, start_response: Any) -> Any:
        return served[0](environ, start_response)

    server = make_server("127.0.0.1", 0, dispatch, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    keys = {"outside": {"keys": {name: {"path": name} for name in KEYS}}}
    config = CertomancerConfig(
        {"keysets": keys, "pki-architectures": {"outside": PKI}}, str(folder), external_url_prefix=url
    )
    served.append(Animator(AnimatorArchStore(config.pki_archs), at_time=NOW, with_web_ui=False))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Certomancer(url, next(iter(config.pki_archs.values())))
    finally:
        server.shutdown()
        thread.join(timeout=5)
        server.server_close()
