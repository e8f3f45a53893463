"""Migrates a test's database, as every start does."""

from __future__ import annotations

from core.database import open_database
from core.migration import upgrade
from core.settings import Settings
from idp.app import METADATA


def create_tables(settings: Settings) -> None:
    database = open_database(settings)
    upgrade(database, METADATA)
    database.close()
