"""The audit trail as an auditor reads it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace

import pytest
from sqlalchemy import text, update

from core import audit_chain
from core.audit import AuditEntry
from idp.admin.audit_views import AuditPages
from idp.background import chain_audit
from keys.audit_checkpoint import AuditCheckpoint
from tests.core.trail import disarmed, write_entries


def chain(site):
    with site.provider.ground.database.write() as connection:
        while audit_chain.chain(connection):
            pass


@contextmanager
def tampered(site, change, undo):
    """The site is the whole file's: what was done to its trail is undone."""
    ground = site.provider.ground
    for statement in (change, undo):
        with disarmed(ground), ground.database.write() as connection:
            connection.execute(statement)
        if statement is change:
            yield


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
    mine = update(AuditEntry).where(AuditEntry.client_id == client_id)
    with tampered(site, mine.values(actor="somebody else"), mine.values(actor=site.ids["dev-dao"])):
        page = site.browser("auditor-arun").get(f"/console/audit?client_id={client_id}")
    assert "Changed after it was written" in page.text


def test_the_newest_checkpoint_is_shown_and_how_much_it_does_not_cover(site):
    auditor = site.browser("auditor-arun")
    assert "None yet" in auditor.get("/console/audit").text
    chain(site)
    while made := site.provider.trust.checkpoints.make():
        newest = made
    page = auditor.get("/console/audit").text
    assert f"up to entry {newest.sequence}" in page
    assert "Signed and time-stamped" in page
    assert "No outside witness is named" in page


def test_a_forged_checkpoint_is_shown_as_one(site):
    write_entries(site.provider.ground, 1)
    made = site.provider.trust.checkpoints.make()
    mine = update(AuditCheckpoint).where(AuditCheckpoint.sequence == made.sequence)
    with tampered(site, mine.values(jws=made.jws[:-8] + "AAAAAAAA"), mine.values(jws=made.jws)):
        assert "The newest checkpoint is forged" in site.browser("auditor-arun").get("/console/audit").text


@pytest.mark.parametrize("exists", [True, False])
def test_a_witness_is_shown_with_how_far_it_is_behind(site, tmp_path, exists):
    settings = replace(site.provider.ground.settings, audit_witness=(f"file:{tmp_path}/{'' if exists else 'no/'}kept",))
    pages = AuditPages(replace(site.services, ground=replace(site.services.ground, settings=settings)))
    write_entries(site.provider.ground, 1)
    site.provider.trust.checkpoints.make()
    behind = pages.vouched().witnesses[0].behind
    assert behind >= 1
    pages.witnesses.deliver()
    state = pages.vouched().witnesses[0]
    assert (state.behind, state.failure == "") == ((0, True) if exists else (behind, False))


def test_older_entries_are_reached_though_a_filter_hits_nothing_near(site, monkeypatch):
    monkeypatch.setattr("idp.admin.audit_views.WINDOW", 5)
    ground, pages = site.provider.ground, AuditPages(site.services)
    with ground.database.read() as connection:
        first = connection.execute(text("SELECT min(number), event FROM audit_entry")).one()
    write_entries(ground, 7)
    wanted, before, seen = {"event": first[1]}, "", []
    while True:
        found = pages.load(wanted, before)
        seen += [row["number"] for row, _ in found.entries]
        if found.older is None:
            break
        before = str(found.older)
    assert first[0] in seen
    assert seen == sorted(set(seen), reverse=True)


def test_odd_filters_show_an_empty_page(site):
    auditor = site.browser("auditor-arun")
    for query in (
        "before=x",
        "before=" + "9" * 40,
        "before=0",
        "event=%F0%9F%92%A9",
        "actor=" + "x" * 500,
        "before=๑๒",
    ):
        assert auditor.get(f"/console/audit?{query}").status_code == 200


def test_the_sequencer_catches_up_with_what_waits_in_one_round(site):
    ground = site.provider.ground
    write_entries(ground, 2 * audit_chain.BATCH + 1, chained=False)
    chain_audit(site.provider)
    with ground.database.read() as connection:
        assert audit_chain.waiting(connection).count == 0
