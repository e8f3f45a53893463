"""The `prajak` command as the contract has it: calls, JSON, exit codes, errors in one line."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from idp.cli import main
from tests.signing.workshop import plain_pdf

Prajak = Callable[..., Result]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("command")


@pytest.fixture(scope="module")
def prajak(folder: Path) -> Prajak:
    """The command over one seeded sandbox for the whole file."""
    environment = {"PRAJAK_SANDBOX": "1", "PRAJAK_DATA_DIR": str(folder), "PRAJAK_ISSUER": "http://localhost:8080"}
    runner = CliRunner()

    def call(*arguments: str, **changed: str) -> Result:
        return runner.invoke(main, arguments, env=environment | changed)

    assert call("demo").exit_code == 0
    return call


def printed(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture(scope="module")
def seal(prajak: Prajak) -> str:
    found = printed(prajak("officer", "list", "--json"))
    return str(next(each["credential"] for each in found if each["kind"] == "seal"))


@pytest.fixture(scope="module")
def sealed(prajak: Prajak, seal: str, folder: Path) -> Path:
    source, target = folder / "letter.pdf", folder / "sealed.pdf"
    source.write_bytes(plain_pdf())
    result = prajak("sign", str(source), str(target), "--credential", seal, "--visible", "1")
    assert result.exit_code == 0, result.output
    return target


def test_seeding_twice_does_no_harm(prajak: Prajak):
    first, second = printed(prajak("demo", "--json")), printed(prajak("demo", "--json"))
    assert first == second
    assert {"somchai", "malee", "officer-anan", "user0", "user31"} <= {each["name"] for each in first["people"]}
    clients = {each["client_id"] for each in first["clients"]}
    assert clients >= {"demo-a", "demo-b", "demo-native", "demo-dpop", "demo-fapi", "demo-basic"}


def test_the_demo_refuses_outside_the_sandbox(prajak: Prajak, tmp_path: Path):
    passphrase = tmp_path / "passphrase"
    passphrase.write_text("correct horse battery staple, and some more of it\n")
    passphrase.chmod(0o600)
    told = {"PRAJAK_SANDBOX": "0", "PRAJAK_ISSUER": "https://id.example", "PRAJAK_DATA_DIR": str(tmp_path)}
    result = prajak("demo", PRAJAK_KEYS_PASSPHRASE_FILE=str(passphrase), **told)
    assert result.exit_code != 0
    assert "PRAJAK_SANDBOX" in result.output
    assert not (tmp_path / "prajak.db").exists(), "refused before anything was made"


def test_a_database_of_the_sandbox_refuses_another_mode_in_one_line(prajak: Prajak):
    result = prajak("key", "list", PRAJAK_ISSUER="http://localhost:9999")
    assert result.exit_code == 2
    assert "PRAJAK_ISSUER" in result.output


def test_schema_and_code_agree(prajak: Prajak):
    assert printed(prajak("db", "check", "--json")) == []


def test_the_doctor_finds_every_part_in_order(prajak: Prajak):
    found = {each["part"]: each["state"] for each in printed(prajak("doctor", "--json"))}
    assert {"settings", "schema", "keys", "audit", "mutual TLS", "disk"} <= set(found)
    assert "broken" not in found.values()


def test_data_keys_are_wrapped_anew_and_the_progress_is_shown(prajak: Prajak):
    found = printed(prajak("key", "rewrap", "--now", "--json"))
    assert found["left"] == found["unreadable"] == 0
    assert found["finished"] is True
    before = found["wrapped"]
    assert before > 40
    assert printed(prajak("key", "rotate", "envelope", "--at-once", "--json"))["state"] == "active"
    found = printed(prajak("key", "rewrap", "--json"))
    assert (found["left"], found["finished"]) == (before, False)
    assert "finished: False" in prajak("key", "rewrap").stdout


def test_an_erasure_is_asked_for_and_waits_for_two_people(prajak: Prajak):
    asked = printed(prajak("person", "erase", "user31", "--reason", "asked by letter", "--json"))
    assert asked["agree_at"].endswith(f"/console/keys/approvals/{asked['approval']}")
    assert "asked for already" in prajak("person", "erase", "user31", "--reason", "again").output
    assert "There is no such account" in prajak("person", "erase", "nobody", "--reason", "a slip").output
    assert printed(prajak("person", "erasures", "--json")) == []
    assert printed(prajak("person", "erase-again", "--json")) == {"listed": 0, "erased_again": 0}


def test_a_list_of_erasures_that_somebody_wrote_is_refused(prajak: Prajak, folder: Path):
    forged = folder / "forged.jsonl"
    line = {"account": "a", "approval": "b", "erased_at": "2026-11-22T03:00:00+00:00", "proof": "00"}
    forged.write_text(json.dumps(line) + "\n", encoding="utf-8")
    refused = prajak("person", "erase-again", str(forged))
    assert refused.exit_code == 1
    assert "line 1 was changed, or is of another installation" in refused.output


def test_after_a_restore_the_last_list_is_read_and_another_file_is_refused(prajak: Prajak, folder: Path):
    """Here nothing was lost, so nothing comes back."""
    published, other = folder / "issuing-g1.crl", folder / "other.crl"
    with closing(sqlite3.connect(folder / "prajak.db")) as database:
        query = "SELECT l.der FROM revocation_list l JOIN certificate c ON c.serial = l.issuer_serial WHERE c.slot = ?"
        published.write_bytes(database.execute(query, ("issuing-g1",)).fetchone()[0])
    other.write_bytes(b"no list")
    done = printed(prajak("ca", "restore-revocations", str(published), "--json"))
    assert done == {"revoked": 0, "certificates_lost": 0}
    refused = prajak("ca", "restore-revocations", str(other))
    assert refused.exit_code != 0
    assert "this is no revocation list" in refused.output


def test_the_audit_trail_of_the_seeding_is_unbroken(prajak: Prajak):
    assert printed(prajak("audit", "verify", "--json"))["unbroken"] is True


def test_a_key_is_rotated_and_listed(prajak: Prajak):
    announced = json.loads(prajak("key", "rotate", "id-token", "--json").stdout)
    states = {each["kid"]: each["state"] for each in printed(prajak("key", "list", "--json"))}
    assert states[announced["kid"]] == announced["state"] == "pre-activation"
    algorithms = {
        each["algorithm"] for each in printed(prajak("key", "list", "--json")) if each["kid"] in announced["kids"]
    }
    assert algorithms == {"ES256", "PS256", "EdDSA", "RS256"}


def test_every_key_is_listed_with_its_uses(prajak: Prajak, sealed: Path):
    assert sealed.exists()
    (seal,) = (each for each in printed(prajak("key", "list", "--json")) if each["purpose"] == "seal" and each["uses"])
    assert seal["last_used_at"]


def test_an_emergency_is_one_command(prajak: Prajak):
    keys = printed(prajak("key", "list", "--json"))
    kid = next(each["kid"] for each in keys if (each["purpose"], each["state"]) == ("access-token", "active"))
    assert prajak("key", "compromise", kid).exit_code == 2, "a reason is asked for"
    result = prajak("key", "compromise", kid, "--reason", "seen in a log")
    assert result.exit_code == 0, result.output
    states = {each["kid"]: each["state"] for each in printed(prajak("key", "list", "--json"))}
    assert states[kid] == "compromised"
    assert states[result.stdout.split("; ")[1].split()[0]] == "active"


def test_a_suspicion_comes_and_goes(prajak: Prajak):
    keys = printed(prajak("key", "list", "--json"))
    kid = next(each["kid"] for each in keys if (each["purpose"], each["state"]) == ("logout", "active"))
    assert "is suspended" in prajak("key", "suspend", kid, "--reason", "odd").stdout
    assert "is deactivated" in prajak("key", "restore", kid, "--reason", "nothing").stdout
    assert prajak("key", "restore", kid, "--reason", "again").exit_code == 1


@pytest.mark.parametrize("length", [22, 43])
def test_an_identifier_that_begins_with_a_hyphen_is_no_option(prajak: Prajak, length: int):
    kid = "-h" + "A" * (length - 2)
    assert prajak("key", "retire", kid).stderr == f"Error: no such key: {kid}\n"


def test_the_shell_alone_destroys_nothing_and_is_told_where_two_agree(prajak: Prajak):
    keys = printed(prajak("key", "list", "--json"))
    kid = next(each["kid"] for each in keys if (each["purpose"], each["state"]) == ("introspection", "active"))
    assert "cannot go from active to destroyed" in prajak("key", "destroy", kid, "--reason", "x").output
    assert prajak("key", "compromise", kid, "--reason", "seen in a log").exit_code == 0
    first, again = (prajak("key", "destroy", kid, "--reason", "others have it") for _ in range(2))
    assert (first.exit_code, again.exit_code) == (3, 3)
    assert first.stderr == again.stderr
    (row,) = (each for each in printed(prajak("key", "approvals", "--json")) if each["subject"] == kid)
    assert (row["asked_by"], row["status"], row["act"]) == ("command", "open", "destroy-key")
    assert first.stderr.strip().endswith(f"/console/keys/approvals/{row['id']}")


def test_an_authority_s_key_ends_by_no_command(prajak: Prajak):
    keys = printed(prajak("key", "list", "--json"))
    kid = next(each["kid"] for each in keys if each["purpose"] == "ca")
    for act in ("compromise", "retire"):
        result = prajak("key", act, kid, "--reason", "a rumour")
        assert result.exit_code == 3, result.output
    assert {each["state"] for each in printed(prajak("key", "list", "--json")) if each["kid"] == kid} == {"active"}
    shown = printed(prajak("ca", "show", "--json"))
    assert not any(each["revoked"] for each in shown)


def test_a_purpose_moves_to_another_algorithm_by_one_command(prajak: Prajak):
    moved = printed(prajak("key", "rotate", "id-token", "--algorithm", "PS256", "--json"))
    assert moved["begins_at"]
    assert "has no key for none" in prajak("key", "rotate", "id-token", "--algorithm", "none").output
    assert "does not move" in prajak("key", "rotate", "tsa", "--algorithm", "PS256").output
    assert prajak("key", "rotate", "id-token", "--algorithm", "PS256", "--at-once").exit_code == 2


def test_a_client_is_added_shown_and_removed(prajak: Prajak, tmp_path: Path):
    file = tmp_path / "client.json"
    metadata = {
        "client_name": "Example",
        "redirect_uris": ["https://agency.example/callback"],
        "token_endpoint_auth_method": "client_secret_basic",
    }
    file.write_text(json.dumps(metadata))
    added = printed(prajak("client", "add", str(file), "--json"))
    assert added["client_secret"]
    shown = printed(prajak("client", "show", added["client_id"], "--json"))
    assert shown["prajak_profile"] == "oidc-basic"
    assert prajak("client", "remove", added["client_id"]).exit_code == 0
    assert added["client_id"] not in {each["client_id"] for each in printed(prajak("client", "list", "--json"))}


def test_a_client_that_cannot_be_registered_is_told_the_field(prajak: Prajak, tmp_path: Path):
    file = tmp_path / "client.json"
    file.write_text(json.dumps({"client_name": "Example", "redirect_uris": ["https://agency.example/#fragment"]}))
    result = prajak("client", "add", str(file))
    assert result.exit_code == 1
    assert "redirect_uris" in result.output


def test_a_client_is_graded_against_the_strict_profile(prajak: Prajak):
    basic = prajak("client", "lint", "demo-basic", "--json")
    found = json.loads(basic.stdout)
    assert (basic.exit_code, found["conforms"], found["grade"]) == (1, False, "D")
    assert {"token_endpoint_auth_method", "prajak_profile"} <= {each["field"] for each in found["findings"]}
    assert "Push authorization requests" in prajak("client", "lint", "demo-basic").output
    assert prajak("client", "lint", "nobody").exit_code == 1


def test_a_token_to_register_by_is_told_once(prajak: Prajak):
    made = printed(prajak("client", "token", "--uses", "3", "--days", "2", "--note", "Agency A", "--json"))
    assert len(made["initial_access_token"]) == 43
    assert made["uses"] == 3
    assert prajak("client", "token", "--agency", "nobody").exit_code == 1
    assert prajak("client", "token", "--uses", "0").exit_code == 2


def test_an_api_is_registered_listed_and_removed(prajak: Prajak):
    api = "https://api.example/command"
    added = prajak("resource", "add", api, "--server", "demo-a", "--client", "demo-b")
    assert added.exit_code == 0, added.output
    found = next(each for each in printed(prajak("resource", "list", "--json")) if each["resource"] == api)
    assert found == {"resource": api, "server": "demo-a", "clients": "demo-b"}
    assert prajak("resource", "remove", api).exit_code == 0
    assert "no resource" in prajak("resource", "remove", api).output


@pytest.mark.parametrize(
    ("uri", "server", "why"), [("api", "demo-a", "absolute URI"), ("https://api.example/x", "nobody", "no client")]
)
def test_an_api_that_cannot_be_registered_is_told_why(prajak: Prajak, uri: str, server: str, why: str):
    refused = prajak("resource", "add", uri, "--server", server)
    assert refused.exit_code != 0
    assert why in refused.output


def test_an_invitation_is_a_link_that_is_used_once(prajak: Prajak):
    link = prajak("admin", "invite", "someone@agency.example").stdout.strip()
    assert link.startswith("http://localhost:8080/invitation/")


def test_a_sealed_document_verifies_with_exit_0(prajak: Prajak, sealed: Path):
    result = prajak("verify", str(sealed), "--json")
    (signature,) = json.loads(result.stdout)["signatures"]
    assert result.exit_code == 0
    assert signature["indication"] == "TOTAL-PASSED"
    assert signature["level"] == "PAdES-BASELINE-LTA"


def test_a_tampered_document_verifies_with_exit_1(prajak: Prajak, sealed: Path, tmp_path: Path):
    content, tampered = sealed.read_bytes(), tmp_path / "tampered.pdf"
    place = content.index(b"Page 1 of the letter") if b"Page 1 of the letter" in content else 200
    tampered.write_bytes(content[:place] + b"X" + content[place + 1 :])
    assert prajak("verify", str(tampered)).exit_code == 1


def test_what_is_no_pdf_verifies_with_exit_2_and_no_signature_with_3(prajak: Prajak, folder: Path, sealed: Path):
    nothing = folder / "nothing.pdf"
    nothing.write_bytes(b"no PDF at all")
    assert prajak("verify", str(nothing)).exit_code == 2
    assert prajak("verify", str(folder / "letter.pdf")).exit_code == 3


def test_a_level_is_raised(prajak: Prajak, seal: str, sealed: Path, folder: Path):
    low, high = folder / "low.pdf", folder / "high.pdf"
    assert prajak("sign", str(folder / "letter.pdf"), str(low), "--credential", seal, "--level", "b-t").exit_code == 0
    assert prajak("augment", str(low), str(high), "--level", "b-lta").exit_code == 0
    (signature,) = json.loads(prajak("verify", str(high), "--json").stdout)["signatures"]
    assert signature["level"] == "PAdES-BASELINE-LTA"


def test_an_officers_credential_does_not_sign_from_the_command_line(prajak: Prajak, folder: Path, sealed: Path):
    """Sole control: no passkey, no signature."""
    found = printed(prajak("officer", "list", "--json"))
    officer = next(each["credential"] for each in found if each["kind"] == "officer")
    result = prajak("sign", str(folder / "letter.pdf"), str(folder / "out.pdf"), "--credential", officer)
    assert result.exit_code == 1
    assert not (folder / "out.pdf").exists()


@pytest.mark.parametrize(
    "command",
    [
        "",
        "serve",
        "db",
        "demo",
        "admin",
        "client",
        "key",
        "ca",
        "officer",
        "resource",
        "sign",
        "augment",
        "verify",
        "audit",
        "doctor",
        "key rewrap",
        "person",
        "person erase",
        "person erase-again",
    ],
)
def test_every_command_helps(prajak: Prajak, command: str):
    result = prajak(*command.split(), "--help")
    assert result.exit_code == 0
    assert "Usage" in result.output


def test_the_audit_trail_is_exported_and_proven_offline_against_what_a_witness_kept(prajak: Prajak, tmp_path: Path):
    kept, trail, jwks = tmp_path / "kept.jsonl", tmp_path / "trail.jsonl", tmp_path / "jwks.json"
    kept.write_text(prajak("audit", "checkpoint").stdout)
    made = printed(prajak("audit", "export", str(trail), "--json"))
    proven = printed(prajak("audit", "verify", "--checkpoint", str(kept), "--json"))
    assert (proven["unbroken"], proven["head"], proven["covered"]) == (True, made["head"], made["sequence"])
    assert printed(prajak("audit", "verify", "--since", str(made["sequence"]), "--json"))["entries"] == 0

    jwks.write_text(prajak("audit", "keys").stdout)
    nowhere = {"PRAJAK_DATA_DIR": str(tmp_path / "nothing"), "PRAJAK_DATABASE_URL": "sqlite:////nothing/at/all"}
    offline = ("audit", "verify", "--export", str(trail), "--jwks", str(jwks), "--checkpoint", str(kept), "--json")
    assert printed(prajak(*offline, **nowhere))["entries"] == made["entries"]

    changed = bytearray(trail.read_bytes())
    changed[changed.index(b'"sequence":2,') + 40] ^= 1
    trail.write_bytes(changed)
    found = prajak(*offline, **nowhere)
    assert found.exit_code == 1
    assert json.loads(found.stdout)["sequence"] == 2


def test_a_forged_checkpoint_is_told_as_one(prajak: Prajak, tmp_path: Path):
    line = prajak("audit", "checkpoint").stdout
    (tmp_path / "kept").write_text(line.replace('"checkpoint":"ey', '"checkpoint":"eY'))
    found = prajak("audit", "verify", "--checkpoint", str(tmp_path / "kept"), "--json")
    assert found.exit_code == 1
    assert "line 1" in json.loads(found.stdout)["why"]


def test_what_a_truncated_trail_lacks_is_named(prajak: Prajak, tmp_path: Path, folder: Path):
    """On a copy: everything after the third entry is gone, and the stored checkpoints with it."""
    (tmp_path / "kept").write_text(prajak("audit", "checkpoint").stdout)
    with closing(sqlite3.connect(folder / "prajak.db")) as source, closing(sqlite3.connect(tmp_path / "c.db")) as copy:
        source.backup(copy)
        for name in ("audit_entry_delete", "audit_checkpoint_delete"):
            copy.execute(f"DROP TRIGGER {name}")
        copy.execute("DELETE FROM audit_entry WHERE sequence > 3")
        copy.execute("DELETE FROM audit_checkpoint")
        copy.commit()
    told = {"PRAJAK_DATABASE_URL": f"sqlite:///{tmp_path}/c.db"}
    alone = printed(prajak("audit", "verify", "--json", **told))
    assert (alone["unbroken"], alone["not_append_only"]) == (True, "audit_checkpoint_delete, audit_entry_delete")
    found = prajak("audit", "verify", "--checkpoint", str(tmp_path / "kept"), "--json", **told)
    assert found.exit_code == 1
    assert json.loads(found.stdout)["sequence"] == 4
    states = {each["part"]: each["state"] for each in json.loads(prajak("doctor", "--json", **told).stdout)}
    assert states["audit"] == "broken", "triggers are gone"
