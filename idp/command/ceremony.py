"""`prajak ca ceremony`, `sign-issuing`, `root-crl`, `check-shares`: the root's side, on a machine without a network.

No settings are read and no database is opened; the folder is all there is (`keys/ceremony.py`).
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from core.clock import SystemClock
from core.settings import check_issuer
from keys.authorities import NAME
from keys.ceremony import (
    LIST_LIFETIME,
    LONGEST_LIST,
    MINUTES,
    Root,
    fingerprint,
    hold,
    note_check,
    open_root,
    read_ledger,
    sign_issuing,
    sign_list,
)
from keys.certificate_request import verified_request
from keys.certificate_rows import RevocationReason
from keys.errors import CertificateError
from keys.key_files import write_whole
from keys.practice import load_practice
from keys.shares import FEWEST_NEEDED, MOST_SHARES
from keys.subject import Subject

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
folder_argument = click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
shares_option = click.option(
    "--share",
    "share_files",
    multiple=True,
    type=FILE,
    help="A file with one share; without it the words are asked for.",
)
practice_option = click.option("--profiles", type=FILE, help="A TOML file as PRAJAK_CA_PROFILES names it.")


@click.command("ceremony")
@folder_argument
@click.option("--url", required=True, help="The provider's public address: the root's pointers lead below it.")
@click.option("--authority", default="root-g1", show_default=True, help="The root's name below /ca/.")
@click.option("--name-th", required=True, help="The root's name, in Thai.")
@click.option("--name-en", default="", help="The same in English.")
@click.option("--organisation-th", required=True, help="Whose root it is.")
@click.option("--organisation-en", default="")
@click.option("--identifier", default="", help="The organisation's, in a register: GOVTH-… (EN 319 412-1 5.1.4).")
@click.option("--needed", default=3, show_default=True, type=click.IntRange(FEWEST_NEEDED, MOST_SHARES))
@click.option("--shares", default=5, show_default=True, type=click.IntRange(FEWEST_NEEDED, MOST_SHARES))
@click.option(
    "--shares-to",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write each share to its own file there, instead of showing one after the other.",
)
@practice_option
def ceremony(
    folder: Path,
    *,
    url: str,
    authority: str,
    name_th: str,
    name_en: str,
    organisation_th: str,
    organisation_en: str,
    identifier: str,
    needed: int,
    shares: int,
    shares_to: Path | None,
    profiles: Path | None,
) -> None:
    """Make a root in the new folder DIR: its key, certificate, first list, shares and minutes. Offline."""
    matched = NAME.fullmatch(authority)
    if matched is None or matched[1] != "root":
        raise click.BadParameter("--authority is root-g1, root-g2, …")
    name = Subject(
        name_th=name_th,
        name_en=name_en,
        organisation_th=organisation_th,
        organisation_en=organisation_en,
        organization_identifier=identifier,
    )
    if shares_to is not None and shares_to.exists() and any(shares_to.iterdir()):
        raise CertificateError(f"{shares_to} is not empty: shares are written to a new folder, never over others")
    practice = load_practice(profiles)
    lines = hold(
        folder,
        name=name,
        authority=authority,
        base=practice.base or check_issuer(url, sandbox=True),
        needed=needed,
        shares=shares,
        practice=practice,
        now=SystemClock().now(),
    )
    hand_out(lines, needed, read_ledger(folder).fingerprint, shares_to)
    click.echo((folder / MINUTES).read_text("utf-8"))
    click.echo(f"{folder / f'{authority}.crt'}\n{folder / f'{authority}.crl'}")


@click.command("sign-issuing")
@folder_argument
@click.argument("request", metavar="CSR", type=FILE)
@click.argument("out", metavar="OUT", type=click.Path(dir_okay=False, path_type=Path))
@shares_option
@click.option("--yes", is_flag=True, help="The names were compared with the request's paper already.")
@practice_option
def ca_sign_issuing(
    folder: Path, request: Path, out: Path, *, share_files: tuple[Path, ...], yes: bool, profiles: Path | None
) -> None:
    """Certify the provider's issuing key from its CSR (prajak ca request), with the root in DIR. Offline."""
    content = request.read_bytes()
    asked = verified_request(content)
    click.echo(f"subject: {asked.proposed.subject.human_friendly}")
    if asked.proposed.other is not None:
        click.echo(f"other name: {asked.proposed.other.human_friendly}")
    click.echo(f"key: {asked.kid}")
    if not yes:
        click.confirm("Certify this as an issuing authority?", abort=True)
    root = opened(folder, share_files)
    made = sign_issuing(root, content, practice=load_practice(profiles), now=SystemClock().now())
    write_whole(out, made.public_bytes(Encoding.PEM))
    click.echo(f"{out}\nsha256: {fingerprint(made)}")


@click.command("root-crl")
@folder_argument
@shares_option
@click.option("--days", default=LIST_LIFETIME.days, show_default=True, type=click.IntRange(1, LONGEST_LIST.days))
@click.option("--revoke", multiple=True, metavar="SERIAL=REASON", help="A certificate of the ledger, and why.")
def root_crl(folder: Path, *, share_files: tuple[Path, ...], days: int, revoke: tuple[str, ...]) -> None:
    """Sign the root's next revocation list, before the last one ends or to revoke. Offline."""
    wanted = [revoked_pair(each) for each in revoke]
    root = opened(folder, share_files)
    sign_list(root, now=SystemClock().now(), lifetime=timedelta(days=days), revoke=wanted)
    click.echo(str(folder / f"{root.ledger.authority}.crl"))


@click.command("check-shares")
@folder_argument
@shares_option
def check_shares(folder: Path, *, share_files: tuple[Path, ...]) -> None:
    """See that these shares still open the root, and sign nothing. Offline."""
    root = opened(folder, share_files)
    note_check(root, now=SystemClock().now())
    click.echo(f"{root.ledger.authority} opens")


def opened(folder: Path, share_files: tuple[Path, ...]) -> Root:
    ledger = read_ledger(folder)
    if share_files:
        return open_root(folder, [words_in(each) for each in share_files])
    asked = [click.prompt(f"Share {n} of {ledger.needed}", hide_input=True) for n in range(1, ledger.needed + 1)]
    return open_root(folder, asked)


def words_in(file: Path) -> str:
    """A share's file: lines that begin with # are for people."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except ValueError as error:
        raise CertificateError(f"{file} is no share: it is not text") from error
    return " ".join(line for line in lines if not line.startswith("#"))


def hand_out(lines: list[str], needed: int, root: str, shares_to: Path | None) -> None:
    """Each to its own file, for a medium of its own; or one after the other, each gone before the next comes."""
    for number, line in enumerate(lines, start=1):
        head = (
            f"# Share {number} of {len(lines)}; any {needed} open the root whose certificate has the SHA-256\n# {root}"
        )
        if shares_to is not None:
            shares_to.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(shares_to / f"share-{number}-of-{len(lines)}.txt", f"{head}\n{line}\n".encode())
            continue
        click.echo(f"{head}\n\n{line}\n")
        click.pause("Write it down, read it back, then press any key: the screen is cleared. ")
        click.clear()
        click.echo("\x1b[3J", nl=False)  # what a terminal keeps to scroll back to, too


def revoked_pair(text: str) -> tuple[int, RevocationReason]:
    serial, _, reason = text.partition("=")
    try:
        return int(serial, 16), RevocationReason(reason)
    except ValueError as error:
        raise click.BadParameter(f"SERIAL=REASON: {', '.join(RevocationReason)}") from error


OFFLINE: tuple[click.Command, ...] = (ceremony, ca_sign_issuing, root_crl, check_shares)
