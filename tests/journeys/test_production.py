"""From nothing to the first signature in production: the commands of docs/operating.md, "First start in production", run
as they stand there, with the server and two administrators beside them.
"""

from __future__ import annotations

import json
import re
import shlex
import ssl
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from html import unescape
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from tests.authenticator import SoftwareAuthenticator
from tests.clients.authority import Authority
from tests.demonstration import ROOT, four_free_ports
from tests.served import Served
from tests.signing.workshop import judged

MANUAL = ROOT / "docs" / "operating.md"
SECTION = "## First start in production"
ASKED = 3
OFFICER = {
    "given_name_th": "ใหม่",
    "family_name_th": "ตัวอย่าง",
    "given_name": "Mai",
    "family_name": "Tuayang",
}


@dataclass(frozen=True)
class Manual:
    """What the section says, with the places and the address of this test in it."""

    issuer: str
    folder: Path

    @property
    def text(self) -> str:
        text = MANUAL.read_text("utf-8").partition(SECTION)[2].partition("\n## ")[0]
        for place in ("/etc/prajak", "/var/lib/prajak", "/mnt/witness", "/media"):
            text = text.replace(place, f"{self.folder}{place}")
        return text.replace("https://id.example.go.th", self.issuer)

    @property
    def settings(self) -> Mapping[str, str]:
        (block,) = re.findall(r"```ini\n(.*?)```", self.text, re.DOTALL)
        return dict(line.split("=", 1) for line in block.splitlines())

    @property
    def steps(self) -> Mapping[int, list[str]]:
        """The commands of each numbered step, one a line."""
        found = {}
        for step in re.split(r"\n(?=\*\*\d\. )", self.text)[1:]:
            blocks = re.findall(r"```sh\n(.*?)```", step, re.DOTALL)
            found[int(step[2])] = [line for block in blocks for line in block.replace("\\\n", "").splitlines()]
        return found


@dataclass(frozen=True)
class Operator:
    """Whoever has the shell: `prajak` is called as it is installed, all else by the shell."""

    manual: Manual
    settings: Mapping[str, str]

    def takes_step(self, number: int) -> str:
        """All that was said."""
        return "".join(self.calls(line).output for line in self.manual.steps[number])

    def calls(self, line: str, *, exit_code: int = 0) -> Result:
        if not line.startswith("prajak "):
            subprocess.run(["sh", "-euc", line], check=True)
            return Result(CliRunner(), b"", b"", b"", None, 0, None)
        result = CliRunner().invoke(main, shlex.split(line)[1:], env=dict(self.settings), input="y\n")
        assert result.exit_code == exit_code, f"{line}\n{result.output}"
        return result


@dataclass(frozen=True)
class Administrator:
    """A person with a browser and a passkey of their own."""

    issuer: str
    browser: httpx.Client
    passkey: SoftwareAuthenticator

    def accepts(self, invitation: str) -> None:
        page = self.browser.get(invitation)
        assert page.status_code == 200, page.text
        options = re.search(r"data-options='([^']*)'", page.text)
        assert options is not None
        made = self.passkey.create(unescape(options[1]))
        assert self.sends(page, OFFICER | {"credential": made}).headers["Location"] == "/console"

    def agrees(self, approval: str) -> None:
        page = self.browser.get(approval)
        assert "root-g1" in page.text or "issuing-g1" in page.text
        assert self.sends(page, {"decision": "agree"}).status_code == 303

    def sends(self, page: httpx.Response, fields: dict[str, str]) -> httpx.Response:
        token = re.search(r'name="csrf_token" value="([^"]*)"', page.text)
        assert token is not None
        return self.browser.post(page.url, data=fields | {"csrf_token": token[1]}, headers={"Origin": self.issuer})


@pytest.fixture
def tls(tmp_path: Path) -> tuple[Authority, Path, Path]:
    authority = Authority(tmp_path)
    return authority, *authority.certify("localhost")


