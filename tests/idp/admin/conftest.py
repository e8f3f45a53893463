from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.clock import SetClock
from core.settings import Settings
from idp.composition import compose
from tests.backends import EMBEDDED, backend_of
from tests.conftest import NOW
from tests.idp.admin.site import ConsoleSite


@pytest.fixture(scope="package")
def site(tmp_path_factory) -> Iterator[ConsoleSite]:
    """One for all tests of the pages, since people's passkeys take their time; each test makes clients of its own."""
    folder = tmp_path_factory.mktemp("console")
    with backend_of(EMBEDDED, folder) as backend:
        settings = Settings(
            issuer="http://localhost:8080",
            rp_id="localhost",
            database_url=backend.database_url,
            keys_url=f"file:{folder}/keys",
            sandbox=True,
            data_dir=folder,
        )
        yield from composed(settings)


def composed(settings: Settings) -> Iterator[ConsoleSite]:
    provider = compose(settings, SetClock(NOW))
    try:
        yield ConsoleSite(provider)
    finally:
        provider.close()


@pytest.fixture
def developer(site):
    return site.browser("dev-dao")
