"""The keys this process has in its hands: each loaded from custody once, then kept."""

from __future__ import annotations

from threading import RLock

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from core.clock import Clock
from core.identifiers import new_id
from keys.algorithms import PublicKey, algorithm_named
from keys.decryption import Decrypter, key_management_named
from keys.key_rows import KeyRecord
from keys.key_states import State
from keys.purposes import RULES, Purpose
from keys.secret import Secret, SecretName
from keys.signer import Custody, Signer


class KeyRing:
    """Threads that ask for the same key at once load it once."""

    def __init__(self, custody: Custody, clock: Clock) -> None:
        self.custody = custody
        self.clock = clock
        self._signers: dict[str, Signer] = {}
        self._decrypters: dict[str, Decrypter] = {}
        self._secrets: dict[str, Secret] = {}
        self._loading = RLock()

    def held(self, kid: str) -> Signer | None:
        return self._signers.get(kid)

    def signer(self, record: KeyRecord) -> Signer:
        with self._loading:
            if record.kid not in self._signers:
                algorithm = algorithm_named(record.algorithm)
                self._signers[record.kid] = self.custody.load_signer(record.kid, algorithm)
            return self._signers[record.kid]

    def decrypter(self, record: KeyRecord) -> Decrypter:
        with self._loading:
            if record.kid not in self._decrypters:
                management = key_management_named(record.algorithm)
                self._decrypters[record.kid] = self.custody.load_decrypter(record.kid, management)
            return self._decrypters[record.kid]

    def held_secret(self, kid: str) -> Secret | None:
        return self._secrets.get(kid)

    def secret(self, record: KeyRecord) -> Secret:
        with self._loading:
            if record.kid not in self._secrets:
                self._secrets[record.kid] = self.custody.load_secret(record.kid, SecretName(record.algorithm))
            return self._secrets[record.kid]

    def make(self, purpose: Purpose, algorithm: str | None, *, slot: str | None = None, label: str = "") -> KeyRecord:
        """A new key, durable in custody, and the row that will name it: no row ever names a key that is not there."""
        name = algorithm or RULES[purpose].algorithm
        kid, public_key = self._make(purpose, name)
        return KeyRecord(
            kid=kid,
            purpose=purpose,
            algorithm=name,
            state=State.ACTIVE,
            slot=slot,
            label=label,
            public_key=public_key,
            created_at=self.clock.now(),
            activates_at=None,
            deactivated_at=None,
            published_until=None,
        )

    def forget(self, kid: str) -> None:
        """Lets go of a key, which custody may still have."""
        self._signers.pop(kid, None)
        self._decrypters.pop(kid, None)
        self._secrets.pop(kid, None)

    def discard(self, kid: str) -> None:
        """Removes a key that no row names, because another worker's was first, or that was destroyed."""
        self.forget(kid)
        self.custody.discard(kid)

    def _make(self, purpose: Purpose, algorithm: str) -> tuple[str, bytes | None]:
        if isinstance(RULES[purpose].algorithm, SecretName):
            return self._make_secret(SecretName(algorithm))
        if RULES[purpose].decrypts:
            decrypter = self.custody.create_decrypter(key_management_named(algorithm))
            self._decrypters[decrypter.kid] = decrypter
            return decrypter.kid, spki(decrypter.public_key)
        signer = self.custody.create_signer(algorithm_named(algorithm))
        self._signers[signer.kid] = signer
        return signer.kid, spki(signer.public_key)

    def _make_secret(self, algorithm: SecretName) -> tuple[str, None]:
        kid = new_id()
        self._secrets[kid] = self.custody.create_secret(kid, algorithm)
        return kid, None


def spki(key: PublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
