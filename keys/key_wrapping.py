"""The key-encrypting key of a directory of keys: what opens the passphrase that opens all the others.

The passphrase then stands beside the keys, sealed with AES-256-GCM, in `passphrase.wrapped`. What opens it is a file of
32 random bytes (`PRAJAK_KEYS_KEK_FILE`) or a key that never leaves its PKCS #11 token (`PRAJAK_KEYS_KEK_URL`), asked
once, at the start. Where a passphrase file is named too, that passphrase is sealed: so a directory comes under a
key-encrypting key, or, after `passphrase.wrapped` was removed, under another one.
"""

from __future__ import annotations

import json
import secrets
from base64 import b64decode
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from core.identifiers import new_id
from core.settings import Settings, SettingsError
from keys.errors import DecryptionError, KeystoreError
from keys.key_files import NONCE_BYTES, Passphrase, base64, load_passphrase, read_passphrase, write_first
from keys.secret import SECRET_BYTES, Secret, SecretName, SoftwareSecret

if TYPE_CHECKING:
    from keys.pkcs11_custody import TokenCustody

WRAPPED = "passphrase.wrapped"
CONTEXT = b"prajak passphrase\0"


class KeyEncryptingKey(Protocol):
    """`setting` is where it is named."""

    @property
    def setting(self) -> str: ...

    def make(self) -> Secret:
        """The key that wraps from now on."""

    def load(self, kid: str) -> Secret:
        """The key of this name; raises KeystoreError for one that is not there."""

    def discard(self, kid: str) -> None:
        """Another worker was first."""


@dataclass(frozen=True, repr=False)
class FileKey:
    """32 random bytes. Their name is a digest of them, so that another file is told from a damaged directory."""

    key: bytes
    setting: str = "PRAJAK_KEYS_KEK_FILE"

    def make(self) -> Secret:
        return SoftwareSecret(sha256(CONTEXT + self.key).hexdigest()[:32], SecretName.A256GCM, self.key)

    def load(self, kid: str) -> Secret:
        mine = self.make()
        if not compare_digest(mine.kid, kid):
            raise KeystoreError("this is another key file than the one that it was wrapped with")
        return mine

    def discard(self, kid: str) -> None:
        """Nothing was made."""


@dataclass(frozen=True)
class TokenKey:
    """A key on a token, which is not the keys' own custody."""

    custody: TokenCustody
    setting: str = "PRAJAK_KEYS_KEK_URL"

    def make(self) -> Secret:
        return self.custody.create_secret(new_id(), SecretName.A256GCM)

    def load(self, kid: str) -> Secret:
        return self.custody.load_secret(kid, SecretName.A256GCM)

    def discard(self, kid: str) -> None:
        self.custody.discard(kid)


def passphrase_source(settings: Settings) -> Passphrase:
    """Where the passphrase of the directory of keys comes from; raises SettingsError for settings that disagree."""
    kek = open_kek(settings)
    return load_passphrase if kek is None else partial(unwrapped_passphrase, kek)


def open_kek(settings: Settings) -> KeyEncryptingKey | None:
    if settings.keys_kek_file and settings.keys_kek_url:
        raise SettingsError("PRAJAK_KEYS_KEK_FILE and PRAJAK_KEYS_KEK_URL: name one of them")
    if settings.keys_kek_file:
        return FileKey(read_key_file(settings.keys_kek_file))
    if settings.keys_kek_url:
        from keys.pkcs11_custody import TokenCustody  # noqa: PLC0415 - who has no token need not load its library

        return TokenKey(TokenCustody.at(settings.keys_kek_url, "PRAJAK_KEYS_KEK_URL", settings))
    return None


def read_key_file(path: Path) -> bytes:
    try:
        key = path.read_bytes()
    except OSError as error:
        raise SettingsError(f"PRAJAK_KEYS_KEK_FILE: {path} cannot be read") from error
    if len(key) != SECRET_BYTES:
        raise SettingsError(f"PRAJAK_KEYS_KEK_FILE must hold {SECRET_BYTES} random bytes: openssl rand -out FILE 32")
    return key


def unwrapped_passphrase(kek: KeyEncryptingKey, path: Path, passphrase_file: Path | None, *, sandbox: bool) -> bytes:
    """What `passphrase.wrapped` holds; where there is none, what the file says, or a new one, is wrapped first."""
    del sandbox  # in both modes alike: nothing is left beside the keys that opens them
    given = read_passphrase(passphrase_file) if passphrase_file else b""
    if not (path / WRAPPED).exists():
        if not given and any(path.glob("custody.json")):
            raise SettingsError(
                f"{kek.setting}: {path} is under a passphrase; name PRAJAK_KEYS_PASSPHRASE_FILE too, once"
            )
        wrap(kek, path, given or secrets.token_urlsafe(48).encode())
    passphrase = unwrap(kek, path)
    if given and not compare_digest(given, passphrase):
        raise SettingsError(f"PRAJAK_KEYS_PASSPHRASE_FILE is not what {kek.setting} opens; remove the setting")
    return passphrase


def wrap(kek: KeyEncryptingKey, path: Path, passphrase: bytes) -> None:
    """Of two workers that start at once, the first decides for both."""
    key, nonce = kek.make(), secrets.token_bytes(NONCE_BYTES)
    sealed = key.encrypt(nonce, passphrase, CONTEXT + key.kid.encode())
    written = {"kek": key.kid, "nonce": base64(nonce), "wrapped": base64(sealed)}
    write_first(path / WRAPPED, json.dumps(written, indent=1).encode() + b"\n")
    if read_wrapped(path)[0] != key.kid:
        kek.discard(key.kid)


def unwrap(kek: KeyEncryptingKey, path: Path) -> bytes:
    kid, nonce, sealed = read_wrapped(path)
    try:
        return kek.load(kid).decrypt(nonce, sealed, CONTEXT + kid.encode())
    except DecryptionError as error:
        raise SettingsError(f"{path / WRAPPED} is damaged; restore it from the backup") from error
    except KeystoreError as error:
        raise SettingsError(f"{kek.setting}: {error}") from error


def read_wrapped(path: Path) -> tuple[str, bytes, bytes]:
    try:
        written = json.loads((path / WRAPPED).read_bytes())
        return str(written["kek"]), b64decode(written["nonce"]), b64decode(written["wrapped"])
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path / WRAPPED} is damaged; restore it from the backup") from error
