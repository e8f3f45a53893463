"""The audit trail for auditors: the newest entries, each with whether it still is what was chained, and how far the
signed checkpoints and their outside witnesses have come.

The whole trail is proven by `prajak audit verify`, which may take its time; a page must not: whatever is looked for, it
looks at a bounded number of entries at a time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, RowMapping, func, select

from core.audit import AuditEntry
from core.audit_chain import as_entry, head, is_own_hash, stored, waiting
from core.web import callers, page
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.models.membership import Role
from keys.audit_checkpoint import Checkpoint, TrailBroken, newest
from keys.audit_witness import AuditWitnesses, WitnessState

PAGE = 25
WINDOW = 100_000  # entries looked at for one page: a filter that hits nothing must not read a hundred million
FILTERS = ("event", "actor", "subject", "client_id", "source")
MAX_DIGITS = 18  # of a row's number


@dataclass(frozen=True)
class Found:
    """Each entry with whether it still is what was chained; None where the sequencer has not been there yet. `older` is
    the number to go on before, None at the beginning of the trail.
    """

    entries: list[tuple[RowMapping, bool | None]]
    older: int | None


@dataclass(frozen=True)
class Vouched:
    """The newest checkpoint, None before the first; `forged` says why the stored one must not be believed. `after` is
    how many chained entries it does not cover, `unchained` how many have no place yet.
    """

    checkpoint: Checkpoint | None
    forged: str
    after: int
    unchained: int
    witnesses: list[WitnessState]


class AuditPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services
        self.witnesses = AuditWitnesses(services.ground, services.outbox.enqueue)

    @callers(Role.AUDITOR.value)
    def audit_trail(self) -> ResponseReturnValue:
        """A page at a time, older ones by a link; filtered by exact event, actor, subject, client or source."""
        wanted = {name: request.args.get(name, "").strip()[:80] for name in FILTERS}
        return page(
            "admin/audit.html",
            navigation=navigation(self.services, "/console/audit"),
            found=self.load(wanted, request.args.get("before", "")),
            vouched=self.vouched(),
            wanted=wanted,
        )

    def load(self, wanted: Mapping[str, str], before: str) -> Found:
        table = AuditEntry.__table__
        said = int(before) if before.isascii() and before.isdigit() and len(before) <= MAX_DIGITS else None
        with self.services.ground.database.read() as connection:
            last = connection.execute(select(func.max(AuditEntry.number))).scalar_one() or 0
            end = last + 1 if said is None else min(said, last + 1)
            query = select(table).where(AuditEntry.number < end, AuditEntry.number >= end - WINDOW)
            query = query.where(*(table.c[name] == value for name, value in wanted.items() if value))
            rows = connection.execute(query.order_by(AuditEntry.number.desc()).limit(PAGE)).mappings().all()
            as_chained = states(connection, [row["number"] for row in rows])
        entries = [(row, as_chained[row["number"]]) for row in rows]
        older = rows[-1]["number"] if len(rows) == PAGE else end - WINDOW
        return Found(entries, older if older > 1 else None)

    def vouched(self) -> Vouched:
        checkpoints = self.services.trust.checkpoints
        with self.services.ground.database.read() as connection:
            row, (last, _), behind = newest(connection), head(connection), waiting(connection).count
        checkpoint, forged = None, ""
        try:
            checkpoint = checkpoints.believed(row) if row is not None else None
        except TrailBroken as error:
            forged = str(error)
        after = max(last - (checkpoint.sequence if checkpoint else 0), 0)
        return Vouched(checkpoint, forged, after, behind, self.witnesses.states())


def states(connection: Connection, numbers: Sequence[int]) -> dict[int, bool | None]:
    """By number; what is compared is what is stored, not what a library made of it."""
    found = map(as_entry, connection.execute(stored(connection).where(AuditEntry.number.in_(numbers))))
    return {each.number: None if each.sequence is None else is_own_hash(each, each.previous_hash) for each in found}
