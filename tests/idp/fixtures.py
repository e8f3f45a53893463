"""A provider for each test; and one for a whole file of refusals, which leave nothing behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from keys.keystore import Keystore
from tests.backends import EMBEDDED, backend_of
from tests.conftest import NOW
from tests.idp.provider import Agency, Provider


@pytest.fixture
def provider(ground) -> Provider:
    return Provider(ground, Keystore(ground))


@pytest.fixture
def agency(provider):
    return provider.agency()


@pytest.fixture
def browser(provider):
    return provider.browser()


@pytest.fixture(scope="module")
def refusing(tmp_path_factory) -> Iterator[Agency]:
    """An agency whose requests are refused: no test that uses it may depend on another."""
    folder = tmp_path_factory.mktemp("refusing")
    with backend_of(EMBEDDED, folder) as made:
        settings = Settings(
            issuer="http://localhost:8080",
            rp_id="localhost",
            database_url=made.database_url,
            keys_url=f"file:{folder}/keys",
            sandbox=True,
            data_dir=folder,
        )
        database, outbound, clock = open_database(settings), Outbound(settings), SetClock(NOW)
        ground = Ground(settings, clock, database, open_ephemeral(settings, database, clock), outbound)
        yield Provider(ground, Keystore(ground)).agency()
        outbound.close()
        database.close()
