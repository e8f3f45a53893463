"""Sessions: SP 800-63B-4 sections 2 and 5, and what an attacker would try."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from core.assurance import AAL
from core.audit import AuditEntry
from core.identifiers import hashed
from idp.interaction.session import Session
from idp.models.membership import Membership

MINUTE = timedelta(minutes=1)


def rows(site):
    with site.ground.database.read() as connection:
        return connection.execute(select(Session.__table__).order_by(Session.started_at)).mappings().all()


@pytest.mark.both_backends
def test_the_cookie_s_secret_is_not_in_the_database(site, browser):
    site.sign_in(browser, "somchai")
    (row,) = rows(site)
    assert row["token_hash"] == hashed(site.cookie(browser))
    assert site.cookie(browser) not in repr(dict(row))


def test_signing_in_changes_a_token_that_was_there_before(site, browser):
    """Session fixation: whoever planted or saw the old one has nothing."""
    site.sign_in(browser, "somchai")
    before = site.cookie(browser)
    site.sign_in(browser, "somchai", site.ask(prompt=("login",)))
    assert site.cookie(browser) != before
    assert site.sessions.load(before) is None
    assert site.sessions.load(site.cookie(browser)) is not None


def test_signing_in_again_keeps_the_session_and_its_sid(site, browser):
    site.sign_in(browser, "somchai")
    before = site.current(browser)
    site.sign_in(browser, "somchai", site.ask(prompt=("login",)))
    assert site.current(browser).sid == before.sid
    assert len(rows(site)) == 1


def test_another_person_ends_the_session_that_was_there(site, browser):
    site.sign_in(browser, "somchai")
    first = site.current(browser)
    site.sign_in(browser, "malee", site.ask(prompt=("login",)))
    assert site.current(browser).account_id == site.ids["malee"]
    assert site.told == [(first.sid, site.ids["somchai"])]


@pytest.mark.parametrize(("name", "idle"), [("somchai", 30), ("officer-anan", 15)])
def test_an_idle_session_is_over(site, browser, clock, name, idle):
    site.sign_in(browser, name)
    clock.advance((idle - 1) * MINUTE)
    assert browser.get("/me").text == "me"
    clock.advance(idle * MINUTE)
    assert browser.get("/me").status_code == 303


def test_an_administrator_s_session_is_idle_after_five_minutes(site, browser, clock):
    site.sign_in(browser, "somchai")
    appoint(site, "somchai", "administrator")
    clock.advance(5 * MINUTE)
    assert site.current(browser) is None


def test_twelve_hours_are_the_end_however_busy_it_was(site, browser, clock):
    site.sign_in(browser, "somchai")
    for _ in range(12 * 4 - 1):
        clock.advance(15 * MINUTE)
        assert site.current(browser) is not None
    clock.advance(15 * MINUTE)
    assert site.current(browser) is None


def test_looking_is_written_at_most_once_a_minute(site, browser, clock):
    site.sign_in(browser, "somchai")
    seen = rows(site)[0]["last_seen"]
    clock.advance(timedelta(seconds=59))
    site.current(browser)
    assert rows(site)[0]["last_seen"] == seen
    clock.advance(timedelta(seconds=1))
    site.current(browser)
    assert rows(site)[0]["last_seen"] == seen + MINUTE


def test_a_suspended_account_s_session_counts_no_more_at_once(site, browser):
    site.sign_in(browser, "somchai")
    site.suspend("somchai")
    assert site.current(browser) is None


@pytest.mark.both_backends
def test_the_expiry_job_ends_sessions_and_tells_their_clients_once(site, browser, clock):
    site.sign_in(browser, "somchai")
    site.sign_in(site.browser(), "officer-anan")
    clock.advance(20 * MINUTE)
    assert site.sessions.end_expired() == 1
    clock.advance(20 * MINUTE)
    assert site.sessions.end_expired() == 1
    assert site.sessions.end_expired() == 0
    assert [account_id for _sid, account_id in site.told] == [site.ids["officer-anan"], site.ids["somchai"]]


def test_the_expiry_job_ends_the_sessions_of_a_suspended_account(site, browser):
    site.sign_in(browser, "somchai")
    site.suspend("somchai")
    assert site.sessions.end_expired() == 1


@pytest.mark.both_backends
def test_a_session_ends_once(site, browser):
    site.sign_in(browser, "somchai")
    sid = site.current(browser).sid
    with site.ground.database.write() as connection:
        assert site.sessions.end(connection, sid, reason="logout")
        assert not site.sessions.end(connection, sid, reason="logout")
    assert len(site.told) == 1


def test_ending_all_ends_the_session_on_every_device(site, browser):
    other = site.browser()
    site.sign_in(browser, "somchai")
    site.sign_in(other, "somchai")
    with site.ground.database.write() as connection:
        assert site.sessions.end_all(connection, site.ids["somchai"], reason="reported") == 2
    assert site.current(browser) is site.current(other) is None


def test_a_step_up_raises_the_level_for_a_while_and_changes_the_token(site, browser, clock):
    site.sign_in(browser, "somchai")
    session, token = site.current(browser), site.cookie(browser)
    stronger = type(
        "Stronger", (), {"account_id": session.account_id, "credential_id": "k", "aal": AAL.AAL3, "amr": ("hwk",)}
    )
    with site.ground.database.write() as connection:
        raised = site.sessions.step_up(connection, session, stronger())
    assert site.sessions.load(token) is None
    assert site.sessions.load(raised).aal == AAL.AAL3
    clock.advance(5 * MINUTE)
    decayed = site.sessions.load(raised)
    assert (decayed.aal, decayed.amr) == (AAL.AAL2, session.amr)


def test_starting_and_ending_are_recorded(site, browser):
    site.sign_in(browser, "somchai")
    with site.ground.database.write() as connection:
        site.sessions.end(connection, site.current(browser).sid, reason="logout")
    query = select(AuditEntry.event).where(AuditEntry.event.like("session.%")).order_by(AuditEntry.number)
    with site.ground.database.read() as connection:
        assert connection.execute(query).scalars().all() == ["session.started", "session.ended"]


def test_ended_sessions_are_purged_after_two_days(site, browser, clock):
    site.sign_in(browser, "somchai")
    clock.advance(timedelta(hours=13))
    site.sessions.end_expired()
    clock.advance(timedelta(days=2, hours=1))
    assert site.sessions.purge() == 1
    with site.ground.database.read() as connection:
        assert connection.execute(select(func.count()).select_from(Session)).scalar_one() == 0


@pytest.mark.parametrize("token", ["", "x", "x" * 43, "ก" * 43])
def test_a_made_up_cookie_is_nobody(site, browser, token):
    browser.set_cookie("prajak-session", token, domain="localhost")
    assert browser.get("/me").status_code == 303


def appoint(site, name: str, role: str) -> None:
    from sqlalchemy import insert

    row = {
        "id": "m1",
        "account_id": site.ids[name],
        "agency_id": "agency-a",
        "office": "",
        "role": role,
        "granted_by": "x",
    }
    with site.ground.database.write() as connection:
        connection.execute(insert(Membership), row | {"granted_at": site.ground.clock.now()})
