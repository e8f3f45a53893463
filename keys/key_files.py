"""A directory of encrypted key files: written whole or not at all, opened by one passphrase, marked by what it is for.

`custody.json` is made with the directory. It says sandbox or production under a tag that only the passphrase makes, so
another passphrase, another mode and an edited mark are all found at the start, before any key is used or made.
Files are 0600, synced, then renamed into place: a power cut leaves the old state or the new one.
"""

from __future__ import annotations

import json
import os
import secrets
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from core.settings import SettingsError
from keys.errors import KeystoreError

MARK = "custody.json"
PASSPHRASE = "passphrase"  # noqa: S105 - the name of the sandbox's own file
SHORTEST_PASSPHRASE = 32  # it comes from a file, so it can be as random as the keys it guards
SCRYPT = {"n": 2**14, "r": 8, "p": 1}  # RFC 7914 section 2: 16 MB and some 40 ms, once per process
NONCE_BYTES = 12
SECRET_BYTES = 32


@dataclass(frozen=True, repr=False)
class KeyDirectory:
    """`storage_key` (from the passphrase) seals the symmetric secrets; PKCS#8 has its own derivation."""

    path: Path
    passphrase: bytes
    storage_key: bytes

    def write(self, name: str, content: bytes) -> None:
        write_whole(self.path / name, content)

    def read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError as error:
            raise KeystoreError(
                f"the key file {name} is missing from {self.path}; restore it from the backup"
            ) from error

    def check(self) -> None:
        """KeystoreError when the directory went away: keys in memory still sign, and none can be loaded or made."""
        if not (self.path / MARK).is_file():
            raise KeystoreError(f"{self.path / MARK} is not to be read; bring the directory of keys back")

    def remove(self, name: str) -> None:
        (self.path / name).unlink(missing_ok=True)

    def write_secret(self, name: str) -> bytes:
        """Makes a random secret and keeps it sealed to its name."""
        secret, nonce = secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(NONCE_BYTES)
        self.write(name, nonce + AESGCM(self.storage_key).encrypt(nonce, secret, name.encode()))
        return secret

    def read_secret(self, name: str) -> bytes:
        sealed = self.read(name)
        try:
            return AESGCM(self.storage_key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError) as error:
            raise KeystoreError(f"the key file {name} is damaged, or was put in another's place") from error


class Passphrase(Protocol):
    """Where the passphrase comes from: `load_passphrase`, or a key that unwraps it (key_wrapping.py)."""

    def __call__(self, path: Path, passphrase_file: Path | None, *, sandbox: bool) -> bytes: ...


def load_passphrase(path: Path, passphrase_file: Path | None, *, sandbox: bool) -> bytes:
    """From `PRAJAK_KEYS_PASSPHRASE_FILE`; the sandbox makes its own beside the keys."""
    if passphrase_file is None and not sandbox:
        raise SettingsError("PRAJAK_KEYS_PASSPHRASE_FILE is required; make one: openssl rand -base64 48 > FILE")
    if passphrase_file is None:
        passphrase_file = path / PASSPHRASE
        if not passphrase_file.exists():
            write_first(passphrase_file, secrets.token_urlsafe(48).encode() + b"\n")
    return read_passphrase(passphrase_file)


def open_key_directory(
    path: Path, passphrase_file: Path | None, *, sandbox: bool, source: Passphrase = load_passphrase
) -> KeyDirectory:
    """Opens the directory, or makes it; raises SettingsError for another passphrase or mode than it was made with."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    passphrase = source(path, passphrase_file, sandbox=sandbox)
    mode = "sandbox" if sandbox else "production"
    if not (path / MARK).exists():
        write_first(path / MARK, new_mark(passphrase, mode))
    return KeyDirectory(path, passphrase, check_mark(path, passphrase, mode))


def read_passphrase(passphrase_file: Path) -> bytes:
    try:
        passphrase = passphrase_file.read_bytes().strip()
    except OSError as error:
        raise SettingsError(f"PRAJAK_KEYS_PASSPHRASE_FILE: {passphrase_file} cannot be read") from error
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise SettingsError(f"PRAJAK_KEYS_PASSPHRASE_FILE must hold at least {SHORTEST_PASSPHRASE} characters")
    return passphrase


def new_mark(passphrase: bytes, mode: str) -> bytes:
    salt, nonce = secrets.token_bytes(16), secrets.token_bytes(NONCE_BYTES)
    check = nonce + AESGCM(storage_key(passphrase, salt)).encrypt(nonce, b"", mode.encode())
    mark = {"mode": mode, "kdf": {"name": "scrypt", **SCRYPT}, "salt": base64(salt), "check": base64(check)}
    return json.dumps(mark, indent=1).encode() + b"\n"


def check_mark(path: Path, passphrase: bytes, mode: str) -> bytes:
    """Returns the storage key when the passphrase and the mode are those the directory was made with."""
    try:
        mark = json.loads((path / MARK).read_bytes())
        made_for, salt, check = str(mark["mode"]), b64decode(mark["salt"]), b64decode(mark["check"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path / MARK} is damaged; restore it from the backup") from error
    key = storage_key(passphrase, salt)
    try:
        AESGCM(key).decrypt(check[:NONCE_BYTES], check[NONCE_BYTES:], made_for.encode())
    except (InvalidTag, ValueError) as error:
        raise SettingsError(f"PRAJAK_KEYS_PASSPHRASE_FILE: the keys in {path} are under another passphrase") from error
    if made_for != mode:
        raise SettingsError(f"PRAJAK_SANDBOX: the keys in {path} were made for {made_for}, not for {mode}")
    return key


def storage_key(passphrase: bytes, salt: bytes) -> bytes:
    return Scrypt(salt=salt, length=32, **SCRYPT).derive(passphrase)


def write_whole(path: Path, content: bytes) -> None:
    """Replaces the file in one step, durable when this returns."""
    path_of_draft = draft(path, content)
    path_of_draft.replace(path)
    sync_directory(path.parent)


def write_first(path: Path, content: bytes) -> None:
    """Makes the file unless it exists: of two workers that start at once, the first decides for both."""
    path_of_draft = draft(path, content)
    try:
        path.hardlink_to(path_of_draft)
    except FileExistsError:
        pass
    finally:
        path_of_draft.unlink()
    sync_directory(path.parent)


def draft(path: Path, content: bytes) -> Path:
    path_of_draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(path_of_draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return path_of_draft


def sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def base64(data: bytes) -> str:
    return b64encode(data).decode()
