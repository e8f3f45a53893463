"""A whole provider whose keys live in a PKCS #11 token: people sign in, documents are sealed, times are stamped, and a
process that starts anew goes on with the same keys. Strangers judge what it says, over HTTP: OpenSSL and certvalidator.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import pytest
from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from joserfc import jwt
from joserfc.jwk import KeySet
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError
from pyhanko_certvalidator.fetchers.requests_fetchers import RequestsFetcherBackend

from tests.demonstration import ROOT
from tests.own_loop import in_a_thread
from tests.plain_client import PlainClient
from tests.served import Served, sandbox_in
from tests.signing.workshop import judged, plain_pdf, signatures_of
from tests.soft_token import soft_tokens_in


def test_a_provider_lives_on_a_token_and_strangers_agree_with_what_it_signs(tmp_path: Path):
    tokens = soft_tokens_in(tmp_path)
    provider = sandbox_in(tmp_path, PRAJAK_KEYS_URL=tokens.make("prajak"), **tokens.environment)
    facts = json.loads(provider.prajak("demo", "--json").stdout)
    with provider.running("--workers", "2"):
        id_token = sign_in(provider, "user1")
        assert claims_of(provider, id_token)["iss"] == provider.issuer
        sealed = seal_a_document(provider, facts)
        check_with_the_public_verifier(provider, sealed)
        strangers = Strangers(provider, certificate_in(sealed))
        strangers.check_openssl()
        strangers.check_time_stamp()
        strangers.check_certvalidator()
        provider.prajak(
            "ca", "revoke", f"{strangers.certificate.serial_number:x}", "--reason", "cessation_of_operation"
        )
        strangers.check_revoked()
        check_metrics(provider)
        kids = kids_of(provider)
    with provider.running():
        assert kids_of(provider) >= kids
        assert claims_of(provider, id_token)["iss"] == provider.issuer, "what was signed before verifies"
        assert claims_of(provider, sign_in(provider, "user2"))["iss"] == provider.issuer
    assert not (provider.data_dir / "keys").exists(), "no key of the provider is in a file"


def sign_in(provider: Served, user: str) -> str:
    """At an agency, which gets an ID token."""
    client = PlainClient(provider.issuer, provider.data_dir / "demo", "demo-b")
    answer = client.redeem(client.code_for(user))
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id_token"])


def claims_of(provider: Served, id_token: str) -> dict[str, Any]:
    """Verified with the key set as it is published now."""
    keys = KeySet.import_key_set(json.loads(fetched(provider, "/jwks")))
    return dict(jwt.decode(id_token, keys, algorithms=["ES256"]).claims)


def kids_of(provider: Served) -> set[str]:
    return {each["kid"] for each in json.loads(fetched(provider, "/jwks"))["keys"]}


def fetched(provider: Served, path: str) -> bytes:
    answer = httpx.get(f"{provider.issuer}{path}")
    assert answer.status_code == 200, path
    return answer.content


def seal_a_document(provider: Served, facts: dict[str, Any]) -> Path:
    """By the command, another process at the same token while the server works."""
    credential = next(each["credential"] for each in facts["credentials"] if each["kind"] == "seal")
    source, target = provider.folder / "letter.pdf", provider.folder / "sealed.pdf"
    source.write_bytes(plain_pdf())
    provider.prajak("sign", source, target, "--credential", credential)
    return target


def certificate_in(sealed: Path) -> asn1.Certificate:
    certificate = signatures_of(sealed.read_bytes())[0].signer_cert
    assert isinstance(certificate, asn1.Certificate)
    return certificate


def check_with_the_public_verifier(provider: Served, sealed: Path) -> None:
    files = {"file": ("sealed.pdf", sealed.read_bytes())}
    (signature,) = httpx.post(f"{provider.issuer}/api/verify", files=files, timeout=60).json()["signatures"]
    assert (signature["indication"], signature["level"]) == ("TOTAL-PASSED", "PAdES-BASELINE-LTA")


def check_metrics(provider: Served) -> None:
    """Whichever worker is asked tells of both, and what each of them holds on the token."""
    lines = fetched(provider, "/metrics").decode().splitlines()
    told = {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines) if name[0] != "#"}
    assert told["prajak_workers"] == 2
    assert told["prajak_token_sessions"] >= 2
    assert told['prajak_time_stamps_total{outcome="granted"}'] >= 1
    assert told['prajak_requests_total{route="/token",method="POST",status="200"}'] == 1
    assert told['prajak_part_up{part="keys"}'] == 1


@dataclass(frozen=True)
class Strangers:
    """They know the root, which somebody gave them; all else they fetch from where the certificate points."""

    provider: Served
    certificate: asn1.Certificate

    def file(self, name: str, content: bytes) -> Path:
        path = self.provider.folder / name
        path.write_bytes(content)
        return path

    def pem(self, name: str, der: bytes) -> Path:
        return self.file(name, x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM))

    @property
    def root(self) -> Path:
        return self.pem("root.pem", fetched(self.provider, "/ca/root-g1.crt"))

    @property
    def issuing(self) -> Path:
        return self.pem("issuing.pem", fetched(self.provider, "/ca/issuing-g1.crt"))

    @property
    def signer(self) -> Path:
        return self.pem("signer.pem", self.certificate.dump())

    def check_openssl(self) -> None:
        """Chain, revocation lists of both authorities, and the OCSP responder."""
        lists = []
        for name in ("root-g1", "issuing-g1"):
            crl = self.file(f"{name}.crl", fetched(self.provider, f"/ca/{name}.crl"))
            lists += ["-CRLfile", self.provider.folder / f"{name}.crl.pem"]
            judged("openssl", "crl", "-inform", "DER", "-in", crl, "-out", f"{crl}.pem")
        judged(
            "openssl", "verify", "-x509_strict", "-crl_check_all", *lists, "-CAfile", self.root,
            "-untrusted", self.issuing, "-purpose", "any", self.signer,
        )  # fmt: skip
        assert f"{self.signer}: good" in self.asked_by_openssl()

    def asked_by_openssl(self) -> str:
        return judged(
            "openssl", "ocsp", "-url", f"{self.provider.issuer}/ocsp", "-issuer", self.issuing, "-cert", self.signer,
            "-CAfile", self.root,
        )  # fmt: skip

    def check_time_stamp(self) -> None:
        query, reply = self.provider.folder / "query.tsq", self.provider.folder / "reply.tsr"
        digest = sha256(b"what is stamped").hexdigest()
        judged("openssl", "ts", "-query", "-digest", digest, "-sha256", "-cert", "-out", query)
        headers = {"Content-Type": "application/timestamp-query"}
        answer = httpx.post(f"{self.provider.issuer}/tsa", content=query.read_bytes(), headers=headers)
        reply.write_bytes(answer.content)
        judged(
            "openssl", "ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", self.root,
            "-untrusted", self.issuing,
        )  # fmt: skip

    def check_certvalidator(self) -> None:
        """It finds the issuer by AIA, and refuses where revocation cannot be looked up (hard-fail)."""
        path = in_a_thread(lambda: asyncio.run(self.validated()))
        assert [each.subject.native["common_name"] for each in path][-1] == self.certificate.subject.native[
            "common_name"
        ]
        assert len(list(path)) == 3

    async def validated(self) -> Any:
        context = ValidationContext(
            trust_roots=[asn1.Certificate.load(fetched(self.provider, "/ca/root-g1.crt"))],
            allow_fetching=True,
            revocation_mode="hard-fail",
            fetcher_backend=RequestsFetcherBackend(),
        )
        validator = CertificateValidator(self.certificate, validation_context=context)
        return await validator.async_validate_usage({"non_repudiation"})

    def check_revoked(self) -> None:
        """Both, at once: an answer that was signed before says so no more."""
        assert f"{self.signer}: revoked" in self.asked_by_openssl()
        with pytest.raises(RevokedError):
            in_a_thread(lambda: asyncio.run(self.validated()))


def test_who_has_no_token_loads_no_library_of_tokens():
    """`make run` needs none on the machine, nor python-pkcs11's compiled part."""
    looked = "import sys, idp.cli; print(sorted(each for each in sys.modules if each.startswith('pkcs11')))"
    done = subprocess.run([sys.executable, "-c", looked], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
