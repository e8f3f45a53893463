"""`prajak key rewrap`: how far the data keys are wrapped by the envelope key in use."""

from __future__ import annotations

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from idp.command.output import json_option, show_one
from idp.composition import compose
from keys.rewrap import Rewrap


@click.command("rewrap")
@click.option("--now", is_flag=True, help="Do here what the server does by itself, until nothing is left.")
@json_option
def key_rewrap(*, now: bool, as_json: bool) -> None:
    """Show what is still wrapped by an older envelope key, and what an earlier release sealed under one directly."""
    provider = compose()
    try:
        rewrap = provider.trust.rewrap
        if now:
            run_to_the_end(rewrap)
        found = rewrap.progress()
        shown = {"kid": found.kid, "wrapped": found.wrapped, "left": found.left, "unreadable": found.unreadable}
        show_one(shown | {"lifting": list(found.lifting), "finished": found.is_finished}, as_json=as_json)
    finally:
        provider.close()


def run_to_the_end(rewrap: Rewrap) -> None:
    """Until nothing more is found to do; a bar on a terminal."""
    console, left = Console(stderr=True), rewrap.progress().left
    columns = (TextColumn("wrapping anew"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=left)
        found = 1
        while found:
            found, changed = rewrap.step()
            progress.advance(task, changed)
