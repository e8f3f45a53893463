"""How the command answers: a table for a person, JSON for a script, one plain line for an error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import DBAPIError

from core.errors import PersonError, PrajakError
from core.settings import SettingsError
from idp.refused_start import refusal_of
from keys.errors import TokenAway

Command = TypeVar("Command", bound=Callable[..., Any])
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


class PlainErrors(click.Group):
    """What went wrong in one line on standard error; exit 2 for settings and bad arguments, 1 otherwise."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except SettingsError as error:
            raise click.UsageError(str(error)) from error
        except TokenAway as error:  # who types commands is told which token, and what it said
            raise click.ClickException(str(error)) from error
        except PersonError as error:
            raise click.ClickException(error.message % error.values if error.values else error.message) from error
        except PrajakError as error:
            raise click.ClickException(str(error)) from error
        except DBAPIError as error:
            refusal = refusal_of(error)
            if refusal is None:
                raise
            raise click.ClickException(f"{refusal.why} ({refusal.mend})") from error


def show(rows: Sequence[Mapping[str, object]], *, as_json: bool, empty: str = "nothing") -> None:
    """A list of things with the same members."""
    if as_json:
        click.echo(json.dumps(list(rows), ensure_ascii=False, indent=2, default=str))
        return
    if not rows:
        click.echo(empty)
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    Console().print(table)


def show_one(thing: Mapping[str, object], *, as_json: bool) -> None:
    """One thing with its members."""
    if as_json:
        click.echo(json.dumps(thing, ensure_ascii=False, indent=2, default=str))
        return
    for name, value in thing.items():
        click.echo(f"{name}: {value}")
