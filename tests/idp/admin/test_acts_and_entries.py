"""An act does not happen when its entry cannot be written: whatever the act, nothing of it stays."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from core.audit import AuditEntry
from core.database import Base
from keys.certificate_rows import RevocationReason
from keys.purposes import Purpose
from tests.idp.admin.site import FORM, ConsoleSite
from tests.keys.conftest import ANAN

NOT_THE_ACT = {"lease", "ephemeral_value", "spent", "interaction", "key_use"}  # counters, and what led to the act


@contextmanager
def without_entries(site: ConsoleSite) -> Iterator[None]:
    """The disk of the trail is full, say."""
    database = site.provider.ground.database
    with database.write() as connection:
        connection.execute(
            text("CREATE TRIGGER full BEFORE INSERT ON audit_entry BEGIN SELECT RAISE(ABORT, 'no space'); END")
        )
    try:
        yield
    finally:
        with database.write() as connection:
            connection.execute(text("DROP TRIGGER full"))


def rows(site: ConsoleSite) -> dict[str, object]:
    """How much stands in every table, and in which state keys and clients are."""
    with site.provider.ground.database.read() as connection:
        found: dict[str, object] = {
            table.name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for table in Base.metadata.sorted_tables
            if table.name not in NOT_THE_ACT
        }
        for name, column in (("key", "state"), ("client", "metadata_json"), ("certificate", "serial")):
            table = Base.metadata.tables[name]
            if column in table.c:
                found[f"{name}.{column}"] = str(sorted(map(str, connection.execute(select(table.c[column])).scalars())))
    return found


def sign_in(site: ConsoleSite) -> int:
    browser = site.browser()
    path = browser.get("/sign-in").location
    return browser.submit(path, {"step": "sandbox", "user": "somchai"}).status_code


def issue(site: ConsoleSite) -> None:
    trust = site.provider.trust
    trust.ca.issue("officer", trust.keystore.active(Purpose.CLIENT_ASSERTION).public_key, ANAN)


def revoke(site: ConsoleSite) -> None:
    trust = site.provider.trust
    trust.ca.revoke(
        trust.services.current(Purpose.TSA).certificate.serial_number, RevocationReason.SUPERSEDED, actor="x"
    )


ACTS = {
    "a sign-in": sign_in,
    "a key rotated": lambda site: site.provider.trust.keystore.rotate(Purpose.ID_TOKEN, at_once=True),
    "a holder's key": lambda site: site.provider.trust.keystore.create(Purpose.SEAL),
    "a certificate": issue,
    "a revocation": revoke,
}


@pytest.mark.parametrize("act", ACTS)
def test_no_entry_no_act(site: ConsoleSite, act: str):
    before = rows(site)
    with without_entries(site):
        try:
            told = str(ACTS[act](site))
        except DBAPIError as error:
            told = str(error)
        assert told == "500" or "no space" in told
    assert set(rows(site).items()) ^ set(before.items()) == set()


def test_no_entry_no_client(site: ConsoleSite):
    developer = site.browser("dev-dao")
    before = rows(site)
    with without_entries(site):
        assert developer.submit("/console/clients/new", FORM).status_code == 500
    assert rows(site) == before


def test_the_same_acts_leave_entries_otherwise(site: ConsoleSite):
    with site.provider.ground.database.read() as connection:
        before = connection.execute(select(func.max(AuditEntry.number))).scalar_one()
    assert sign_in(site) == 303
    with site.provider.ground.database.read() as connection:
        assert connection.execute(select(func.max(AuditEntry.number))).scalar_one() > before
