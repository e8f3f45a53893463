from __future__ import annotations

import pytest

from keys.keystore import Keystore
from tests.idp.interaction.site import Site


@pytest.fixture
def site(ground) -> Site:
    return Site(ground, Keystore(ground))


@pytest.fixture
def browser(site):
    return site.browser()
