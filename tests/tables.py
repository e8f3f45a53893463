"""Makes the tables that a test's database starts from."""

from __future__ import annotations

import importlib
import pkgutil

from core.database import Base, open_database
from core.settings import Settings

ROOMS = ("core", "keys", "enrollment", "signing", "idp")


def create_tables(settings: Settings) -> None:
    for room in ROOMS:
        for module in pkgutil.walk_packages(importlib.import_module(room).__path__, room + ".", onerror=lambda _: None):
            if "migrations" in module.name or "__main__" in module.name or "limited_child" in module.name:
                continue
            try:
                importlib.import_module(module.name)
            except Exception as error:  # a room in the middle of its building  # noqa: BLE001
                print("not imported:", module.name, error)
    database = open_database(settings)
    Base.metadata.create_all(database.engine)
    database.close()
