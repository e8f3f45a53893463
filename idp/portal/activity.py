"""A person's own audit entries, in plain words: only those that say something to them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext, lazy_gettext
from sqlalchemy import Connection, or_, select

from core import i18n
from core.audit import AuditEntry
from core.audit_origin import ADDRESS, CURRENT
from core.ground import Ground
from idp.models.catalogue import load_entry_ever
from idp.models.client import load_client

PAGE = 30

WORDS: Mapping[str, Any] = {
    "account.enrolled": lazy_gettext("You created your digital identity"),
    "account.recovered": lazy_gettext("You recovered your account"),
    "account.staff_created": lazy_gettext("An account was made for you by invitation"),
    "account.repudiated": lazy_gettext("The account was put on hold, by the link in a notification"),
    "session.started": lazy_gettext("You signed in"),
    "session.renewed": lazy_gettext("You signed in again"),
    "session.stepped_up": lazy_gettext("You confirmed with your passkey"),
    "session.ended": lazy_gettext("You were signed out"),
    "consent.given": lazy_gettext("You allowed a service to have data of yours"),
    "consent.denied": lazy_gettext("You did not allow a service to have data of yours"),
    "consent.withdrawn": lazy_gettext("You withdrew a permission"),
    "request.received": lazy_gettext("A service asked for your approval"),
    "request.approved": lazy_gettext("You approved a request of a service"),
    "request.denied": lazy_gettext("You refused a request of a service"),
    "payment.signed": lazy_gettext("You signed a payment with your passkey"),
    "record.used": lazy_gettext("A service fetched a record of yours that another agency holds"),
    "passkey.bound": lazy_gettext("A passkey was added"),
    "passkey.removed": lazy_gettext("A passkey was removed"),
    "passkey.refused": lazy_gettext("A sign-in with your passkey was refused"),
    "recovery.begun": lazy_gettext("A recovery of your account was begun"),
    "recovery.codes_issued": lazy_gettext("New recovery codes were made"),
    "officer.looked_up": lazy_gettext("An officer looked at your record"),
    "review.captured": lazy_gettext("An officer inspected your card"),
    "review.approved": lazy_gettext("Officers raised your identity level"),
    "review.refused": lazy_gettext("Officers did not raise your identity level"),
    "identity.reevaluated": lazy_gettext("Your identity level was evaluated again"),
    "enrolment.already_enrolled": lazy_gettext("Somebody began to enrol with your citizen number"),
    "membership.granted": lazy_gettext("You were given a role"),
    "membership.ended": lazy_gettext("A role of yours ended"),
}


@dataclass(frozen=True)
class Happening:
    """`where` is the service, or whether it was the network that is in use now; empty where neither is known. The trail
    does not know a network's address (core/audit_origin.py), and nobody has to compare numbers to see a stranger.
    """

    at: datetime
    what: str
    where: str


@dataclass(frozen=True)
class Page:
    """`older` is the number to ask for the next page with; None on the last."""

    happenings: list[Happening]
    older: int | None


def activity(ground: Ground, account_id: str, *, before: int | None = None) -> Page:
    """Newest first."""
    mine = or_(AuditEntry.subject == account_id, AuditEntry.actor == account_id)
    query = select(AuditEntry.__table__).where(mine, AuditEntry.event.in_(WORDS))
    query = query if before is None else query.where(AuditEntry.number < before)
    with ground.database.read() as connection:
        rows = connection.execute(query.order_by(AuditEntry.number.desc()).limit(PAGE + 1)).mappings().all()
        found = [happening(connection, row) for row in rows[:PAGE]]
    return Page(found, rows[PAGE - 1]["number"] if len(rows) > PAGE else None)


def happening(connection: Connection, row: Mapping[Any, Any]) -> Happening:
    client = load_client(connection, row["client_id"]) if row["client_id"] else None
    own = network(row["source"]) if row["actor"] == row["subject"] else ""  # an officer's is not the citizen's to see
    where = client.name(i18n.language()) if client else row["client_id"] or own  # one that is gone is still named
    return Happening(row["at"], str(WORDS[row["event"]]) + detail_words(row) + record_words(connection, row), where)


def network(source: str) -> str:
    if not source.startswith(ADDRESS):
        return ""
    return gettext("The network that you use now") if source == CURRENT.get().source else gettext("Another network")


def record_words(connection: Connection, row: Mapping[Any, Any]) -> str:
    """Of another agency's record, allowed or fetched: which one, though it may be withdrawn by now."""
    member = {"record.used": "identifiers", "consent.given": "record"}.get(row["event"], "")
    identifiers = json.loads(row["detail"]).get(member, "").split()
    entries = [load_entry_ever(connection, each) for each in identifiers]
    names = [entry.name(i18n.language()) for entry in entries if entry is not None]
    return f": {', '.join(names)}" if names else ""


def detail_words(row: Mapping[Any, Any]) -> str:
    """What the entry's detail adds for its reader."""
    detail = json.loads(row["detail"])
    if row["event"] == "session.ended" and row["reason"] == "expired":
        return " " + gettext("(after a while without use)")
    if row["event"] == "payment.signed":
        return f": {detail['reference']}"
    if "ial" in detail:
        return f" (IAL{detail['ial']})"
    return ""
