"""Fifty parallel redemptions of one code on two workers: exactly one wins. On both back ends."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.backends import Backend, stop
from tests.demonstration import four_free_ports
from tests.plain_client import PlainClient
from tests.protocol.requirement import requirement

PRAJAK = str(Path(sys.executable).parent / "prajak")


@contextmanager
def two_workers(backend: Backend, folder: Path) -> Iterator[str]:
    """`prajak serve --workers 2` over this back end, seeded; yields the issuer."""
    port = four_free_ports()
    issuer = f"http://localhost:{port}"
    told = {
        "PRAJAK_ISSUER": issuer,
        "PRAJAK_SANDBOX": "1",
        "PRAJAK_DATA_DIR": str(folder),
        "PRAJAK_DATABASE_URL": backend.database_url,
        "PRAJAK_REDIS_URL": backend.redis_url,
    }
    environment = {**os.environ, **told}
    subprocess.run([PRAJAK, "demo"], env=environment, check=True, stdout=subprocess.DEVNULL)
    command = [PRAJAK, "serve", "--port", str(port), "--workers", "2"]
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        wait_until_ready(issuer)
        yield issuer
    finally:
        stop(server)


def wait_until_ready(issuer: str) -> None:
    with httpx.Client(transport=httpx.HTTPTransport(retries=12)) as client:
        for _ in range(5):
            if client.get(f"{issuer}/readyz", timeout=20).status_code == 200:
                return
    raise AssertionError("the server did not become ready")


@pytest.mark.both_backends
@requirement("RFC 6749", "10.5", "MUST")
@requirement("RFC 6749", "4.1.2", "MUST")
def test_of_fifty_parallel_redemptions_of_one_code_exactly_one_wins(backend: Backend, tmp_path: Path):
    with two_workers(backend, tmp_path) as issuer:
        client = PlainClient(issuer, tmp_path / "demo", "demo-b")
        code = client.code_for("user0")
        with ThreadPoolExecutor(max_workers=16) as threads:
            answers = list(threads.map(lambda _: client.redeem(code), range(50)))
        won = [each for each in answers if each.status_code == 200]
        assert len(won) == 1, [each.status_code for each in answers]
        assert {each.json()["error"] for each in answers if each.status_code != 200} == {"invalid_grant"}
        access_token = won[0].json()["access_token"]
        refused = httpx.get(f"{issuer}/userinfo", headers={"Authorization": f"Bearer {access_token}"})
        assert refused.status_code == 401, "a replayed code takes back what came of it (RFC 6749 section 4.1.2)"
