"""`prajak ca` as an operator types it, from an empty folder to a certificate: the offline machine and the provider."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography import x509

from core.clock import SystemClock
from core.database import open_database
from core.settings import load_settings
from idp.cli import main
from keys import two_person
from tests.keys.conftest import Openssl

MADE_BY_OPENSSL = ("req", "-new", "-nodes", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=x")
ROOT = (
    "--url", "https://id.example.go.th", "--name-th", "ผู้ออกใบรับรองราก", "--name-en", "Root CA - G1",
    "--organisation-th", "กรมตัวอย่าง", "--organisation-en", "Department of Examples",
)  # fmt: skip


class Operator:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def types(self, *words: str | Path, code: int = 0) -> str:
        done = CliRunner().invoke(main, [str(word) for word in words])
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output


@pytest.fixture
def operator(tmp_path, monkeypatch) -> Operator:
    (tmp_path / "passphrase").write_text("a passphrase of more than thirty-two characters")
    for name, value in {
        "ISSUER": "https://id.example.go.th",
        "DATA_DIR": tmp_path / "data",
        "DATABASE_URL": f"sqlite:///{tmp_path}/prajak.db",
        "KEYS_URL": f"file:{tmp_path}/keys",
        "KEYS_PASSPHRASE_FILE": tmp_path / "passphrase",
        "SANDBOX": "0",
    }.items():
        monkeypatch.setenv(f"PRAJAK_{name}", str(value))
    monkeypatch.chdir(tmp_path)
    return Operator(tmp_path)


def two_agree(minutes: str) -> None:
    """In the console, by two accounts who compare it with the minutes; here by its own functions."""
    database, clock = open_database(load_settings()), SystemClock()
    with database.write() as connection:
        (asked,) = [each for each in two_person.load_recent(connection) if each.closed_at is None]
    assert len(asked.detail.split()) == 3
    assert all(each in minutes for each in asked.detail.split())
    for account in ("first", "second"):
        with database.write() as connection:
            two_person.agree(connection, clock, two_person.load(connection, asked.id), by=account)
    database.close()


def test_from_a_ceremony_to_a_certificate_on_request(operator, clock):
    openssl = Openssl(operator.folder, clock)
    folder, types = operator.folder, operator.types
    offline, shares = folder / "offline", folder / "shares"
    minutes = types("ca", "ceremony", offline, *ROOT, "--needed", "2", "--shares", "3", "--shares-to", shares)
    assert "any 2 of 3" in minutes
    share = ["--share", shares / "share-1-of-3.txt", "--share", shares / "share-3-of-3.txt"]
    assert "root-g1 opens" in types("ca", "check-shares", offline, *share)
    assert "opened to check its shares" in (offline / "minutes.txt").read_text()

    types("db", "upgrade")
    assert "no authority yet" in types("ca", "show")
    types("ca", "request", folder / "issuing.csr")
    types("ca", "sign-issuing", offline, folder / "issuing.csr", folder / "issuing.crt", "--yes", *share)
    assert (shares / "share-1-of-3.txt").stat().st_mode & 0o777 == 0o600
    files = [offline / "root-g1.crt", folder / "issuing.crt", offline / "root-g1.crl"]
    assert "/console/keys/approvals/" in types("ca", "import", *files, code=3)
    two_agree((offline / "minutes.txt").read_text())
    assert "issuing-g1 certifies now" in types("ca", "import", *files)
    assert [each["name"] for each in json.loads(types("ca", "show", "--json"))] == ["root-g1", "issuing-g1"]

    openssl.run(*MADE_BY_OPENSSL, "-keyout", "agency.key", "-out", "agency.csr")
    out = folder / "agency.pem"
    names = ("--name-th", "กรมตัวอย่าง", "--organisation-th", "กรมตัวอย่าง", "--name-en", "agency")
    types("ca", "issue", "--profile", "agency-tls", "--csr", folder / "agency.csr", "--out", out, *names)
    chain = openssl.file("chain.pem", out.read_bytes())
    root = openssl.file("root.pem", files[0].read_bytes())
    openssl.run("verify", "-x509_strict", "-purpose", "sslclient", "-CAfile", root, "-untrusted", chain, chain)

    serial = x509.load_pem_x509_certificates((folder / "issuing.crt").read_bytes())[0].serial_number
    alone = types("ca", "revoke", f"{serial:x}", "--reason", "superseded", code=1)
    assert "takes two people" in alone
    assert not any(each["revoked"] for each in json.loads(types("ca", "show", "--json")))
    types("ca", "root-crl", offline, *share, "--revoke", f"{serial:x}=ca_compromise")
    assert "root-g1 is published" in types("ca", "import-crl", files[2])
    refused = types(
        "ca", "issue", "--profile", "agency-tls", "--csr", folder / "agency.csr", "--out", out, *names, code=1
    )
    assert "no issuing authority" in refused


def test_a_share_that_is_shown_is_not_kept(operator):
    shown = operator.types("ca", "ceremony", operator.folder / "offline", *ROOT)
    lines = [line for line in shown.splitlines() if len(line.split()) == 33]
    assert len(lines) == 5
    kept = b"".join(path.read_bytes() for path in operator.folder.rglob("*") if path.is_file())
    assert not any(line.encode() in kept for line in lines)
    asked = CliRunner().invoke(main, ["ca", "check-shares", "offline"], input="\n".join(lines[1:4]) + "\n")
    assert asked.exit_code == 0
    assert lines[1] not in asked.output  # typed, never echoed


def test_the_shares_of_another_root_are_never_written_over(operator):
    shares = operator.folder / "shares"
    operator.types("ca", "ceremony", operator.folder / "first", *ROOT, "--shares-to", shares)
    before = {path.name: path.read_bytes() for path in shares.iterdir()}
    again = ("--authority", "root-g2", "--shares-to", shares)
    refused = operator.types("ca", "ceremony", operator.folder / "second", *ROOT, *again, code=1)
    assert "not empty" in refused
    assert {path.name: path.read_bytes() for path in shares.iterdir()} == before
    assert not (operator.folder / "second").exists()


def test_the_root_s_pointers_lead_where_the_practice_says(operator):
    """EN 319 412-2 section 4.3.11: over plain http, which the provider's own address is not."""
    profiles = operator.folder / "profiles.toml"
    profiles.write_text('[pointers]\nbase = "http://pki.example.go.th"')
    shares = ("--shares-to", operator.folder / "shares", "--profiles", profiles)
    operator.types("ca", "ceremony", operator.folder / "offline", *ROOT, *shares)
    assert json.loads((operator.folder / "offline/ceremony.json").read_text())["base"] == "http://pki.example.go.th"


def test_what_cannot_be_written_is_not_made(operator):
    operator.types("db", "upgrade")
    refused = operator.types("ca", "request", operator.folder / "nowhere/issuing.csr", code=2)
    assert "nothing can be written to the folder" in refused
    assert '"purpose": "ca"' not in operator.types("key", "list", "--json")


@pytest.mark.parametrize(
    "words",
    [
        ("ca", "sign-issuing", "nowhere", "x.csr", "y.crt"),
        ("ca", "root-crl", "nowhere"),
        ("ca", "check-shares", "nowhere"),
        ("ca", "revoke", "no number", "--reason", "superseded"),
    ],
)
def test_what_cannot_be_done_is_one_line(operator, words):
    (operator.folder / "x.csr").write_text("no request")
    done = CliRunner().invoke(main, words)
    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.output
