"""`prajak key`: custody of keys.

Whoever has the shell is one person. What cannot be undone is therefore only asked for here: two administrators agree in
the console, which then does it; the command says where, and ends with ASKED.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from core.errors import PersonError
from idp.command.opened import compose
from idp.command.output import TakesIdentifier, json_option, show, show_one
from idp.composition import Provider
from keys import two_person
from keys.errors import NotAgreed
from keys.key_use import next_change
from keys.purposes import RULES, Purpose
from keys.two_person import COMMAND, Act
from keys.use_count import Uses

ASKED = 3  # the exit code of what was asked for and not done
reason_option = click.option("--reason", required=True, help="Why: kept in the audit trail, without names of people.")


@click.group()
def key() -> None:
    """Keys by purpose: list, rotate, and how they end."""


@key.command("list")
@json_option
def key_list(*, as_json: bool) -> None:
    """Every key, its purpose, its state (SP 800-57 part 1) and how often it was used."""
    keystore = compose().trust.keystore
    uses = keystore.uses()
    rows = [
        {
            "kid": each.kid,
            "purpose": each.purpose.value,
            "algorithm": each.algorithm,
            "state": each.state.value,
            "created_at": each.created_at,
            "uses": used.applied + used.processed,
            "last_used_at": used.last_used_at,
            "next_change": next_change(each),
        }
        for each in keystore.records()
        for used in (uses.get(each.kid, Uses()),)
    ]
    show(rows, as_json=as_json, empty="no keys yet: the first start makes them")


@key.command("rotate")
@click.argument("purpose", type=click.Choice([each.value for each in Purpose]))
@click.option("--at-once", is_flag=True, help="Without the time of publication before use: an emergency.")
@click.option("--algorithm", metavar="ALG", help="Move the purpose to this algorithm, when its key has been published.")
@json_option
def key_rotate(purpose: str, *, at_once: bool, algorithm: str | None, as_json: bool) -> None:
    """Announce the successor, or let it begin when it has been published long enough.

    Where clients choose the algorithm, each algorithm's key rotates; `kids` names all, the purpose's own key first.
    """
    keystore = compose().trust.keystore
    if algorithm is not None:
        if at_once:
            raise click.UsageError("--algorithm waits until its key has been published; leave --at-once out")
        begins_at = keystore.move(Purpose(purpose), algorithm, actor=COMMAND)
        show_one({"purpose": purpose, "algorithm": algorithm, "begins_at": begins_at}, as_json=as_json)
        return
    made = keystore.rotate_all(Purpose(purpose), at_once=at_once, actor=COMMAND)
    for each in made if not as_json else made[:1]:
        found = {"kid": each.kid, "purpose": purpose, "algorithm": each.algorithm, "state": each.state.value}
        show_one(found | ({"kids": [other.kid for other in made]} if as_json else {}), as_json=as_json)


@key.command("retire", cls=TakesIdentifier)
@click.argument("kid")
@click.option("--reason", default="", help="Why: kept in the audit trail, without names of people.")
def key_retire(kid: str, *, reason: str) -> None:
    """Take a key that signs no more out of the published set, or end a holder's key."""
    provider = compose()
    reason = reason or "retired by the command"
    act_or_ask(provider, Act.RETIRE_KEY, kid, reason, lambda: retire(provider, kid, reason))


def retire(provider: Provider, kid: str, reason: str) -> str:
    provider.trust.keystore.retire(kid, actor=COMMAND, reason=reason)
    return f"{kid} is retired"


@key.command("suspend", cls=TakesIdentifier)
@click.argument("kid")
@reason_option
def key_suspend(kid: str, *, reason: str) -> None:
    """Take a key out of use while a suspicion is looked into; a purpose's one key is followed at once."""
    compose().trust.keystore.suspend(kid, actor=COMMAND, reason=reason)
    click.echo(f"{kid} is suspended")


