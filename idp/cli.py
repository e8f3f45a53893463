"""The `prajak` command. A door to signing: what signs, augments, verifies or issues to officers stands here."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

import idp.tables  # noqa: F401 - gives Alembic its metadata
from core.audit_origin import acting, command_source
from core.settings import SettingsError, load_settings
from core.telemetry import configure_logging
from idp.admin.invitation import invite
from idp.app import Signing, own_metadata, person_erasure, signing_officers
from idp.command.audit_trail import audit
from idp.command.authority import OUT, ca
from idp.command.clients import client
from idp.command.database import db, migrate
from idp.command.doctor import doctor
from idp.command.keys import key
from idp.command.opened import compose
from idp.command.output import PlainErrors, TakesIdentifier, json_option, show, show_one
from idp.command.person import person_commands
from idp.command.resources import resource
from idp.command.rewrap import key_rewrap
from idp.command.serving import serve
from idp.models.membership import Role
from idp.own_clients import register_own_client
from idp.sandbox.seed import seed
from idp.signing_officers import Position
from keys.certificate_request import pem_of
from keys.issuance import subject_of
from keys.purposes import Purpose
from signing.appearance import Appearance
from signing.command import augment_file, sign_file, verify_file
from signing.credentials import Credential, SealIdentity
from signing.models.credential import SEAL
from signing.own_trust import own_roots
from signing.pades import Level
from signing.services import SigningServices, open_services

LEVELS = click.Choice([each.value for each in Level])
pdf_in = click.argument("source", metavar="IN", type=click.Path(exists=True, dir_okay=False, path_type=Path))
pdf_out = click.argument("target", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))


@click.group(cls=PlainErrors, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="prajak")
@click.pass_context
def main(context: click.Context) -> None:
    """Prajak: digital identity and e-signatures for a government."""
    context.with_resource(acting(command_source(os.getuid()), f"prajak {context.invoked_subcommand}"))
    configure_logging("warning")


for command in (audit, ca, client, db, doctor, key, resource, serve):
    main.add_command(command)


key.add_command(key_rewrap)
main.add_command(person_commands(lambda: person_erasure(compose())))


@main.group()
def admin() -> None:
    """Administrators."""


@admin.command("invite")
@click.argument("email")
@click.option("--role", type=click.Choice([each.value for each in Role]), default=Role.ADMINISTRATOR.value)
def admin_invite(email: str, role: str) -> None:
    """A link, used once, by which EMAIL makes an account and a passkey."""
    provider = compose()
    click.echo(invite(provider.ground, provider.trust.envelope, email=email, role=Role(role), invited_by="command"))


@main.group()
def officer() -> None:
    """Officers' signing credentials."""


@officer.command("list")
@json_option
def officer_list(*, as_json: bool) -> None:
    """Every credential, officers' and seals'."""
    rows = [
        {"credential": each.id, "kind": each.kind, "name": each.name_th or each.agency_th, "status": each.status}
        for each in Signing(compose()).credentials.all()
    ]
    show(rows, as_json=as_json, empty="no credentials")


@officer.command("issue", cls=TakesIdentifier)
@click.argument("account")
@click.option("--position-th", required=True, help="As it stands beside the signature, in Thai.")
@click.option("--position-en", required=True, help="The same in English.")
@click.option("--passkey", default="", help="The passkey's id; otherwise the newest that reaches AAL3.")
@click.option("--csr", type=OUT, help="Another authority certifies: write the request there, and wait for it.")
@json_option
def officer_issue(
    account: str, position_th: str, position_en: str, passkey: str, *, csr: Path | None, as_json: bool
) -> None:
    """Issue a key and certificate to the officer ACCOUNT (its id, or its name in the sandbox), pinned to a passkey."""
    provider = compose()
    account_id = provider.accounts.find_by_name(account) or account
    position = Position(position_th, position_en)
    if csr is not None:
        asked, encoded = signing_officers(provider).request(account_id, position, actor="command", passkey_id=passkey)
        csr.write_bytes(pem_of(encoded))
        show_one({"credential": asked.id, "request": str(csr)}, as_json=as_json)
        return
    made = signing_officers(provider).issue(account_id, position, actor="command", passkey_id=passkey)
    show_one({"credential": made.id, "certificate": made.certificate_serial}, as_json=as_json)


@officer.command("revoke", cls=TakesIdentifier)
@click.argument("credential")
def officer_revoke(credential: str) -> None:
    """Revoke a credential and its certificate."""
    Signing(compose()).credentials.revoke(credential, actor="command")
    click.echo(f"{credential} is revoked")


@ca.command("csr")
@click.option("--for", "purpose", type=click.Choice(["seal", "tsa"]), required=True)
@click.option("--out", type=OUT, required=True)
@click.option("--agency-th", default="", help="Of a seal: whose it is, in Thai.")
@click.option("--agency-en", default="", help="The same in English.")
@click.option("--identifier", default="", help="The agency's, in a register: GOVTH-… (EN 319 412-1 section 5.1.4).")
@json_option
def ca_csr(purpose: str, out: Path, *, agency_th: str, agency_en: str, identifier: str, as_json: bool) -> None:
    """Write a request for a key of ours that another authority certifies. An officer's: prajak officer issue --csr."""
    provider = compose()
    if purpose == "tsa":
        encoded = provider.trust.services.request()
        out.write_bytes(pem_of(encoded))
        show_one({"request": str(out)}, as_json=as_json)
        return
    if not (agency_th and agency_en and identifier):
        raise click.UsageError("a seal's request names its agency: --agency-th, --agency-en and --identifier")
    seal = SealIdentity(agency_th=agency_th, agency_en=agency_en, organization_identifier=identifier)
    requested = Signing(provider).credentials.request_seal(seal, actor="command")
    out.write_bytes(pem_of(requested.encoded))
    show_one({"credential": requested.credential.id, "request": str(out)}, as_json=as_json)


