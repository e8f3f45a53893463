"""How the command answers: a table for a person, JSON for a script, one plain line for an error."""

from __future__ import annotations

import json
import re
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
IDENTIFIER = re.compile("-[A-Za-z0-9_-]{21}(?:[A-Za-z0-9_-]{21})?")  # of 128 bits, or of 256
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


class TakesIdentifier(click.Command):
    """Identifiers are base64url (RFC 4648 section 5): one in 64 begins with a hyphen, and is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        options = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        named = [each for each in args if IDENTIFIER.fullmatch(each) and each not in options]
        if not named or "--" in args:
            return super().parse_args(ctx, args)
        return super().parse_args(ctx, [*(each for each in args if each not in named), "--", *named])


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
