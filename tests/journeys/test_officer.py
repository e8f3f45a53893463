"""Journey 3: an officer signs with an AAL3 passkey, and anybody verifies; outside tools agree."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect

from tests.authenticator import VirtualAuthenticator, learn_attestation_root
from tests.browser import PHONE, check_accessibility
from tests.demonstration import Demonstration
from tests.officer import officer_at
from tests.signing.workshop import judged, plain_pdf, signatures_of, signed_bytes


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "หนังสือราชการ.pdf"
    path.write_bytes(plain_pdf(pages=2))
    return path


def test_an_officer_signs_with_a_security_key_and_a_citizen_verifies(
    chromium: Browser, provider: Demonstration, document: Path, tmp_path: Path
):
    officer = officer_at(chromium, provider, "officer-wanida")
    VirtualAuthenticator(officer.page)
    officer.goes_to("/")
    root = learn_attestation_root(officer.page)
    (provider.folder / "attestation-roots" / "virtual.pem").write_bytes(root)
    officer.signs_in_at("/me/devices/add")
    officer.page.click("#create-passkey")
    expect(officer.page.locator("main")).to_contain_text("AAL3")
    issue = ("officer", "issue", "officer-wanida", "--position-th", "ผู้อำนวยการกอง", "--position-en", "Director")
    provider.prajak(*issue, "--json")

    officer.enters_the_desk()
    officer.uploads(document)
    check_accessibility(officer.page)
    officer.asks_to_sign()
    expect(officer.page.locator("body")).to_contain_text("หนังสือราชการ.pdf")
    officer.page.click("#use-passkey")
    signed = officer.downloads_to(tmp_path / "signed.pdf")

    anybody = chromium.new_context(viewport=PHONE, locale="th-TH").new_page()
    anybody.goto(f"{provider.issuer}/verify")
    anybody.set_input_files("[name=file]", signed)
    anybody.click("#verify")
    expect(anybody.locator("main")).to_contain_text("วนิดา")
    expect(anybody.locator(".prajak-notice--success")).to_be_visible()
    check_accessibility(anybody)
    check_with_the_command(provider, signed)
    check_with_the_api(provider, signed)
    check_with_outside_tools(provider, signed, tmp_path)


def test_an_officer_signs_in_the_sandbox_without_an_authenticator(
    chromium: Browser, provider: Demonstration, document: Path, tmp_path: Path
):
    officer = officer_at(chromium, provider, "officer-anan")
    officer.enters_the_desk()
    officer.uploads(document)
    officer.asks_to_sign()
    officer.uses_the_sandbox()
    signed = officer.downloads_to(tmp_path / "signed.pdf")
    check_with_the_command(provider, signed)
    tampered = tmp_path / "tampered.pdf"
    content = signed.read_bytes()
    middle = len(content) // 3
    tampered.write_bytes(content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :])
    assert provider.prajak("verify", str(tampered), check=False).returncode in (1, 2)


def check_with_the_command(provider: Demonstration, signed: Path) -> None:
    found = json.loads(provider.prajak("verify", str(signed), "--json").stdout)
    (signature,) = found["signatures"]
    assert signature["indication"] == "TOTAL-PASSED"
    assert signature["level"] == "PAdES-BASELINE-LTA"
    assert signature["modification"] in ("none", "allowed")


def check_with_the_api(provider: Demonstration, signed: Path) -> None:
    answer = httpx.post(
        f"{provider.issuer}/api/verify", files={"file": ("signed.pdf", signed.read_bytes())}, timeout=60
    )
    assert answer.status_code == 200
    assert answer.json()["signatures"][0]["indication"] == "TOTAL-PASSED"


def check_with_outside_tools(provider: Demonstration, signed: Path, tmp_path: Path) -> None:
    """Poppler, qpdf and OpenSSL: the bytes, the chain to the provider's root, the OCSP answer over HTTP."""
    said = judged("pdfsig", "-nocert", signed)
    assert "Signature is Valid" in said
    assert "Total document signed" in said
    judged("qpdf", "--check", signed)
    pdf = signed.read_bytes()
    signature = signatures_of(pdf)[0]
    root, issuing, signer = (tmp_path / name for name in ("root.pem", "issuing.pem", "signer.pem"))
    provider.prajak("ca", "export", "root-g1", str(root))
    provider.prajak("ca", "export", "issuing-g1", str(issuing))
    contents, content = tmp_path / "signature.der", tmp_path / "signed.bin"
    contents.write_bytes(signature.pkcs7_content.rstrip(b"\0"))
    content.write_bytes(signed_bytes(pdf, signature))
    judged(
        "openssl", "cms", "-verify", "-inform", "DER", "-binary", "-purpose", "any", "-out", "/dev/null",
        "-in", contents, "-content", content, "-CAfile", root, "-certfile", issuing, "-signer", signer,
    )  # fmt: skip
    said = judged(
        "openssl", "ocsp", "-url", f"{provider.issuer}/ocsp", "-issuer", issuing, "-cert", signer, "-CAfile", root,
    )  # fmt: skip
    assert f"{signer}: good" in said


@pytest.mark.parametrize(
    ("content", "error"), [(b"this is no PDF", 400), (b"", 400), (b"%PDF-1.7\n" + b"\0" * 50, 400)]
)
def test_what_is_no_pdf_is_refused_in_words_and_never_a_500(provider: Demonstration, content: bytes, error: int):
    answer = httpx.post(f"{provider.issuer}/api/verify", files={"file": ("x.pdf", content)}, timeout=60)
    assert answer.status_code == error
    assert answer.json()["error"]
