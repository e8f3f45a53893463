"""Keys that live in a PKCS #11 token, named by an RFC 7512 URI: made there, used there, never taken out.

A key that is made or loaded proves itself once in each process: what it signs must verify under the public key whose
thumbprint is its name, what was encrypted to that must open.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pkcs11 import Mechanism
from pkcs11.exceptions import PKCS11Error

from core.settings import Settings, SettingsError
from keys.algorithms import Algorithm, PublicKey
from keys.decryption import OAEP_256, KeyManagement, KeyManagementName
from keys.errors import DecryptionError, KeystoreError, TokenAway
from keys.jwks import thumbprint
from keys.pkcs11_connection import TokenAddress
from keys.pkcs11_decrypter import TokenDecrypter
from keys.pkcs11_objects import PAIRS, check_stays, give_name, make_pair, read_public_key
from keys.pkcs11_secret import SECRETS, TokenSecret, make_secret
from keys.pkcs11_session import TokenSession
from keys.pkcs11_signer import SIGNINGS, TokenSigner
from keys.pkcs11_token import Token, token_at
from keys.pkcs11_uri import parse_token_uri
from keys.purposes import RULES
from keys.secret import SecretName

T = TypeVar("T")

DECRYPTIONS: Mapping[str, tuple[Mechanism, ...]] = {  # one of them is enough
    KeyManagementName.ECDH_ES: (Mechanism.ECDH1_DERIVE,),
    KeyManagementName.RSA_OAEP_256: (Mechanism.RSA_PKCS_OAEP, Mechanism.RSA_X_509),
}
WANTED = sorted({str(name) for rules in RULES.values() for name in (rules.algorithm, *rules.also)})


class TokenCustody:
    """`Custody` over one token."""

    def __init__(self, address: TokenAddress) -> None:
        self.address = address

    @classmethod
    def open(cls, settings: Settings) -> TokenCustody:
        """The keys' own custody: of every algorithm that a key may be wanted for. Raises SettingsError."""
        if settings.keys_kek_file or settings.keys_kek_url:
            raise SettingsError(
                "PRAJAK_KEYS_KEK_FILE and PRAJAK_KEYS_KEK_URL are for file:DIRECTORY; a token needs none"
            )
        custody = cls.at(settings.keys_url, "PRAJAK_KEYS_URL", settings)
        lacking = {name: custody.lacks(name) for name in WANTED}
        if any(lacking.values()):
            told = "; ".join(f"{mechanisms} for {name}" for name, mechanisms in lacking.items() if mechanisms)
            raise SettingsError(f"PRAJAK_KEYS_URL: {custody.address} cannot hold all keys; it has no {told}")
        return custody

    @classmethod
    def at(cls, url: str, setting: str, settings: Settings) -> TokenCustody:
        """Raises SettingsError for a URI, a module, a PIN or a token that cannot be used, also for one that is away."""
        mode = "sandbox" if settings.sandbox else "production"
        uri = parse_token_uri(url, setting=setting, sandbox=settings.sandbox)
        custody = cls(TokenAddress(uri, setting, mode, sessions=settings.database_pool))
        try:
            custody.token.connect()
        except TokenAway as error:
            raise SettingsError(
                f"{setting}: {error}; is the token there, and its module's own configuration?"
            ) from error
        return custody

    @property
    def token(self) -> Token:
        """This process's: asked for each time, since a fork makes another."""
        return token_at(self.address)

    def check(self) -> None:
        """Raises TokenAway when the token does not answer."""
        self.token.run(TokenSession.check)

    def token_sessions(self) -> int:
        return self.token.open_sessions()

    def offers(self, algorithm: str) -> bool:
        """Whether keys of this algorithm can be had here."""
        return not self.lacks(algorithm)

    def create_signer(self, algorithm: Algorithm) -> TokenSigner:
        kid, public_key = self._make(algorithm.name)
        return self._signer(kid, algorithm, public_key)

    def load_signer(self, kid: str, algorithm: Algorithm) -> TokenSigner:
        return self._signer(kid, algorithm, self._load(kid, algorithm.name))

    def create_decrypter(self, management: KeyManagement) -> TokenDecrypter:
        kid, public_key = self._make(management.name)
        return self._decrypter(kid, management, public_key)

    def load_decrypter(self, kid: str, management: KeyManagement) -> TokenDecrypter:
        return self._decrypter(kid, management, self._load(kid, management.name))

    def create_secret(self, kid: str, algorithm: SecretName) -> TokenSecret:
        self._check_offers(algorithm)

        def work(session: TokenSession) -> None:
            made = make_secret(session, kid, algorithm)
            keep([made], lambda: check_stays(made))

        self.token.once(work)
        return TokenSecret(self.address, kid, algorithm)

    def load_secret(self, kid: str, algorithm: SecretName) -> TokenSecret:
        self.token.run(lambda session: check_stays(session.secret_key(kid)))
        return TokenSecret(self.address, kid, algorithm)

    def discard(self, kid: str) -> None:
        def work(session: TokenSession) -> None:
            for found in session.all_of(kid):
                found.destroy()
            session.forget()

        self.token.run(work)

    def _signer(self, kid: str, algorithm: Algorithm, public_key: PublicKey) -> TokenSigner:
        if not algorithm.fits(public_key):
            raise KeystoreError(f"this key is not one for {algorithm.name}, or too weak for a new key")
        signer = TokenSigner(self.address, kid, algorithm.name, public_key)
        challenge = secrets.token_bytes(32)
        try:
            algorithm.verify_x509(public_key, signer.sign_x509(challenge), challenge)
        except InvalidSignature as error:
            raise KeystoreError(f"the key {kid} on the token does not go with its public key") from error
        return signer

    def _decrypter(self, kid: str, management: KeyManagement, public_key: PublicKey) -> TokenDecrypter:
        if not management.fits(public_key):
            raise KeystoreError(f"this key is not one for {management.name}, or too weak")
        decrypter = TokenDecrypter(self.address, kid, management.name, public_key)
        if not opens(decrypter, public_key):
            raise KeystoreError(f"the key {kid} on the token does not go with its public key")
        return decrypter

    def _make(self, name: str) -> tuple[str, PublicKey]:
        self._check_offers(name)

        def work(session: TokenSession) -> tuple[str, PublicKey]:
            public, private = make_pair(session, PAIRS[name])
            return keep([public, private], lambda: finished(public, private, name))

        return self.token.once(work)

    def _load(self, kid: str, name: str) -> PublicKey:
        def work(session: TokenSession) -> PublicKey:
            check_stays(session.private_key(kid))
            return read_public_key(session.public_key(kid), name)

        public_key = self.token.run(work)
        if thumbprint(public_key) != kid:
            raise KeystoreError(f"the token holds another key under the name {kid}")
        return public_key

    def _check_offers(self, name: str) -> None:
        lacking = self.lacks(name)
        if lacking:
            raise KeystoreError(f"{self.address} has no {lacking}: a key for {name} cannot be had from this token")

    def lacks(self, name: str) -> str:
        """The mechanisms that are missing for keys of this algorithm, or nothing."""
        if name not in (*PAIRS, *SECRETS):
            return "keys of it that are known here (ML-DSA-65 is for keys in files)"
        there = self.token.mechanisms()
        missing = [ways for ways in ways_of(name) if not any(each in there for each in ways)]
        return ", ".join(" or ".join(f"CKM_{each.name}" for each in ways) for ways in missing)


