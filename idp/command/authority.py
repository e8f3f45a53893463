"""`prajak ca`: the certificate authority."""

from __future__ import annotations

from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from idp.command.output import json_option, show_one
from idp.composition import compose
from keys.certificate import ISSUING, ROOT
from keys.certificate_rows import RevocationReason


@click.group()
def ca() -> None:
    """The certificate authority."""


@ca.command("show")
@json_option
def ca_show(*, as_json: bool) -> None:
    """Root and issuing certificate."""
    authority = compose().trust.ca
    for slot in (ROOT, ISSUING):
        certificate = authority.authority(slot)
        shown = {
            "name": slot,
            "subject": certificate.subject.rfc4514_string(),
            "serial": f"{certificate.serial_number:x}",
            "not_valid_before": certificate.not_valid_before_utc,
            "not_valid_after": certificate.not_valid_after_utc,
        }
        show_one(shown, as_json=as_json)


@ca.command("export")
@click.argument("name", type=click.Choice([ROOT, ISSUING]))
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
