"""The audit trail as an auditor reads it."""

from __future__ import annotations

from sqlalchemy import update

from core import audit
from core.audit import AuditEntry


def chain(site):
    with site.provider.ground.database.write() as connection:
        while audit.chain(connection):
            pass


def test_an_auditor_sees_what_was_done_by_whom(site, developer):
    client_id = site.register(developer)
    chain(site)
    page = site.browser("auditor-arun").get(f"/console/audit?client_id={client_id}")
    assert "client.registered" in page.text
    assert site.ids["dev-dao"] in page.text
    assert "Unchanged" in page.text


def test_nobody_else_does(site, developer):
    assert developer.get("/console/audit").status_code == 403


def test_a_changed_entry_is_shown_as_one(site, developer):
    client_id = site.register(developer)
    chain(site)
    mine = AuditEntry.client_id == client_id
    with site.provider.ground.database.write() as connection:
        connection.execute(update(AuditEntry).where(mine).values(actor="somebody else"))
    page = site.browser("auditor-arun").get(f"/console/audit?client_id={client_id}")
    assert "Changed after it was written" in page.text


def test_odd_filters_show_an_empty_page(site):
    auditor = site.browser("auditor-arun")
    for query in ("before=x", "before=" + "9" * 40, "event=%F0%9F%92%A9", "actor=" + "x" * 500, "before=๑๒"):
        assert auditor.get(f"/console/audit?{query}").status_code == 200
