"""What a signer is, and which custody a URI means: one table from scheme to implementation.

`file:DIRECTORY` keeps keys in encrypted files, `pkcs11:` (RFC 7512) in a token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from core.settings import Settings, SettingsError
from keys.algorithms import Algorithm, PublicKey
from keys.decryption import Decrypter, KeyManagement
from keys.secret import Secret, SecretName
from keys.software_signer import SoftwareCustody


class Signer(Protocol):
    """A private key in use, wherever it lives. `kid` is its RFC 7638 thumbprint, `algorithm` its JWA name."""

    @property
    def kid(self) -> str: ...

    @property
    def algorithm(self) -> str: ...

    @property
    def public_key(self) -> PublicKey: ...

    def sign(self, data: bytes) -> bytes:
        """The signature as JWS has it (RFC 7518): raw r||s for ECDSA."""

    def sign_x509(self, data: bytes) -> bytes:
        """The signature as X.509, CMS and WebAuthn have it: DER for ECDSA."""


class Custody(Protocol):
    """Where keys live. What it makes is durable when the call returns: only then may a row name it."""

    def create_signer(self, algorithm: Algorithm) -> Signer: ...

    def load_signer(self, kid: str, algorithm: Algorithm) -> Signer: ...

    def create_decrypter(self, management: KeyManagement) -> Decrypter: ...

    def load_decrypter(self, kid: str, management: KeyManagement) -> Decrypter: ...

    def create_secret(self, kid: str, algorithm: SecretName) -> Secret:
        """A new random 256-bit secret under this name."""

    def load_secret(self, kid: str, algorithm: SecretName) -> Secret: ...

    def discard(self, kid: str) -> None:
        """Removes a key that no row has ever named: another worker was first."""

    def check(self) -> None:
        """Raises KeystoreError when keys cannot be used now, TokenAway when they will be again."""

    def offers(self, algorithm: str) -> bool:
        """Whether it can make and use keys of this algorithm: tokens differ."""

    def token_sessions(self) -> int:
        """How many are open now with a token; 0 where there is none."""


def open_token(settings: Settings) -> Custody:
    from keys.pkcs11_custody import TokenCustody  # noqa: PLC0415 - who has no token need not load its library

    return TokenCustody.open(settings)


CUSTODIES: Mapping[str, Callable[[Settings], Custody]] = {
    "file": SoftwareCustody.open,
    "pkcs11": open_token,
}


def open_custody(settings: Settings) -> Custody:
    """The custody that `PRAJAK_KEYS_URL` names; raises SettingsError where there is none."""
    scheme = settings.keys_url.partition(":")[0]
    if scheme not in CUSTODIES:
        raise SettingsError("PRAJAK_KEYS_URL must be file:DIRECTORY or a pkcs11: URI")
    return CUSTODIES[scheme](settings)
