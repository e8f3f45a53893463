"""`prajak client`: relying parties from the command line."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import click

from idp.command.opened import compose
from idp.command.output import TakesIdentifier, json_option, show, show_one
from idp.composition import Provider
from idp.models.agency import load_agency_names
from idp.registration.access_tokens import LONGEST, MOST_USES, issue_initial_access_token
from idp.registration.client_registration import Registration
from idp.registration.linter import lint

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


@client.command("show", cls=TakesIdentifier)
@click.argument("client_id")
@json_option
def client_show(client_id: str, *, as_json: bool) -> None:
    """One client's registered metadata."""
    found = registration(compose()).show(client_id)
    if found is None:
        raise click.ClickException(f"no client {client_id}")
    show_one({"client_id": found.client_id, "status": found.status.value, **found.metadata}, as_json=as_json)


@client.command("remove", cls=TakesIdentifier)
@click.argument("client_id")
def client_remove(client_id: str) -> None:
    """The client answers nobody from now on; its id is never another's."""
    if not registration(compose()).remove(client_id, by=BY):
        raise click.ClickException(f"no client {client_id}")
    click.echo(f"{client_id} is removed")


@client.command("lint", cls=TakesIdentifier)
@click.argument("client_id")
@json_option
@click.pass_context
def client_lint(context: click.Context, client_id: str, *, as_json: bool) -> None:
    """Grade a client against the strict profile; exit 1 where one of its rules does not hold."""
    found = registration(compose()).show(client_id)
    if found is None:
        raise click.ClickException(f"no client {client_id}")
    report = lint(found)
    rows = [
        {"level": each.level, "field": each.field, "mend": each.text, "section": each.section}
        for each in report.findings
    ]
    profile = found.metadata["prajak_profile"]
    graded = {"client_id": client_id, "prajak_profile": profile, "grade": report.grade, "conforms": report.conforms}
    if as_json:
        show_one({**graded, "findings": rows}, as_json=True)
    else:
        click.echo(f"{client_id} ({profile}): grade {report.grade}")
        for each in report.findings:
            click.echo(f"{each.level:6} {each.field}: {each.text} [{each.section}]")
    context.exit(0 if report.conforms else 1)


@client.command("token")
@click.option("--uses", type=click.IntRange(1, MOST_USES), default=1, show_default=True, help="Clients it lets in.")
@click.option("--days", type=click.IntRange(1, LONGEST.days), default=7, show_default=True, help="How long it lives.")
@click.option("--agency", help="The agency that its clients will be of, by its id.")
@click.option("--note", default="", help="What it is for; kept beside it.")
@json_option
def client_token(*, uses: int, days: int, agency: str | None, note: str, as_json: bool) -> None:
    """An initial access token for POST /register (RFC 7591 section 3): whoever holds it is approved."""
    ground, lifetime = compose().ground, timedelta(days=days)
    with ground.database.write() as connection:
        if agency is not None and not load_agency_names(connection, [agency]):
            raise click.ClickException(f"no agency {agency}")
        token = issue_initial_access_token(
            connection, ground.clock, agency_id=agency, note=note, uses=uses, lifetime=lifetime, by=BY
        )
    expires_at = (ground.clock.now() + lifetime).isoformat(timespec="seconds")
    show_one({"initial_access_token": token, "uses": uses, "expires_at": expires_at}, as_json=as_json)


def registration(provider: Provider) -> Registration:
    return Registration(provider.ground, provider.server.clients)