def test_a_country_starts_from_nothing_as_the_manual_says(tmp_path: Path, tls: tuple[Authority, Path, Path]):
    authority, certificate, key = tls
    port = four_free_ports()
    manual = Manual(f"https://localhost:{port}", tmp_path)
    for place in ("etc/prajak", "var/lib/prajak", "mnt/witness", "media/carried"):
        (tmp_path / place).mkdir(parents=True)
    settings = {**manual.settings, "PRAJAK_TSA_NTP": "0"}  # the machine of the tests may have no time service
    operator = Operator(manual, settings)
    operator.takes_step(2)
    links = re.findall(rf"{manual.issuer}/invitation/\S+", operator.takes_step(3))
    server = Served(port, tmp_path, settings | {"PRAJAK_OUTBOUND_CA": str(authority.ca_file)})
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    with server.running("--tls-cert", str(certificate), "--tls-key", str(key), verify=context):
        first, second = (
            Administrator(
                manual.issuer, httpx.Client(verify=context, timeout=30), SoftwareAuthenticator(origin=manual.issuer)
            )
            for _ in range(2)
        )
        with first.browser, second.browser, httpx.Client(verify=context, base_url=manual.issuer) as anybody:
            first.accepts(links[0])
            second.accepts(links[1])
            check_nothing_is_certified(operator, anybody)
            operator.takes_step(5)
            operator.takes_step(6)
            asked = operator.calls(manual.steps[7][0], exit_code=ASKED)
            (approval,) = re.findall(rf"{manual.issuer}/console/keys/approvals/\S+", asked.output)
            first.agrees(approval)
            operator.calls(manual.steps[7][0], exit_code=ASKED)
            second.agrees(approval)
            operator.takes_step(7)
            operator.takes_step(8)
            check_the_services(anybody, tmp_path)
            check_a_certificate_is_issued(operator, tmp_path)


def check_nothing_is_certified(operator: Operator, anybody: httpx.Client) -> None:
    """The provider is ready, people sign in, and what needs an authority says that there is none."""
    assert anybody.get("/readyz").json()["ready"] is True
    assert anybody.get("/ca/root-g1.crt").status_code == 404
    findings = json.loads(operator.calls("prajak doctor --json").stdout)
    (certificates,) = [each for each in findings if each["part"] == "certificates"]
    assert "no certificate authority" in certificates["finding"]


def check_the_services(anybody: httpx.Client, folder: Path) -> None:
    """The server that ran all the while answers under the new root, as OpenSSL finds."""
    carried = folder / "media" / "carried"
    query, reply = folder / "query.tsq", folder / "reply.tsr"
    judged("openssl", "ts", "-query", "-digest", "ab" * 32, "-sha256", "-cert", "-out", query)
    headers = {"Content-Type": "application/timestamp-query"}
    reply.write_bytes(anybody.post("/tsa", content=query.read_bytes(), headers=headers).content)
    root = folder / "root.pem"
    judged("openssl", "x509", "-in", carried / "root-g1.crt", "-out", root)
    judged(
        "openssl", "ts", "-verify", "-queryfile", query, "-in", reply, "-CAfile", root,
        "-untrusted", carried / "issuing.pem",
    )  # fmt: skip
    crl = folder / "issuing.crl"
    crl.write_bytes(anybody.get("/ca/issuing-g1.crl").content)
    assert "verify OK" in judged(
        "openssl", "crl", "-inform", "DER", "-in", crl, "-CAfile", carried / "issuing.pem", "-noout"
    )


def check_a_certificate_is_issued(operator: Operator, folder: Path) -> None:
    """To whoever proves to have the key, by a request of their own."""
    key, request, made = (folder / name for name in ("officer.key", "officer.csr", "officer.pem"))
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-keyout", key)
    judged("openssl", "req", "-new", *new_key, "-subj", "/CN=anything", "-out", request)
    named = "--name-th 'ใหม่ ตัวอย่าง' --given-name-th ใหม่ --family-name-th ตัวอย่าง --serial OFFICER-000001"
    operator.calls(f"prajak ca issue --profile officer --csr {request} --out {made} {named}")
    carried = folder / "media" / "carried"
    judged(
        "openssl", "verify", "-x509_strict", "-CAfile", folder / "root.pem", "-untrusted", carried / "issuing.pem", made
    )
    assert "ตัวอย่าง" in judged("openssl", "x509", "-in", made, "-noout", "-subject", "-nameopt", "utf8")
