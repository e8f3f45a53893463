"""The schema's history: bring a database up to it, say whether code and schema agree, write the next step.

`metadata` is given by the top (`idp/cli.py`), which alone knows every room's tables.
"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, text

from core.database import Database

FOLDER = Path(__file__).parent / "migrations"
LOCK = 7_270_011  # PostgreSQL's advisory lock: two starts at once migrate one after the other


def upgrade(database: Database, metadata: MetaData) -> None:
    """Brings the database to the newest revision; does nothing where it is there already."""
    with database.write() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        command.upgrade(configuration(connection, metadata), "head")


def differences(database: Database, metadata: MetaData) -> list[str]:
    """What `prajak db check` prints: nothing when schema and code agree."""
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = [str(each) for each in compare_metadata(context, metadata)]
        newest = ScriptDirectory.from_config(configuration(connection, metadata)).get_current_head()
        if context.get_current_revision() != newest:
            found.insert(0, f"the database is at revision {context.get_current_revision()}, the code at {newest}")
        return found


def write_revision(database: Database, metadata: MetaData, message: str, revision: str) -> None:
    """A developer's step: the difference between schema and code as a new file in `core/migrations/versions`."""
    with database.write() as connection:
        command.revision(configuration(connection, metadata), message, autogenerate=True, rev_id=revision)


def configuration(connection: Connection, metadata: MetaData) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    config.attributes["connection"] = connection
    config.attributes["metadata"] = metadata
    return config