@key.command("restore", cls=TakesIdentifier)
@click.argument("kid")
@reason_option
def key_restore(kid: str, *, reason: str) -> None:
    """The suspicion was nothing: a holder's key is active again, another is believed again."""
    click.echo(f"{kid} is {compose().trust.keystore.restore(kid, actor=COMMAND, reason=reason)}")


@key.command("compromise", cls=TakesIdentifier)
@click.argument("kid")
@reason_option
def key_compromise(kid: str, *, reason: str) -> None:
    """The emergency: others may have this key.

    It leaves the JWKS, its certificates are revoked and its successor signs, on every worker within five seconds.
    A key that nothing can replace (an authority's, pairwise) is only asked about.
    """
    provider = compose()
    act_or_ask(provider, Act.COMPROMISE_KEY, kid, reason, lambda: compromise(provider, kid, reason))


def compromise(provider: Provider, kid: str, reason: str) -> str:
    provider.trust.compromise(kid, actor=COMMAND, reason=reason)
    record = provider.trust.keystore.record(kid)
    if RULES[record.purpose].many:
        return f"{kid} is compromised and out of use; its holder needs a new one"
    follower = provider.trust.keystore.active(record.purpose, record.algorithm)
    return f"{kid} is compromised and out of use; {follower.kid} has taken its place"


@key.command("destroy", cls=TakesIdentifier)
@click.argument("kid")
@reason_option
def key_destroy(kid: str, *, reason: str) -> None:
    """Ask that a key be removed from custody for good; when two have agreed, see it done."""
    provider = compose()
    provider.trust.keystore.check_destroyable(provider.trust.keystore.record(kid))
    act_or_ask(provider, Act.DESTROY_KEY, kid, reason, lambda: destroy(provider, kid, reason))


def destroy(provider: Provider, kid: str, reason: str) -> str:
    provider.trust.keystore.destroy(kid, actor=COMMAND, reason=reason)
    return f"{kid} is destroyed"


@key.command("approvals")
@json_option
def key_approvals(*, as_json: bool) -> None:
    """What two people decide: open, agreed to, and decided lately."""
    provider = compose()
    with provider.ground.database.read() as connection:
        found = two_person.load_recent(connection)
    now = provider.ground.clock.now()
    rows = [
        {
            "id": each.id,
            "act": each.act.value,
            "subject": each.subject,
            "asked_by": each.asked_by,
            "asked_at": each.asked_at,
            "expires_at": each.expires_at,
            "status": each.outcome or ("agreed" if each.is_agreed(now) else "open" if each.is_open(now) else "expired"),
        }
        for each in found
    ]
    show(rows, as_json=as_json, empty="nothing was asked for")


def act_or_ask(
    provider: Provider, act: Act, subject: str, reason: str, do: Callable[[], str], *, detail: str = ""
) -> None:
    """Does it where one may or two have agreed; else asks, once, says where they agree, and exits with ASKED."""
    try:
        click.echo(do())
    except NotAgreed as not_agreed:
        click.echo(
            f"two administrators must agree, in the console: {asked(provider, act, subject, reason, detail)}", err=True
        )
        raise click.exceptions.Exit(ASKED) from not_agreed


def asked(provider: Provider, act: Act, subject: str, reason: str, detail: str = "") -> str:
    """The page of the approval that is open, whoever asked for it."""
    ground = provider.ground
    with ground.database.read() as connection:
        found = two_person.load_open(connection, act, subject)
    if found is not None and found.is_open(ground.clock.now()):
        if found.detail != detail:
            raise click.ClickException(f"something else was asked for before: {page_of(provider, found.id)}")
        return page_of(provider, found.id)
    try:
        with ground.database.write() as connection:
            opened = two_person.ask(connection, ground.clock, act, subject, by=COMMAND, reason=reason, detail=detail)
    except PersonError as error:
        raise click.ClickException(error.message) from error
    return page_of(provider, opened)


def page_of(provider: Provider, approval_id: str) -> str:
    return f"{provider.ground.settings.issuer}/console/keys/approvals/{approval_id}"
