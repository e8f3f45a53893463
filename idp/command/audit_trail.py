"""`prajak audit`: prove the trail unbroken, or name the first broken entry."""

from __future__ import annotations

import click

from core.audit_chain import chain, head
from core.audit_verify import verify_chain
from idp.command.output import json_option, show_one
from idp.composition import compose


@click.group()
def audit() -> None:
    """The audit trail."""


@audit.command("verify")
@json_option
@click.pass_context
def audit_verify(context: click.Context, *, as_json: bool) -> None:
    """Walk the whole chain; exit 1 and the first entry that does not fit, when there is one."""
    database = compose().ground.database
    with database.write() as connection:
        while chain(connection):
            pass
    with database.read() as connection:
        broken, (entries, last) = verify_chain(connection), head(connection)
    if broken is None:
        show_one({"unbroken": True, "entries": entries, "head": last.hex()}, as_json=as_json)
        return
    found = {"unbroken": False, "sequence": broken.sequence, "entry": broken.entry_id, "why": broken.why}
    show_one(found, as_json=as_json)
    context.exit(1)
