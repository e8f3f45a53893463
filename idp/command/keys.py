"""`prajak key`: custody of keys."""

from __future__ import annotations

import click

from idp.command.output import json_option, show, show_one
from idp.composition import compose
from keys.purposes import Purpose


@click.group()
def key() -> None:
    """Keys by purpose: list, rotate, retire."""


@key.command("list")
@json_option
def key_list(*, as_json: bool) -> None:
    """Every key, its purpose and its state (SP 800-57 part 1)."""
    rows = [
        {
            "kid": each.kid,
            "purpose": each.purpose.value,
            "algorithm": each.algorithm,
            "state": each.state.value,
            "created_at": each.created_at,
        }
        for each in compose().trust.keystore.records()
    ]
    show(rows, as_json=as_json, empty="no keys yet: the first start makes them")


@key.command("rotate")
@click.argument("purpose", type=click.Choice([each.value for each in Purpose]))
@click.option("--at-once", is_flag=True, help="Without the time of publication before use: an emergency.")
@json_option
def key_rotate(purpose: str, *, at_once: bool, as_json: bool) -> None:
    """Announce the successor, or let it begin when it has been published long enough.

    Where clients choose the algorithm, each algorithm's key rotates; `kids` names all, the purpose's own key first.
    """
    made = compose().trust.keystore.rotate_all(Purpose(purpose), at_once=at_once, actor="command")
    for each in made if not as_json else made[:1]:
        found = {"kid": each.kid, "purpose": purpose, "algorithm": each.algorithm, "state": each.state.value}
        show_one(found | ({"kids": [other.kid for other in made]} if as_json else {}), as_json=as_json)


@key.command("retire")
@click.argument("kid")
def key_retire(kid: str) -> None:
    """Take a key that signs no more out of the published set."""
    compose().trust.keystore.retire(kid, actor="command")
    click.echo(f"{kid} is retired")
