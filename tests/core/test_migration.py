"""The migrations make just the tables that the code describes, on both back ends, and can be run twice."""

from __future__ import annotations

import pytest

from core.ground import Ground
from core.migration import differences, upgrade
from idp.app import METADATA

pytestmark = pytest.mark.both_backends


def test_the_migrated_schema_and_the_code_agree(ground: Ground):
    assert differences(ground.database, METADATA) == []


def test_migrating_again_does_nothing(ground: Ground):
    upgrade(ground.database, METADATA)
    assert differences(ground.database, METADATA) == []
