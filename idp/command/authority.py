"""`prajak ca`: the certificate authority."""

from __future__ import annotations

from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from idp.command.output import json_option, show
from idp.composition import compose
from keys.certificate_rows import RevocationReason


@click.group()
def ca() -> None:
    """The certificate authority."""


@ca.command("show")
@json_option
def ca_show(*, as_json: bool) -> None:
    """Every authority: the roots, and each generation of the issuing one."""
    rows = [
        {
            "name": each.name,
            "subject": each.certificate.subject.rfc4514_string(),
            "serial": f"{each.certificate.serial_number:x}",
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
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
def ca_export(name: str, out: Path) -> None:
    """Write a certificate as PEM: the root is what others trust."""
    out.write_bytes(compose().trust.ca.authority(name).public_bytes(Encoding.PEM))
    click.echo(str(out))


@ca.command("revoke")
@click.argument("serial")
@click.option("--reason", type=click.Choice([each.value for each in RevocationReason]), required=True)
def ca_revoke(serial: str, reason: str) -> None:
    """Revoke a certificate by its serial number (hexadecimal), with a reason of RFC 5280 section 5.3.1."""
    compose().trust.ca.revoke(int(serial, 16), RevocationReason(reason), actor="command")
    click.echo(f"{serial} is revoked")
