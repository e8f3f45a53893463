from __future__ import annotations

import pytest

from keys.keystore import Keystore
from tests.idp.provider import Provider


@pytest.fixture
def provider(ground) -> Provider:
    return Provider(ground, Keystore(ground))


@pytest.fixture
def agency(provider):
    return provider.agency()


@pytest.fixture
def browser(provider):
    return provider.browser()
