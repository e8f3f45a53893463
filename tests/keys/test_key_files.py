"""The directory of keys: opened by one passphrase, for one mode, written whole or not at all."""

import json
import os
import stat
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from core.settings import SettingsError
from keys.errors import KeystoreError
from keys.key_files import open_key_directory
from keys.purposes import Purpose

LONG = b"a passphrase of more than thirty-two characters"


@pytest.fixture
def passphrase(tmp_path):
    path = tmp_path / "passphrase"
    path.write_bytes(LONG + b"\n")
    return path


def test_the_sandbox_makes_a_passphrase_of_its_own_that_only_the_owner_reads(tmp_path):
    directory = open_key_directory(tmp_path / "keys", None, sandbox=True)
    assert len(directory.passphrase) >= 32
    for file in directory.path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(directory.path.stat().st_mode) == 0o700
    assert open_key_directory(tmp_path / "keys", None, sandbox=True).passphrase == directory.passphrase


def test_outside_the_sandbox_a_passphrase_file_is_required(tmp_path):
    with pytest.raises(SettingsError, match="PRAJAK_KEYS_PASSPHRASE_FILE is required; make one: openssl rand"):
        open_key_directory(tmp_path / "keys", None, sandbox=False)


def test_a_missing_or_a_short_passphrase_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        open_key_directory(tmp_path / "keys", tmp_path / "absent", sandbox=False)
    (tmp_path / "short").write_bytes(b"secret\n")
    with pytest.raises(SettingsError, match="at least 32 characters"):
        open_key_directory(tmp_path / "keys", tmp_path / "short", sandbox=False)


def test_keys_under_another_passphrase_are_refused_at_the_start(tmp_path, passphrase):
    open_key_directory(tmp_path / "keys", passphrase, sandbox=False)
    passphrase.write_bytes(LONG[::-1])
    with pytest.raises(SettingsError, match="PRAJAK_KEYS_PASSPHRASE_FILE: the keys in .* are under another passphrase"):
        open_key_directory(tmp_path / "keys", passphrase, sandbox=False)


@pytest.mark.parametrize("made_for", [True, False])
def test_keys_of_the_other_mode_are_refused_both_ways(tmp_path, passphrase, made_for):
    open_key_directory(tmp_path / "keys", passphrase, sandbox=made_for)
    with pytest.raises(SettingsError, match="PRAJAK_SANDBOX: the keys in .* were made for"):
        open_key_directory(tmp_path / "keys", passphrase, sandbox=not made_for)


def test_an_edited_mark_does_not_turn_a_sandbox_into_production(tmp_path, passphrase):
    mark = tmp_path / "keys" / "custody.json"
    open_key_directory(tmp_path / "keys", passphrase, sandbox=True)
    mark.write_text(json.dumps(json.loads(mark.read_text()) | {"mode": "production"}))
    with pytest.raises(SettingsError, match="another passphrase"):
        open_key_directory(tmp_path / "keys", passphrase, sandbox=False)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"mode": 1, "salt": "?", "check": 3}'])
def test_a_damaged_mark_says_so(tmp_path, passphrase, content):
    open_key_directory(tmp_path / "keys", passphrase, sandbox=True)
    (tmp_path / "keys" / "custody.json").write_text(content)
    with pytest.raises(SettingsError):
        open_key_directory(tmp_path / "keys", passphrase, sandbox=True)


def test_of_many_that_open_a_new_directory_at_once_all_agree(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: open_key_directory(tmp_path / "keys", None, sandbox=True), range(8)))
    assert len({(each.passphrase, each.storage_key) for each in opened}) == 1
    assert sorted(file.name for file in (tmp_path / "keys").iterdir()) == ["custody.json", "passphrase"]


def test_a_secret_opens_under_its_own_name_only(tmp_path):
    directory = open_key_directory(tmp_path / "keys", None, sandbox=True)
    secret = directory.write_secret("a.secret")
    assert directory.read_secret("a.secret") == secret
    assert secret not in (directory.path / "a.secret").read_bytes()
    (directory.path / "a.secret").rename(directory.path / "b.secret")
    with pytest.raises(KeystoreError, match="damaged, or was put in another's place"):
        directory.read_secret("b.secret")
    with pytest.raises(KeystoreError, match="is missing from"):
        directory.read_secret("a.secret")


def test_a_write_that_fails_leaves_the_old_file_and_no_half_one(tmp_path, monkeypatch):
    directory = open_key_directory(tmp_path / "keys", None, sandbox=True)
    directory.write("key.pem", b"old")

    def full_disk(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        directory.write("key.pem", b"new")
    assert directory.read("key.pem") == b"old"


def test_openssl_opens_a_private_key_with_the_passphrase_alone(keystore, tmp_path):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    arguments = [
        "openssl",
        "pkey",
        "-in",
        tmp_path / f"keys/{kid}.pem",
        "-passin",
        f"file:{tmp_path}/keys/passphrase",
        "-noout",
        "-check",
    ]
    done = subprocess.run(arguments, check=True, capture_output=True, text=True)
    assert "Key is valid" in done.stdout