def ways_of(name: str) -> list[tuple[Mechanism, ...]]:
    """What is needed to make and to use such a key; of each, one mechanism."""
    if name in tuple(SecretName):
        return [(SECRETS[SecretName(name)][2],)]
    uses = DECRYPTIONS[name] if name in DECRYPTIONS else (SIGNINGS[name].mechanism,)
    return [(PAIRS[name].makes,), uses]


def finished(public: Any, private: Any, name: str) -> tuple[str, PublicKey]:
    check_stays(private)
    public_key = read_public_key(public, name)
    kid = thumbprint(public_key)
    for each in (public, private):
        give_name(each, kid, name)
    return kid, public_key


def keep(made: Sequence[Any], finish: Callable[[], T]) -> T:
    """What was made and cannot be used does not stay on the token."""
    try:
        return finish()
    except (KeystoreError, PKCS11Error):
        for each in made:
            with suppress(PKCS11Error):
                each.destroy()
        raise


def opens(decrypter: TokenDecrypter, public_key: PublicKey) -> bool:
    """A message of our own; what is no EC key is RSA (`fits` has seen to it)."""
    proof = secrets.token_bytes(32)
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            return decrypter.unwrap(public_key.encrypt(proof, OAEP_256)) == proof
        peer = ec.generate_private_key(ec.SECP256R1())
        return isinstance(public_key, ec.EllipticCurvePublicKey) and decrypter.agree(
            peer.public_key()
        ) == peer.exchange(ec.ECDH(), public_key)
    except DecryptionError:
        return False
