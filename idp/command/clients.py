"""`prajak client`: relying parties from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import click

from idp.command.output import json_option, show, show_one
from idp.composition import Provider, compose
from idp.registration.client_registration import Registration

BY = "command"


@click.group()
def client() -> None:
    """Clients (relying parties)."""


@client.command("add")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@json_option
def client_add(file: Path, *, as_json: bool) -> None:
    """Register the RFC 7591 metadata in FILE; prints it with client_id and, where one exists, client_secret."""
    try:
        metadata = json.loads(file.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise click.ClickException(f"{file} is not JSON") from error
    client_id = metadata.pop("client_id", None) if isinstance(metadata, dict) else None
    registered = registration(compose()).register(metadata, by=BY, client_id=client_id)
    click.echo(json.dumps(registered, ensure_ascii=False, indent=2)) if as_json else show_one(registered, as_json=False)


@client.command("list")
@json_option
def client_list(*, as_json: bool) -> None:
    """Every registered client."""
    rows = [
        {
            "client_id": each.client_id,
            "client_name": each.name("en"),
            "profile": each.metadata["prajak_profile"],
            "status": each.status.value,
        }
        for each in registration(compose()).list()
    ]
    show(rows, as_json=as_json, empty="no clients")


@client.command("show")
@click.argument("client_id")
@json_option
def client_show(client_id: str, *, as_json: bool) -> None:
    """One client's registered metadata."""
    found = registration(compose()).show(client_id)
    if found is None:
        raise click.ClickException(f"no client {client_id}")
    show_one({"client_id": found.client_id, "status": found.status.value, **found.metadata}, as_json=as_json)


@client.command("remove")
@click.argument("client_id")
def client_remove(client_id: str) -> None:
    """The client answers nobody from now on; its id is never another's."""
    if not registration(compose()).remove(client_id, by=BY):
        raise click.ClickException(f"no client {client_id}")
    click.echo(f"{client_id} is removed")


def registration(provider: Provider) -> Registration:
    return Registration(provider.ground, provider.server.clients)
