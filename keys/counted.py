"""A custody that counts: what it makes and loads works as before, and tells the counter each time that it did."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.hazmat.primitives.asymmetric import ec

from keys.algorithms import Algorithm, PublicKey
from keys.decryption import Decrypter, KeyManagement
from keys.secret import Secret, SecretName
from keys.signer import Custody, Signer
from keys.use_count import UseCounter

Count = Callable[[str], None]


class CountingCustody:
    """`Custody` around another."""

    def __init__(self, custody: Custody, uses: UseCounter) -> None:
        self.custody = custody
        self.uses = uses

    def create_signer(self, algorithm: Algorithm) -> Signer:
        return CountedSigner(self.custody.create_signer(algorithm), self.uses.count_applied)

    def load_signer(self, kid: str, algorithm: Algorithm) -> Signer:
        return CountedSigner(self.custody.load_signer(kid, algorithm), self.uses.count_applied)

    def create_decrypter(self, management: KeyManagement) -> Decrypter:
        return CountedDecrypter(self.custody.create_decrypter(management), self.uses.count_processed)

    def load_decrypter(self, kid: str, management: KeyManagement) -> Decrypter:
        return CountedDecrypter(self.custody.load_decrypter(kid, management), self.uses.count_processed)

    def create_secret(self, kid: str, algorithm: SecretName) -> Secret:
        return CountedSecret(self.custody.create_secret(kid, algorithm), self.uses)

    def load_secret(self, kid: str, algorithm: SecretName) -> Secret:
        return CountedSecret(self.custody.load_secret(kid, algorithm), self.uses)

    def discard(self, kid: str) -> None:
        self.custody.discard(kid)

    def check(self) -> None:
        self.custody.check()

    def offers(self, algorithm: str) -> bool:
        return self.custody.offers(algorithm)

    def token_sessions(self) -> int:
        return self.custody.token_sessions()


class CountedSigner:
    def __init__(self, signer: Signer, count: Count) -> None:
        self.signer = signer
        self.kid, self.algorithm = signer.kid, signer.algorithm
        self.public_key: PublicKey = signer.public_key
        self._count = count

    def sign(self, data: bytes) -> bytes:
        signature = self.signer.sign(data)
        self._count(self.kid)
        return signature

    def sign_x509(self, data: bytes) -> bytes:
        signature = self.signer.sign_x509(data)
        self._count(self.kid)
        return signature

    def __repr__(self) -> str:
        return repr(self.signer)


class CountedDecrypter:
    def __init__(self, decrypter: Decrypter, count: Count) -> None:
        self.decrypter = decrypter
        self.kid, self.algorithm = decrypter.kid, decrypter.algorithm
        self.public_key: PublicKey = decrypter.public_key
        self._count = count

    def agree(self, peer: ec.EllipticCurvePublicKey) -> bytes:
        secret = self.decrypter.agree(peer)
        self._count(self.kid)
        return secret

    def unwrap(self, encrypted_key: bytes) -> bytes:
        key = self.decrypter.unwrap(encrypted_key)
        self._count(self.kid)
        return key

    def __repr__(self) -> str:
        return repr(self.decrypter)


class CountedSecret:
    def __init__(self, secret: Secret, uses: UseCounter) -> None:
        self.secret = secret
        self.kid, self.algorithm = secret.kid, secret.algorithm
        self.uses = uses

    def encrypt(self, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        sealed = self.secret.encrypt(nonce, plaintext, aad)
        self.uses.count_applied(self.kid)
        return sealed

    def decrypt(self, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
        opened = self.secret.decrypt(nonce, ciphertext, aad)
        self.uses.count_processed(self.kid)
        return opened

    def mac(self, data: bytes) -> bytes:
        made = self.secret.mac(data)
        self.uses.count_applied(self.kid)
        return made

    def __repr__(self) -> str:
        return repr(self.secret)
