"""Keys in encrypted files: PKCS#8 (RFC 5958) under the passphrase, one file a key, readable by `openssl pkey`.

A private key is decrypted once per process, when it is first asked for; the keystore keeps the signer.
"""

from __future__ import annotations

from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from core.settings import Settings
from keys.algorithms import Algorithm, AlgorithmName, PrivateKey, PublicKey
from keys.decryption import KeyManagement, KeyManagementName, SoftwareDecrypter
from keys.errors import KeystoreError
from keys.jwks import thumbprint
from keys.key_files import KeyDirectory, open_key_directory
from keys.key_wrapping import passphrase_source
from keys.secret import SecretName, SoftwareSecret

KINDS = (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, ed25519.Ed25519PrivateKey, mldsa.MLDSA65PrivateKey)


class SoftwareSigner:
    """A private key in this process's memory."""

    def __init__(self, private_key: PrivateKey, algorithm: Algorithm) -> None:
        self.public_key: PublicKey = private_key.public_key()
        if not algorithm.fits(self.public_key):
            raise KeystoreError(f"this key is not one for {algorithm.name}, or too weak for a new key")
        self.kid = thumbprint(self.public_key)
        self.algorithm = str(algorithm.name)
        self._private_key = private_key
        self._sign = algorithm.sign
        self._sign_x509 = algorithm.sign_x509

    def sign(self, data: bytes) -> bytes:
        return self._sign(self._private_key, data)

    def sign_x509(self, data: bytes) -> bytes:
        return self._sign_x509(self._private_key, data)

    def __repr__(self) -> str:
        return f"<SoftwareSigner {self.algorithm} {self.kid}>"


class SoftwareCustody:
    """`Custody` over a directory of files: KID.pem for private keys, KID.secret for symmetric ones."""

    def __init__(self, directory: KeyDirectory, *, ml_dsa: bool = False) -> None:
        self.directory = directory
        self.ml_dsa = ml_dsa

    @classmethod
    def open(cls, settings: Settings) -> SoftwareCustody:
        path = Path(settings.keys_url.removeprefix("file:"))
        source = passphrase_source(settings)
        passphrase_file, sandbox = settings.keys_passphrase_file, settings.sandbox
        return cls(open_key_directory(path, passphrase_file, sandbox=sandbox, source=source), ml_dsa=settings.ml_dsa)

    def create_signer(self, algorithm: Algorithm) -> SoftwareSigner:
        if not self.offers(algorithm.name):
            raise KeystoreError(f"{algorithm.name} is off: PRAJAK_ML_DSA=1 lets keys of it be made")
        private_key = algorithm.generate()
        signer = SoftwareSigner(private_key, algorithm)
        self._write(signer.kid, private_key)
        return signer

    def load_signer(self, kid: str, algorithm: Algorithm) -> SoftwareSigner:
        signer = SoftwareSigner(self._read(kid), algorithm)
        check_name(kid, signer.kid)
        return signer

    def create_decrypter(self, management: KeyManagement) -> SoftwareDecrypter:
        private_key = management.generate()
        decrypter = SoftwareDecrypter(private_key, management)
        self._write(decrypter.kid, private_key)
        return decrypter

    def load_decrypter(self, kid: str, management: KeyManagement) -> SoftwareDecrypter:
        private_key = self._read(kid)
        if not isinstance(private_key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
            raise KeystoreError(f"the key file {kid}.pem holds a key that cannot decrypt")
        decrypter = SoftwareDecrypter(private_key, management)
        check_name(kid, decrypter.kid)
        return decrypter

    def create_secret(self, kid: str, algorithm: SecretName) -> SoftwareSecret:
        return SoftwareSecret(kid, algorithm, self.directory.write_secret(f"{kid}.secret"))

    def load_secret(self, kid: str, algorithm: SecretName) -> SoftwareSecret:
        return SoftwareSecret(kid, algorithm, self.directory.read_secret(f"{kid}.secret"))

    def discard(self, kid: str) -> None:
        self.directory.remove(f"{kid}.pem")
        self.directory.remove(f"{kid}.secret")

    def check(self) -> None:
        self.directory.check()

    def token_sessions(self) -> int:
        return 0

    def offers(self, algorithm: str) -> bool:
        if algorithm == AlgorithmName.ML_DSA_65:
            return self.ml_dsa
        return algorithm in (*AlgorithmName, *KeyManagementName, *SecretName)

    def _write(self, kid: str, private_key: PrivateKey) -> None:
        encryption = BestAvailableEncryption(self.directory.passphrase)
        self.directory.write(f"{kid}.pem", private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption))

    def _read(self, kid: str) -> PrivateKey:
        name = f"{kid}.pem"
        try:
            private_key = load_pem_private_key(self.directory.read(name), self.directory.passphrase)
        except ValueError as error:
            raise KeystoreError(f"the key file {name} does not open: another passphrase, or damaged") from error
        if not isinstance(private_key, KINDS):
            raise KeystoreError(f"the key file {name} holds a key of an unknown kind")
        return private_key


def check_name(kid: str, found: str) -> None:
    """A file put in another's place must not sign under its name."""
    if found != kid:
        raise KeystoreError(f"the key file {kid}.pem holds another key than its name says")
