"""`prajak audit`: prove the trail unbroken, or name the first broken entry; and hand it to those who keep it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import click
from cryptography import x509
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from core.audit_chain import chain, head
from core.audit_verify import BrokenChain
from core.database import Database
from idp.command.opened import compose
from idp.command.output import json_option, show_one
from idp.composition import Provider
from keys.audit_checkpoint import Believed, newest
from keys.audit_export import AuditExport
from keys.audit_export_reading import verify_export
from keys.audit_proof import prove, read_witnessed
from keys.certificate_files import load_certificates
from keys.own_jws import NotSigned, read_jwks

Each = TypeVar("Each")
Watch = Callable[[Iterable[Each]], Iterable[Each]]

file_in = click.Path(exists=True, dir_okay=False, path_type=Path)
pem_in = click.Path(exists=True, path_type=Path)
jwks_option = click.option(
    "--jwks",
    type=file_in,
    help="The public keys, as you kept them (prajak audit keys); otherwise this installation's own.",
)


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@click.option(
    "--checkpoint", "checkpoints", multiple=True, type=file_in,
    help="What a witness kept: a file of lines, or a mail as it was saved.",
)  # fmt: skip
@click.option("--export", type=file_in, help="Verify this export instead of the database; with --jwks, offline.")
@jwks_option
@click.option("--tsa-trust", type=pem_in, help="PEM: the authorities to whom every checkpoint's time-stamp must lead.")
@click.option(
    "--since", type=click.IntRange(0), default=0, help="Begin at the newest checkpoint at this entry or before."
)
@json_option
@click.pass_context
def audit_verify(
    context: click.Context,
    *,
    checkpoints: tuple[Path, ...],
    export: Path | None,
    jwks: Path | None,
    tsa_trust: Path | None,
    since: int,
    as_json: bool,
) -> None:
    """Walk the whole chain; exit 1 and the first entry that does not fit, when there is one."""
    if export is not None and since:
        raise click.UsageError("--since is for the database: an export says itself where it begins")
    try:
        anchors = load_certificates(tsa_trust) if tsa_trust else None
        believed = Believed(read_jwks(jwks.read_text("utf-8")), anchors) if jwks else None
        if export is not None:
            believed = believed or own(compose(), anchors)
            shown, broken = of_export(export, believed, checkpoints)
        else:
            provider = compose()
            shown, broken = of_database(provider, believed or own(provider, anchors), checkpoints, since)
    except NotSigned as error:
        shown, broken = {}, BrokenChain(0, "", f"forged, or not signed by a key that is believed: {error}")
    if broken is None:
        show_one({"unbroken": True} | shown, as_json=as_json)
        return
    show_one(
        {"unbroken": False, "sequence": broken.sequence, "entry": broken.entry_id, "why": broken.why}, as_json=as_json
    )
    context.exit(1)


@audit.command("export")
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@click.option(
    "--after", type=click.IntRange(0), default=0, help="Begin after this entry: what an export before ended with."
)
@click.option("--until", type=click.IntRange(1), default=None, help="End with this entry.")
@click.option("--resume", is_flag=True, help="Take up OUT.part, which was interrupted.")
@json_option
def audit_export(out: Path, *, after: int, until: int | None, resume: bool, as_json: bool) -> None:
    """Write the trail to OUT as JSON lines that prove themselves (`prajak audit verify --export OUT`)."""
    provider = compose()
    chain_all(provider.ground.database)
    while provider.trust.checkpoints.make():
        pass
    with provider.ground.database.read() as connection:
        total = head(connection)[0]
    with progress("exporting", total - after) as watch:
        exporter = AuditExport(provider.ground, provider.trust.keystore)
        made = exporter.write(out, after=after, until=until, resume=resume, watch=watch)
    shown = {"file": str(out), "after": made.after, "sequence": made.sequence, "entries": made.entries}
    show_one(shown | {"head": made.head.hex()}, as_json=as_json)


@audit.command("checkpoint")
def audit_checkpoint() -> None:
    """Print the newest checkpoint as one line, made now where something is new: for whoever keeps it by hand."""
    provider = compose()
    chain_all(provider.ground.database)
    while provider.trust.checkpoints.make():
        pass
    with provider.ground.database.read() as connection:
        row = newest(connection)
    if row is None:
        raise click.ClickException("the trail is empty: there is nothing to sign")
    click.echo(provider.trust.checkpoints.believed(row).line)


@audit.command("keys")
def audit_keys() -> None:
    """Print the public keys (JWKS) that checkpoints and exports are signed with: for an auditor to keep elsewhere."""
    believed = compose().trust.checkpoints.believes()
    click.echo(json.dumps({"keys": list(believed.keys.values())}))


@audit.command("source")
@click.argument("address")
def audit_source(address: str) -> None:
    """Print what the trail calls the network ADDRESS, to look for its entries."""
    click.echo(compose().pseudonym(address))


def own(provider: Provider, anchors: Sequence[x509.Certificate] | None) -> Believed:
    return replace(provider.trust.checkpoints.believes(), anchors=anchors)


def of_export(
    export: Path, believed: Believed, checkpoints: tuple[Path, ...]
) -> tuple[dict[str, object], BrokenChain | None]:
    witnessed = [each for path in checkpoints for each in read_witnessed(path, believed)]
    with progress("verifying", None) as watch:
        proof = verify_export(export, believed, witnessed=witnessed, watch=watch)
    walked = proof.walked
    shown = {"origin": proof.origin, "entries": walked.entries, "sequence": walked.sequence, "head": walked.head.hex()}
    return shown | {"checkpoints": proof.checkpoints, "witnessed": walked.marks}, proof.broken


def of_database(
    provider: Provider, believed: Believed, checkpoints: tuple[Path, ...], since: int
) -> tuple[dict[str, object], BrokenChain | None]:
    database, origin = provider.ground.database, provider.ground.settings.issuer
    witnessed = [each for path in checkpoints for each in read_witnessed(path, believed, origin=origin)]
    with database.read() as connection:
        total = head(connection)[0]
    with progress("verifying", total - since) as watch:
        proof = prove(database, believed, origin=origin, witnessed=witnessed, since=since, watch=watch)
    walked = proof.walked
    shown = {
        "entries": walked.entries,
        "sequence": walked.sequence,
        "head": walked.head.hex(),
        "waiting": proof.waiting,
    }
    shown |= {"checkpoints": walked.marks, "covered": walked.marked}
    if proof.disarmed:
        shown |= {"not_append_only": ", ".join(proof.disarmed)}
    return shown, proof.broken


def chain_all(database: Database) -> None:
    """What commands have written waits for a sequencer where no server runs."""
    working = True
    while working:
        with database.write() as connection:
            working = bool(chain(connection))


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Watch[Any]]:
    """A bar on a terminal, on standard error; nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield iter
        return
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        yield lambda each: bar.track(each, total=total)
