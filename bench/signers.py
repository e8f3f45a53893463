"""Each signer against the bare library: what custody, the table of algorithms and counting cost beside the signature.

Through our interface at least 70 % of the bare library's speed is wanted. The library of key files is `cryptography`;
that of a token is its PKCS #11 module through python-pkcs11 (`tokens.py`), with the same key, and a session that nobody
shares.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from bench.row import LEAST, Row, pair
from idp.composition import Provider
from keys.algorithms import ALGORITHMS
from keys.errors import KeystoreError
from keys.pkcs11_signer import TokenSigner
from keys.purposes import Purpose
from keys.signer import Signer

MESSAGE = b"x" * 200  # a short JWT's signing input
PSS = padding.PSS(mgf=padding.MGF1(SHA256()), salt_length=32)
SCHEMES: dict[str, tuple[object, ...]] = {
    "ES256": (ec.ECDSA(SHA256()),),
    "ES384": (ec.ECDSA(SHA384()),),
    "PS256": (PSS, SHA256()),
    "RS256": (padding.PKCS1v15(), SHA256()),
}


def signer_rows(
    where: str, signer_of: Callable[[str], Signer], bare_of: Callable[[Signer], Callable[[], bytes]]
) -> Iterator[Row]:
    """Every algorithm of the table that is to be had there, in the form in which its library gives signatures."""
    for name in ALGORITHMS:
        try:
            signer = signer_of(name)
        except KeystoreError:
            continue
        ours = signer.sign if isinstance(signer, TokenSigner) else signer.sign_x509
        yield from compared(f"{name} {where}", ours, f"{name}, the bare library", bare_of(signer))


def compared(
    operation: str, ours: Callable[[bytes], bytes], against: str, theirs: Callable[[], bytes]
) -> tuple[Row, Row]:
    return pair(operation, lambda: ours(MESSAGE), against, theirs, bound=1 / LEAST)


def file_rows(provider: Provider) -> Iterator[Row]:
    """Officers' keys, counted as every key is; and the way every token goes, where the key in use is asked for."""
    keystore = provider.trust.keystore
    yield from signer_rows(
        "by a key file", lambda name: keystore.create(Purpose.OFFICER, name), lambda signer: bare(signer.algorithm)
    )
    yield from compared(
        "ES256 of a token, asked of the keystore",
        lambda data: keystore.active(Purpose.ID_TOKEN).sign(data),
        "ES256, the bare library",
        bare("ES256"),
    )


def bare(name: str) -> Callable[[], bytes]:
    """`cryptography` alone, with a key of its own."""
    key: Any = next(each for each in ALGORITHMS.values() if each.name == name).generate()
    scheme = SCHEMES.get(name, ())
    return lambda: bytes(key.sign(MESSAGE, *scheme))
