"""Makes the tables that a test's database starts from."""

from __future__ import annotations

from core.database import open_database
from core.settings import Settings
from idp.app import METADATA


def create_tables(settings: Settings) -> None:
    database = open_database(settings)
    METADATA.create_all(database.engine)
    database.close()
