"""`prajak resource`: the APIs that access tokens can be for (RFC 8707)."""

from __future__ import annotations

import click

from core import audit
from idp.command.opened import compose
from idp.command.output import json_option, show
from idp.errors import InvalidTarget
from idp.models.client import load_client
from idp.models.protected_resource import (
    load_protected_resources,
    record_protected_resource,
    remove_protected_resource,
)
from idp.oauth2.resource_indicators import check_resource

BY = "command"


@click.group()
def resource() -> None:
    """Protected resources (APIs)."""


@resource.command("add")
@click.argument("uri")
@click.option("--server", required=True, metavar="CLIENT_ID", help="The client by which the API introspects tokens.")
@click.option(
    "--client", "clients", multiple=True, metavar="CLIENT_ID", help="Who may ask for tokens; nobody named: all."
)
def resource_add(uri: str, server: str, clients: tuple[str, ...]) -> None:
    """Register the API at URI, or change its registration."""
    try:
        check_resource(uri)
    except InvalidTarget as error:
        raise click.ClickException(error.description) from error
    ground = compose().ground
    with ground.database.write() as connection:
        for client_id in (server, *clients):
            if load_client(connection, client_id) is None:
                raise click.ClickException(f"no client {client_id}")
        record_protected_resource(connection, uri, client_id=server, clients=clients, now=ground.clock.now())
        audit.record(connection, ground.clock, event="resource.added", actor=BY, client_id=server, detail={"uri": uri})
    click.echo(f"{uri} is registered")


@resource.command("list")
@json_option
def resource_list(*, as_json: bool) -> None:
    """Every API, those of the claims catalogue too."""
    with compose().ground.database.read() as connection:
        found = load_protected_resources(connection)
    rows = [
        {
            "resource": each.resource,
            "server": each.client_id,
            "clients": "by authorization_details" if each.in_catalogue else " ".join(sorted(each.clients)) or "all",
        }
        for each in found.values()
    ]
    show(rows, as_json=as_json, empty="no resources")


@resource.command("remove")
@click.argument("uri")
def resource_remove(uri: str) -> None:
    """No token is issued for it from now on."""
    ground = compose().ground
    with ground.database.write() as connection:
        if not remove_protected_resource(connection, uri, now=ground.clock.now()):
            raise click.ClickException(f"no resource {uri}")
        audit.record(connection, ground.clock, event="resource.removed", actor=BY, detail={"uri": uri})
    click.echo(f"{uri} is removed")
