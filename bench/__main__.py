"""`make bench`: CPU-milliseconds of this process for each operation, and the ratio to a floor of the same run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey
from rich.console import Console
from rich.table import Table

from bench.relying_party import RelyingParty
from core.clock import SystemClock
from core.migration import upgrade
from core.settings import Settings, load_settings
from idp.app import METADATA
from idp.composition import Provider, compose, open_ground
from keys.jwt import sign_jwt
from keys.purposes import Purpose

SECONDS = 1.0  # of measuring each
CLAIMS = {"iss": "https://id.example", "sub": "s" * 22, "aud": "client", "iat": 1, "exp": 301, "jti": "j" * 22}


@dataclass(frozen=True)
class Row:
    operation: str
    milliseconds: float
    against: str = ""
    floor: float = 0.0

    @property
    def ratio(self) -> str:
        return f"{self.milliseconds / self.floor:.2f}" if self.floor else ""


def cost(operation: Callable[[], object]) -> float:
    """CPU-milliseconds each, over at least SECONDS and after one warm-up."""
    operation()
    done, begun = 0, process_time()
    while process_time() - begun < SECONDS:
        operation()
        done += 1
    return (process_time() - begun) * 1000 / done


def signing_rows(provider: Provider) -> Iterator[Row]:
    key = ec.generate_private_key(ec.SECP256R1())
    jose = ECKey.generate_key("P-256")
    signer = provider.trust.keystore.active(Purpose.ID_TOKEN)
    bare = cost(lambda: key.sign(b"x" * 200, ec.ECDSA(SHA256())))
    yield Row("ES256, the bare library", bare)
    yield Row("ES256 through our signer", cost(lambda: signer.sign(b"x" * 200)), "the bare library", bare)
    encoded = cost(lambda: jwt.encode({"alg": "ES256"}, CLAIMS, jose, algorithms=["ES256"]))
    yield Row("a JWT by joserfc", encoded, "the bare library", bare)
    yield Row("a JWT by keys.jwt", cost(lambda: sign_jwt(signer, CLAIMS, typ="JWT")), "joserfc", encoded)


def commit(provider: Provider) -> None:
    with provider.ground.database.write() as connection:
        connection.exec_driver_sql("UPDATE installation SET mode = mode")


def storage_rows(provider: Provider) -> Iterator[Row]:
    floor = cost(lambda: commit(provider))
    yield Row("one durable commit", floor)
    yield Row("a session looked up", cost(lambda: provider.sessions.load("t" * 43)), "one commit", floor)
    certificate = provider.trust.ca.issuing
    yield Row("an OCSP answer, kept", cost(lambda: provider.trust.ocsp.response_for(certificate)), "one commit", floor)
    yield Row("sealing one attribute", cost(lambda: provider.trust.envelope.seal(b"x" * 100, aad="bench")))


def protocol_rows(provider: Provider) -> Iterator[Row]:
    """The floor is what nobody can leave out: the signatures, the check of the client's, and one durable commit."""
    key, message = ec.generate_private_key(ec.SECP256R1()), b"x" * 200
    signature, public = key.sign(message, ec.ECDSA(SHA256())), key.public_key()
    signed = cost(lambda: key.sign(message, ec.ECDSA(SHA256())))
    verified = cost(lambda: public.verify(signature, message, ec.ECDSA(SHA256())))
    committed = cost(lambda: commit(provider))
    client = RelyingParty(provider)
    for operation, act, signatures in (
        ("a login over a session (SSO)", client.log_in, 3),  # the client's, access token, ID token
        ("a refresh", client.refresh, 3),
        ("client_credentials", client.ask_for_itself, 2),
    ):
        yield Row(operation, cost(act), "its signatures and one commit", signatures * signed + verified + committed)


@contextmanager
def provider_in(folder: Path) -> Iterator[Provider]:
    settings: Settings = load_settings({"PRAJAK_SANDBOX": "1", "PRAJAK_DATA_DIR": str(folder)}, folder / "none.toml")
    ground = open_ground(settings, SystemClock())
    upgrade(ground.database, METADATA)
    ground.database.close()
    ground.outbound.close()
    provider = compose(settings)
    yield provider
    provider.close()


def main() -> None:
    table = Table("operation", "CPU-ms", "ratio", "to")
    with tempfile.TemporaryDirectory() as folder, provider_in(Path(folder)) as provider:
        for row in (*signing_rows(provider), *storage_rows(provider), *protocol_rows(provider)):
            table.add_row(row.operation, f"{row.milliseconds:.3f}", row.ratio, row.against)
    Console().print(table)


main()
