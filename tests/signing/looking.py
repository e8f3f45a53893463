"""What is known of a document at the desk: its state, and what the audit trail says of it."""

from __future__ import annotations

from sqlalchemy import select

from core.audit import AuditEntry


def events(ground):
    with ground.database.read() as connection:
        rows = connection.execute(select(AuditEntry.event, AuditEntry.reason).order_by(AuditEntry.number)).all()
    return [(row.event, row.reason) for row in rows if row.event.startswith("signing.")]


def state_of(services, page):
    return services.documents.load_any(page.rsplit("/", 1)[1]).state
