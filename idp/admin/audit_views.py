"""The audit trail for auditors: the newest entries, each with whether it still is what was chained.

The whole trail is proven by `prajak audit verify`, which may take its time; a page must not.
"""

from __future__ import annotations

from collections.abc import Mapping

from flask import request
from flask.typing import ResponseReturnValue
from sqlalchemy import RowMapping, func, select

from core.audit import AuditEntry, entry_hash
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
            entries=[(each, is_as_chained(each)) for each in entries],
            wanted=wanted,
            older=entries[-1]["number"] if len(entries) == PAGE else None,
            unchained=unchained,
            filters=FILTERS,
        )

    def load(self, wanted: Mapping[str, str], before: str) -> tuple[list[RowMapping], int]:
        table = AuditEntry.__table__
        query = select(table).order_by(AuditEntry.number.desc()).limit(PAGE)
        query = query.where(*(table.c[name] == value for name, value in wanted.items() if value))
        if before.isascii() and before.isdigit() and len(before) <= MAX_DIGITS:
            query = query.where(AuditEntry.number < int(before))
        waiting = select(func.count()).select_from(AuditEntry).where(AuditEntry.sequence.is_(None))
        with self.services.ground.database.read() as connection:
            return list(connection.execute(query).mappings()), int(connection.execute(waiting).scalar_one())


def is_as_chained(entry: RowMapping) -> bool | None:
    """None while the sequencer has not been there yet."""
    if entry["sequence"] is None:
        return None
    return bool(entry_hash(entry["previous_hash"], entry["sequence"], entry) == entry["entry_hash"])
