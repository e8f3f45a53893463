"""`prajak db`: bring the schema up to the code, or say where they differ."""

from __future__ import annotations

import click

from core.database import Database, open_database
from core.migration import differences, upgrade, write_revision
from core.settings import load_settings
from idp.command.output import json_option, show
from idp.tables import METADATA


@click.group()
def db() -> None:
    """The database's schema."""


@db.command("upgrade")
def db_upgrade() -> None:
    """Migrate to this version's schema."""
    migrate()
    click.echo("the schema is up to date")


@db.command("check")
@json_option
@click.pass_context
def db_check(context: click.Context, *, as_json: bool) -> None:
    """Say whether schema and code agree; exit 1 when they do not."""
    found = [{"difference": each} for each in differences(opened(), METADATA)]
    show(found, as_json=as_json, empty="schema and code agree")
    context.exit(1 if found else 0)


@db.command("revision", hidden=True)
@click.argument("revision")
@click.argument("message")
def db_revision(revision: str, message: str) -> None:
    """For developers: write the difference between schema and code as a new migration."""
    write_revision(opened(), METADATA, message, revision)


def migrate() -> None:
    database = opened()
    upgrade(database, METADATA)
    database.close()


def opened() -> Database:
    return open_database(load_settings())
