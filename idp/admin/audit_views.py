"""The audit trail for auditors: the newest entries, each with whether it still is what was chained.

The whole trail is proven by `prajak audit verify`, which may take its time; a page must not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection, RowMapping, select

from core.audit import AuditEntry
from core.audit_chain import as_entry, is_own_hash, stored, waiting
from core.web import callers, page
from idp.admin.navigation import navigation
from idp.admin.services import ConsoleServices
from idp.models.membership import Role

PAGE = 25
FILTERS = ("event", "actor", "subject", "client_id")
MAX_DIGITS = 18  # of a row's number


class AuditPages:
    def __init__(self, services: ConsoleServices) -> None:
        self.services = services

    @callers(Role.AUDITOR.value)
    def audit_trail(self) -> ResponseReturnValue:
        """A page at a time, older ones by a link; filtered by exact event, actor, subject or client."""
        wanted = {name: request.args.get(name, "").strip()[:80] for name in FILTERS}
        entries, unchained = self.load(wanted, request.args.get("before", ""))
        return page(
            "admin/audit.html",
            navigation=navigation(self.services, "/console/audit"),
            entries=entries,
            wanted=wanted,
            older=entries[-1][0]["number"] if len(entries) == PAGE else None,
            unchained=unchained,
            filters=FILTERS,
        )

    def load(self, wanted: Mapping[str, str], before: str) -> tuple[list[tuple[RowMapping, bool | None]], int]:
        """Each entry with whether it still is what was chained; None where the sequencer has not been there yet."""
        table = AuditEntry.__table__
        query = select(table).order_by(AuditEntry.number.desc()).limit(PAGE)
        query = query.where(*(table.c[name] == value for name, value in wanted.items() if value))
        if before.isascii() and before.isdigit() and len(before) <= MAX_DIGITS:
            query = query.where(AuditEntry.number < int(before))
        with self.services.ground.database.read() as connection:
            rows = connection.execute(query).mappings().all()
            as_chained = states(connection, [row["number"] for row in rows])
            return [(row, as_chained[row["number"]]) for row in rows], waiting(connection).count


def states(connection: Connection, numbers: Sequence[int]) -> dict[int, bool | None]:
    """By number; what is compared is what is stored, not what a library made of it."""
    found = map(as_entry, connection.execute(stored(connection).where(AuditEntry.number.in_(numbers))))
    return {each.number: None if each.sequence is None else is_own_hash(each, each.previous_hash) for each in found}
