"""What all tests share: a ground on a fresh database, on either back end."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import hypothesis
import pytest

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from tests.backends import BACKENDS, Backend, backend_of
from tests.browser import chromium
from tests.demonstration import Demonstration, demonstration

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)

# The same examples at every run, whatever the machine's speed; `--hypothesis-profile=search` looks further.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None, database=None)
hypothesis.settings.register_profile("search", max_examples=1000, deadline=None, database=None)
hypothesis.settings.load_profile("steady")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-backends", action="store_true", help="run every test on both back ends")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" in metafunc.fixturenames:
        both = metafunc.config.getoption("--all-backends") or metafunc.definition.get_closest_marker("both_backends")
        metafunc.parametrize("backend", BACKENDS if both else BACKENDS[:1], indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Where data lies: a migrated database and an ephemeral store of this test's own."""
    with backend_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def settings(backend: Backend, tmp_path: Path) -> Settings:
    return Settings(
        issuer="http://localhost:8080",
        rp_id="localhost",
        database_url=backend.database_url,
        redis_url=backend.redis_url,
        keys_url=f"file:{tmp_path}/keys",
        sandbox=True,
        data_dir=tmp_path,
    )


@pytest.fixture
def ground(settings: Settings, clock: SetClock) -> Iterator[Ground]:
    """Settings, time, storage and the way out, as every room is given them."""
    database = open_database(settings)
    outbound = Outbound(settings)
    try:
        yield Ground(settings, clock, database, open_ephemeral(settings, database, clock), outbound)
    finally:
        outbound.close()
        database.close()


__all__ = ["chromium"]


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """The running demonstration, one for each process of the tests. Tests share its data: make people of your own."""
    folder = tmp_path_factory.mktemp("demonstration")
    roots = folder / "attestation-roots"
    roots.mkdir()
    with demonstration(folder, {"PRAJAK_ATTESTATION_ROOTS": str(roots)}) as running:
        yield running
