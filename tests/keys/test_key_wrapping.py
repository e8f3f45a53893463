"""The key-encrypting key of a directory of keys: a file, or a key that never leaves its token."""

import json
import secrets
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from core.settings import SettingsError
from keys.algorithms import ALGORITHMS, AlgorithmName
from keys.signer import open_custody
from tests.backends import settings_for

ES256 = ALGORITHMS[AlgorithmName.ES256]


@pytest.fixture
def settings(tmp_path):
    """Without a database: keys alone."""
    return replace(settings_for("sqlite://"), keys_url=f"file:{tmp_path}/keys", data_dir=tmp_path)


def key_file(folder, name="kek"):
    path = folder / name
    path.write_bytes(secrets.token_bytes(32))
    return path


@pytest.fixture
def passphrase_file(tmp_path):
    path = tmp_path / "passphrase-file"
    path.write_text(secrets.token_urlsafe(48))
    return path


@pytest.fixture(params=["file", "token"])
def wrapped(settings, tmp_path, request):
    """Settings with a key-encrypting key of either kind; the keys themselves are in files."""
    if request.param == "file":
        return replace(settings, keys_kek_file=key_file(tmp_path))
    return replace(settings, keys_kek_url=request.getfixturevalue("token_url"))


def passphrase_of(custody):
    return custody.directory.passphrase


def test_the_passphrase_stands_beside_the_keys_sealed_and_opens_them_again(wrapped, tmp_path):
    custody = open_custody(wrapped)
    kid = custody.create_signer(ES256).kid
    assert open_custody(wrapped).load_signer(kid, ES256).sign(b"data")
    beside = b"".join(file.read_bytes() for file in (tmp_path / "keys").iterdir())
    assert passphrase_of(custody) not in beside
    assert not (tmp_path / "keys" / "passphrase").exists()


def test_without_its_key_the_directory_does_not_open(wrapped, settings, tmp_path, passphrase_file):
    open_custody(wrapped)
    other = {"keys_kek_file": key_file(tmp_path, "other"), "keys_kek_url": ""}
    with pytest.raises(SettingsError, match="another key file|PRAJAK_KEYS_KEK_FILE: "):
        open_custody(replace(wrapped, **other))
    with pytest.raises(SettingsError, match="under another passphrase"):
        open_custody(replace(settings, keys_passphrase_file=passphrase_file))


def test_a_directory_comes_under_a_key_when_both_are_named_once(wrapped, settings, passphrase_file):
    before = open_custody(replace(settings, keys_passphrase_file=passphrase_file))
    kid = before.create_signer(ES256).kid
    with pytest.raises(SettingsError, match="is under a passphrase; name PRAJAK_KEYS_PASSPHRASE_FILE too, once"):
        open_custody(wrapped)
    open_custody(replace(wrapped, keys_passphrase_file=passphrase_file))
    assert open_custody(wrapped).load_signer(kid, ES256).sign(b"data")


def test_another_key_takes_over_who_has_the_passphrase(wrapped, settings, tmp_path, passphrase_file):
    kid = open_custody(replace(wrapped, keys_passphrase_file=passphrase_file)).create_signer(ES256).kid
    (tmp_path / "keys" / "passphrase.wrapped").unlink()
    after = replace(settings, keys_kek_file=key_file(tmp_path, "new"))
    open_custody(replace(after, keys_passphrase_file=passphrase_file))
    assert open_custody(after).load_signer(kid, ES256).sign(b"data")


def test_a_passphrase_that_is_not_the_wrapped_one_is_refused(wrapped, passphrase_file):
    open_custody(wrapped)
    with pytest.raises(SettingsError, match="PRAJAK_KEYS_PASSPHRASE_FILE is not what PRAJAK_KEYS_KEK_.* opens"):
        open_custody(replace(wrapped, keys_passphrase_file=passphrase_file))


def test_production_needs_no_passphrase_beside_the_key(settings, tmp_path):
    production = replace(settings, sandbox=False, keys_kek_file=key_file(tmp_path))
    kid = open_custody(production).create_signer(ES256).kid
    assert open_custody(production).load_signer(kid, ES256).sign(b"data")
    with pytest.raises(SettingsError, match="were made for production"):
        open_custody(replace(production, sandbox=True))


def test_of_many_that_open_a_new_directory_at_once_all_agree(wrapped):
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: passphrase_of(open_custody(wrapped)), range(4)))
    assert len(set(opened)) == 1


@pytest.mark.parametrize("change", ["wrapped", "nonce", "kek"])
def test_what_was_changed_in_the_wrapping_is_found(wrapped, tmp_path, change):
    open_custody(wrapped)
    path = tmp_path / "keys" / "passphrase.wrapped"
    written = json.loads(path.read_text())
    written[change] = written[change][:-8] + "AAAAAAA="
    path.write_text(json.dumps(written))
    with pytest.raises(SettingsError, match="damaged; restore it|another key file|is missing from the token"):
        open_custody(wrapped)
    for damaged in ("", "[]", "{}", '{"kek": 1, "nonce": 2}'):
        path.write_text(damaged)
        with pytest.raises(SettingsError, match="passphrase.wrapped is damaged"):
            open_custody(wrapped)


def test_a_key_file_has_32_bytes_and_one_key_is_named(settings, tmp_path, token_url):
    path = tmp_path / "short"
    with pytest.raises(SettingsError, match="cannot be read"):
        open_custody(replace(settings, keys_kek_file=path))
    path.write_bytes(b"short")
    with pytest.raises(SettingsError, match="must hold 32 random bytes: openssl rand"):
        open_custody(replace(settings, keys_kek_file=path))
    with pytest.raises(SettingsError, match="name one of them"):
        open_custody(replace(settings, keys_kek_file=path, keys_kek_url=token_url))


def test_a_token_that_is_away_at_the_start_is_named(settings, token_url, soft_tokens):
    wrapped = replace(settings, keys_kek_url=token_url)
    open_custody(wrapped)
    with soft_tokens.away(), pytest.raises(SettingsError, match="PRAJAK_KEYS_KEK_URL: pkcs11:token=prajak is away"):
        open_custody(wrapped)
