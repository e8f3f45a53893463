"""`prajak ca`: the certificate authority; the commands of the root's ceremony are in `ceremony.py`."""

from __future__ import annotations

import os
from dataclasses import fields
from pathlib import Path
from typing import Any, cast

import click
from cryptography.hazmat.primitives.serialization import Encoding

from idp.command.ceremony import FILE, OFFLINE
from idp.command.keys import act_or_ask
from idp.command.opened import compose
from idp.command.output import json_option, show, show_one
from keys.algorithms import AlgorithmName
from keys.authority_import import AuthorityImport
from keys.certificate_request import pem_of
from keys.certificate_rows import RevocationReason, as_text
from keys.errors import CertificateError
from keys.issuance import subject_of
from keys.profiles import ProfileName
from keys.requested_issuance import REQUESTABLE, issue_from_request
from keys.restored_revocations import restore_revocations
from keys.subject import Subject
from keys.trust_services import TrustServices
from keys.two_person import COMMAND, Act


class FileToWrite(click.Path):
    """Refused before anything is made that would then stand nowhere: a certificate, a key, a request."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not os.access(path.parent, os.W_OK):
            self.fail(f"nothing can be written to the folder {path.parent}", param, ctx)
        return path


OUT = FileToWrite(dir_okay=False, writable=True)


@click.group()
def ca() -> None:
    """The certificate authority."""


for command in OFFLINE:
    ca.add_command(command)


@ca.command("show")
@json_option
def ca_show(*, as_json: bool) -> None:
    """Every authority: the roots, and each generation of the issuing one."""
    rows = [
        {
            "name": each.name,
            "subject": subject_of(each.certificate).human_friendly,
            "serial": as_text(each.certificate.serial_number),
            "not_valid_before": each.certificate.not_valid_before_utc,
            "not_valid_after": each.certificate.not_valid_after_utc,
            "key": "in custody" if each.online else "kept offline",
            "revoked": each.revoked,
        }
        for each in compose().trust.ca.authorities.all()
    ]
    show(rows, as_json=as_json, empty="no authority yet: prajak ca request, the ceremony, prajak ca import")


@ca.command("export")
@click.argument("name")
@click.argument("out", type=OUT)
def ca_export(name: str, out: Path) -> None:
    """Write a certificate as PEM: the root is what others trust."""
    out.write_bytes(compose().trust.ca.authority(name).public_bytes(Encoding.PEM))
    click.echo(str(out))


@ca.command("revoke")
@click.argument("serial")
@click.option("--reason", type=click.Choice([each.value for each in RevocationReason]), required=True)
def ca_revoke(serial: str, reason: str) -> None:
    """Revoke a certificate by its serial number (hexadecimal), with a reason of RFC 5280 section 5.3.1."""
    try:
        number = int(serial, 16)
    except ValueError as error:
        raise click.BadParameter("a serial number is hexadecimal") from error
    trust = compose().trust
    check_is_no_authority(trust, number)
    trust.ca.revoke(number, RevocationReason(reason), actor=COMMAND)
    click.echo(f"{serial} is revoked")


@ca.command("request")
@click.argument("out", metavar="OUT", type=OUT)
@click.option("--algorithm", type=click.Choice([each.value for each in AlgorithmName]), help="Otherwise ES256.")
@json_option
def ca_request(out: Path, *, algorithm: str | None, as_json: bool) -> None:
    """Make the next issuing key in custody, and write the request (PKCS#10) that the root's ceremony certifies."""
    made = importer(compose().trust).request(algorithm, actor=COMMAND)
    out.write_bytes(pem_of(made.encoded))
    show_one({"name": made.name, "key": made.kid, "request": str(out)}, as_json=as_json)


@ca.command("import")
@click.argument("root", type=FILE)
@click.argument("issuing", type=FILE)
@click.argument("revocation_list", metavar="CRL", type=FILE)
@click.option("--reason", default="brought in from the ceremony", help="Why: kept in the audit trail.")
def ca_import(root: Path, issuing: Path, revocation_list: Path, *, reason: str) -> None:
    """Bring in ROOT, the ISSUING certificate for our key, and the root's CRL. Two administrators must agree."""
    provider = compose()
    imports = importer(provider.trust)
    examined = imports.examine(root.read_bytes(), issuing.read_bytes(), revocation_list.read_bytes())
    act_or_ask(
        provider,
        Act.IMPORT_AUTHORITY,
        examined.name,
        reason,
        lambda: f"{imports.bring_in(examined, actor=COMMAND).name} certifies now",
        detail=examined.fingerprints,
    )


@ca.command("import-crl")
@click.argument("revocation_list", metavar="CRL", type=FILE)
def ca_import_crl(revocation_list: Path) -> None:
    """Bring in an offline root's next revocation list, before the last one ends."""
    name = importer(compose().trust).bring_in_list(revocation_list.read_bytes(), actor=COMMAND)
    click.echo(f"the list of {name} is published")


@ca.command("restore-revocations")
@click.argument("revocation_list", metavar="CRL", type=FILE)
@json_option
def ca_restore_revocations(revocation_list: Path, *, as_json: bool) -> None:
    """After a restore: revoke again what the last published CRL names and the backup does not know."""
    provider = compose()
    encoded = revocation_list.read_bytes()
    restored = restore_revocations(provider.ground, provider.trust.ca, encoded, actor=COMMAND)
    show_one({"revoked": restored.revoked, "certificates_lost": restored.lost}, as_json=as_json)


def subject_options(command: Any) -> Any:
    """One option for each thing that a name may say."""
    for each in reversed(fields(Subject)):
        name = "--" + each.name.replace("_", "-")
        command = click.option(name, each.name, default="", required=each.name == "name_th")(command)
    return command


@ca.command("issue")
@click.option("--profile", type=click.Choice(REQUESTABLE), required=True)
@click.option("--csr", "request", type=FILE, required=True, help="PKCS#10: proves that its maker has the key.")
@click.option("--out", type=OUT, required=True)
@subject_options
@json_option
def ca_issue(*, profile: str, request: Path, out: Path, as_json: bool, **names: str) -> None:
    """Certify a key from its request. Whom the certificate names is said here, never by the request."""
    provider = compose()
    made = issue_from_request(
        provider.trust.ca,
        cast("ProfileName", profile),
        request.read_bytes(),
        Subject(**names),
        actor=COMMAND,
    )
    chain = provider.trust.ca.chain(made)
    out.write_bytes(b"".join(each.public_bytes(Encoding.PEM) for each in chain[:-1]))
    show_one({"serial": as_text(made.serial_number), "certificate": str(out)}, as_json=as_json)


def check_is_no_authority(trust: TrustServices, serial: int) -> None:
    """An authority ends with everything that it certified: not by one person at a shell."""
    for each in trust.ca.authorities.all():
        if each.certificate.serial_number == serial:
            raise CertificateError(
                f"{each.name} is an authority, whose end takes two people: prajak key compromise {each.kid}; or the "
                f"root's next list, where the root is kept offline: prajak ca root-crl --revoke, prajak ca import-crl"
            )


def importer(trust: TrustServices) -> AuthorityImport:
    return AuthorityImport(trust.ground, trust.keystore, trust.ca)