@ca.command("import-external")
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--chain",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="PEM: from the certificate's issuer to its root.",
)
@json_option
def ca_import_external(certificate: Path, *, chain: Path, as_json: bool) -> None:
    """Use what another authority certified for a key of ours. Its root is believed for what this key signs."""
    provider = compose()
    external = provider.trust.external
    found = external.examine(certificate.read_bytes(), chain.read_bytes())
    if found.purpose is Purpose.TSA:
        external.bring_in(found, actor="command")
    else:
        Signing(provider).credentials.adopt(found, actor="command")
    names = {"purpose": found.purpose.value, "root": subject_of(found.chain[-1]).human_friendly}
    show_one({**names, "not_valid_after": found.certificate.not_valid_after_utc}, as_json=as_json)


@main.command("demo")
@click.option("--persons", default=0, type=click.IntRange(0, 100_000), help="This many more citizens, for load.")
@json_option
def demo(persons: int, *, as_json: bool) -> None:
    """Migrate, then seed citizens, officers, agencies and their credentials. Sandbox only; twice does no harm."""
    if not load_settings().sandbox:  # before anything is touched
        raise SettingsError("PRAJAK_SANDBOX: the demo is seeded in a sandbox only")
    migrate()
    provider = compose()
    register_own_client(provider, own_metadata(provider))
    facts = seed(provider, signing_officers(provider), persons=persons)
    click.echo(json.dumps(facts, ensure_ascii=False, indent=2)) if as_json else show(facts["people"], as_json=False)


@main.command("sign")
@pdf_in
@pdf_out
@click.option("--credential", required=True, help="A seal credential's id (prajak officer list).")
@click.option("--level", type=LEVELS, default=Level.B_LTA.value, show_default=True)
@click.option("--field", default="", help="An empty signature field's name; otherwise a new one is made.")
@click.option("--visible", type=click.IntRange(1), default=None, metavar="PAGE", help="Show the seal on this page.")
def sign(source: Path, target: Path, *, credential: str, level: str, field: str, visible: int | None) -> None:
    """Seal IN to OUT."""
    services = desk()
    seal = services.credentials.load(credential)
    if seal.kind != SEAL:
        raise click.ClickException(f"{credential} is an officer's: it signs at the desk, with the officer's passkey")
    with working("sealing"):
        sign_file(
            source,
            target,
            settings=services.ground.settings,
            signer=services.trust_services.keystore.load(seal.kid),
            certificate=services.credentials.certificate(seal),
            trust=services.trust,
            level=Level(level),
            field_name=field,
            page=visible,
            appearance=seal_appearance(services, seal) if visible else None,
        )
    click.echo(str(target))


@main.command("augment")
@pdf_in
@pdf_out
@click.option("--level", type=LEVELS, default=Level.B_LTA.value, show_default=True)
def augment(source: Path, target: Path, level: str) -> None:
    """Raise the level of the signatures in IN, or add an archive time-stamp."""
    services = desk()
    with working("augmenting"):
        augment_file(source, target, settings=services.ground.settings, trust=services.trust, level=Level(level))
    click.echo(str(target))


@main.command("verify")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--trust", multiple=True, type=click.Path(exists=True, path_type=Path), help="A PEM file or folder.")
@click.option("--at", type=click.DateTime(["%Y-%m-%dT%H:%M:%S%z"]), help="As of this time (RFC 3339).")
@json_option
@click.pass_context
def verify(context: click.Context, file: Path, *, trust: tuple[Path, ...], at: datetime | None, as_json: bool) -> None:
    """Validate every signature. Exit 0: all passed; 1: some not; 2: no readable PDF; 3: no signature."""
    services = desk()
    report = verify_file(
        file,
        settings=services.ground.settings,
        at=at or services.ground.clock.now(),
        trust=trust,
        own=own_roots(services.trust_services),
        revocation=services.known_revocation(),
    )
    found = report.to_json(file.name)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False, indent=2))
    else:
        show_signatures(found["signatures"])
        for reason in (*report.reasons, *(each for one in report.signatures for each in one.reasons)):
            click.echo(f"- {reason}")
    context.exit(report.exit_code)


def show_signatures(signatures: list[dict[str, object]]) -> None:
    names = ("field", "indication", "subindication", "level", "signer", "signing_time", "modification")
    show([{name: each[name] for name in names} for each in signatures], as_json=False, empty="no signature")


def seal_appearance(services: SigningServices, seal: Credential) -> Appearance:
    """The agency's name; a seal has no position, and no page to look its document up by."""
    return Appearance(
        name=seal.agency_th,
        position="",
        agency="",
        at=services.ground.clock.now(),
        qr_url=f"{services.ground.settings.issuer}/verify",
        kind="seal",
    )


def desk() -> SigningServices:
    provider = compose()
    return open_services(provider.ground, provider.trust)


@contextmanager
def working(what: str) -> Iterator[None]:
    """A bar on a terminal, on standard error; nothing in a pipe."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield
        return
    with Progress(SpinnerColumn(), TextColumn(what), TimeElapsedColumn(), console=console) as progress:
        progress.add_task(what, total=None)
        yield
