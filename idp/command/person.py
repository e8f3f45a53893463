"""`prajak person`: erasure. The command only asks; two administrators agree in the console, and the console does it.

What signing lets go of is behind its doors, so `idp/cli.py` gives the way to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from idp.command.output import TakesIdentifier, json_option, show, show_one
from idp.erasure import PersonErasure
from keys.erasure import ErasedPerson
from keys.two_person import COMMAND

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def person_commands(open_erasure: Callable[[], PersonErasure]) -> click.Group:
    @contextmanager
    def opened() -> Iterator[PersonErasure]:
        erasure = open_erasure()
        try:
            yield erasure
        finally:
            erasure.provider.close()

    @click.group()
    def person() -> None:
        """People: erase one, list who was erased, erase them again after a restore."""

    @person.command("erase", cls=TakesIdentifier)
    @click.argument("account")
    @click.option("--reason", required=True, help="For whoever agrees; no name and no number.")
    @json_option
    def erase(account: str, reason: str, *, as_json: bool) -> None:
        """Ask that ACCOUNT (its id, or its name in the sandbox) be erased. Two administrators must agree."""
        with opened() as erasure:
            account_id = erasure.provider.accounts.find_by_name(account) or account
            approval = erasure.ask(account_id, by=COMMAND, reason=reason)
            where = f"{erasure.provider.ground.settings.issuer}/console/keys/approvals/{approval}"
            show_one({"account": account_id, "approval": approval, "agree_at": where}, as_json=as_json)

    @person.command("erasures")
    @json_option
    def erasures(*, as_json: bool) -> None:
        """Who was erased, and when. Keep this list apart from the backups: `erase-again` reads its lines."""
        with opened() as erasure:
            found = [describe(each) for each in erasure.provider.trust.erasures.known()]
            show(found, as_json=as_json, empty="nobody was erased")

    @person.command("erase-again")
    @click.argument("file", required=False, type=FILE)
    @json_option
    def erase_again(file: Path | None, *, as_json: bool) -> None:
        """After a restore: erase whoever was erased since the backup. FILE is a list of erasures; without it, the one
        below PRAJAK_DATA_DIR. Lines that this installation did not write are refused, all of them.
        """
        with opened() as erasure:
            listed = erasure.provider.trust.erasures.listed(file)
            again = erasure.again(listed, actor=COMMAND)
            show_one({"listed": len(listed), "erased_again": again}, as_json=as_json)

    return person


def describe(erased: ErasedPerson) -> dict[str, object]:
    told: dict[str, object] = {"account": erased.account_id, "approval": erased.approval}
    return told | {"erased_at": erased.erased_at.isoformat(), "proof": erased.proof.hex()}
