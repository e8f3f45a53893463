"""`make bench`: CPU-milliseconds of this process for each operation, and the ratio to a floor of the same run; then
what the running server answers in a second. Exit 1 when a bound that was set is missed.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from joserfc import jwt
from joserfc.jwk import ECKey
from rich.console import Console
from rich.table import Table

from bench.relying_party import RelyingParty
from bench.row import Row, cost, pair
from bench.running import Question, free_port, serving, table_of
from bench.services import audit_rows, commit, envelope_rows, ocsp_question, service_rows, time_stamp_query
from bench.signers import file_rows
from bench.tokens import token_rows
from core.clock import SystemClock
from core.migration import upgrade
from core.settings import load_settings
from idp.app import METADATA
from idp.composition import Provider, compose, open_ground
from keys.jwt import sign_jwt
from keys.purposes import Purpose

CLAIMS = {"iss": "https://id.example", "sub": "s" * 22, "aud": "client", "iat": 1, "exp": 301, "jti": "j" * 22}
WORKERS = 2
OCSP_TARGET = 200  # answers a second
SIGNED = 400  # bytes: no refusal is as long
PRINTED = 110  # characters a line in a file


def jwt_rows(provider: Provider) -> Iterator[Row]:
    jose, signer = ECKey.generate_key("P-256"), provider.trust.keystore.active(Purpose.ID_TOKEN)
    yield from pair(
        "a JWT by keys.jwt",
        lambda: sign_jwt(signer, CLAIMS, typ="JWT"),
        "a JWT by joserfc",
        lambda: jwt.encode({"alg": "ES256"}, CLAIMS, jose, algorithms=["ES256"]),
    )


def protocol_rows(provider: Provider) -> Iterator[Row]:
    """The floor is what nobody can leave out: the signatures, the check of the client's, and one durable commit."""
    key, message = ec.generate_private_key(ec.SECP256R1()), b"x" * 200
    signature, public = key.sign(message, ec.ECDSA(SHA256())), key.public_key()
    signed = cost(lambda: key.sign(message, ec.ECDSA(SHA256())))
    verified = cost(lambda: public.verify(signature, message, ec.ECDSA(SHA256())))
    committed = cost(lambda: commit(provider))
    yield Row("a session looked up", cost(lambda: provider.sessions.load("t" * 43)), "one durable commit", committed)
    client = RelyingParty(provider)
    for operation, act, signatures in (
        ("a login over a session (SSO)", client.log_in, 3),  # the client's, access token, ID token
        ("a refresh", client.refresh, 3),
        ("client_credentials", client.ask_for_itself, 2),
    ):
        yield Row(operation, cost(act), "its signatures and one commit", signatures * signed + verified + committed)


def settings_in(folder: Path, port: int) -> dict[str, str]:
    return {
        "PRAJAK_SANDBOX": "1",
        "PRAJAK_ML_DSA": "1",
        "PRAJAK_DATA_DIR": str(folder),
        "PRAJAK_ISSUER": f"http://localhost:{port}",
    }


@contextmanager
def provider_in(environment: dict[str, str]) -> Iterator[Provider]:
    settings = load_settings(environment, Path("none.toml"))
    ground = open_ground(settings, SystemClock())
    upgrade(ground.database, METADATA)
    ground.database.close()
    ground.outbound.close()
    provider = compose(settings)
    yield provider
    provider.close()


PARTS: Mapping[str, Callable[[Provider], Iterator[Row]]] = {
    "files": file_rows,
    "tokens": lambda _: token_rows(),
    "jwt": jwt_rows,
    "services": service_rows,
    "envelope": envelope_rows,
    "audit": audit_rows,
    "protocol": protocol_rows,
}
RUNNING = "running"


def in_process(provider: Provider, parts: Collection[str]) -> tuple[Table, bool]:
    table, missed = Table("operation", "CPU-ms", "ratio", "to", "at most"), False
    for rows in (PARTS[part] for part in PARTS if part in parts):
        for row in rows(provider):
            missed |= row.missed
            told = (
                f"{row.ratio:.2f}" if row.floor else "",
                row.against,
                f"{row.bound:.2f}{' MISSED' if row.missed else ''}" if row.bound else "",
            )
            table.add_row(row.operation, f"{row.milliseconds:.3f}", *told, style="red" if row.missed else None)
    return table, missed


def questions(provider: Provider) -> list[Question]:
    certificate = provider.trust.services.current(Purpose.TSA).certificate
    plain, fresh = ocsp_question(provider, certificate), ocsp_question(provider, certificate, nonce=True)
    asked, reply = "application/ocsp-request", "application/timestamp-query"
    return [
        Question("OCSP, signed before", "/ocsp", asked, plain, SIGNED, OCSP_TARGET),
        Question("OCSP with a nonce", "/ocsp", asked, fresh, SIGNED, OCSP_TARGET),
        Question("time-stamps", "/tsa", reply, time_stamp_query(), SIGNED),
        Question("the key set", "/jwks", "", b"", SIGNED),
    ]


def main() -> None:
    """All, or the parts that were named."""
    parts = sys.argv[1:] or [*PARTS, RUNNING]
    rates, few = Table(), False
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        environment = settings_in(Path(folder), port)
        with provider_in(environment) as provider:
            costs, slow = in_process(provider, parts)
            asked = questions(provider)
        if RUNNING in parts:
            with serving(environment, port, WORKERS):
                rates, few = table_of(asked, port, WORKERS)
    console = Console(width=None if sys.stdout.isatty() else PRINTED)
    console.print(costs)
    console.print(rates)
    sys.exit(1 if slow or few else 0)


main()
