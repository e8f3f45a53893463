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
from tests.soft_token import SoftTokens, soft_tokens_in

FILES, TOKEN = CUSTODIES = ("files", "token")
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
    if metafunc.definition.get_closest_marker("both_custodies") and "keys_url" in metafunc.fixturenames:
        metafunc.parametrize("keys_url", CUSTODIES, indirect=True)


@pytest.fixture
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """Where data lies: a migrated database and an ephemeral store of this test's own."""
    with backend_of(request.param, tmp_path) as made:
        yield made


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture(scope="session")
def soft_tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftTokens]:
    """SoftHSM2's tokens of this process of the tests."""
    tokens = soft_tokens_in(tmp_path_factory.mktemp("tokens"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", str(tokens.configuration))
        yield tokens


@pytest.fixture(scope="session")
def token_url(soft_tokens: SoftTokens) -> str:
    """A token for a sandbox's keys, shared by all tests: every key has a name of its own."""
    return soft_tokens.make("prajak")


@pytest.fixture
def keys_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where keys live: files of this test's own, or a token; `both_custodies` runs a test over either."""
    on_a_token = getattr(request, "param", FILES) == TOKEN
    return str(request.getfixturevalue("token_url")) if on_a_token else f"file:{tmp_path}/keys"


@pytest.fixture
def settings(backend: Backend, keys_url: str, tmp_path: Path) -> Settings:
    return Settings(
        issuer="http://localhost:8080",
        rp_id="localhost",
        database_url=backend.database_url,
        redis_url=backend.redis_url,
        keys_url=keys_url,
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
