"""The migrations make just the tables that the code describes, on both back ends, and can be run twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from core.database import Database, open_database
from core.ground import Ground
from core.identifiers import new_id
from core.migration import configuration, differences, upgrade
from enrollment.account import AccountStore, PersonAttributes, write_attributes
from idp.app import METADATA
from keys.envelope import Envelope
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.sealed import BY_DATA_KEY, DIRECT, encrypt, header_of
from keys.secret import SecretName, SoftwareSecret
from keys.signer import open_custody

pytestmark = pytest.mark.both_backends


def test_the_migrated_schema_and_the_code_agree(ground: Ground):
    assert differences(ground.database, METADATA) == []


def test_migrating_again_does_nothing(ground: Ground):
    upgrade(ground.database, METADATA)
    assert differences(ground.database, METADATA) == []


def at_revision(database: Database, revision: str) -> None:
    """The database as an earlier release left it."""
    with database.write() as connection:
        command.upgrade(configuration(connection, METADATA), revision)


@pytest.fixture
def before(ground: Ground, tmp_path: Path) -> Iterator[Ground]:
    """An installation of the release before data keys had a table, with nobody in it yet."""
    if ground.settings.database_url.startswith("sqlite"):
        database = open_database(replace(ground.settings, database_url=f"sqlite:///{tmp_path}/before.db"))
    else:
        database = open_database(ground.settings)
        with database.write() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    try:
        at_revision(database, "0002")
        yield replace(ground, database=database)
    finally:
        database.close()


def test_the_people_of_an_earlier_release_can_still_be_read(before: Ground, tmp_path: Path):
    """Their data keys were columns, and bound to nobody."""
    custody, kid = open_custody(before.settings), new_id()
    key, data_key = custody.create_secret(kid, SecretName.A256GCM), b"k" * 32
    wrapped = encrypt(key, header_of(DIRECT, kid), data_key, "data-key")
    person = PersonAttributes(given_name_th="สมชาย", email="somchai@citizen.example")
    secret = SoftwareSecret("", SecretName.A256GCM, data_key)
    sealed = encrypt(secret, BY_DATA_KEY, write_attributes(person), "account:somchai:attributes")
    now = before.clock.now()
    with before.database.write() as connection:
        connection.execute(text(KEY), {"kid": kid, "now": now})
        connection.execute(text(ACCOUNT), {"wrapped": wrapped, "sealed": sealed, "now": now})
        for case, journey, who, key_of_case in (
            ("1", "enrolment", "somchai", wrapped),
            ("2", "recovery", "somchai", wrapped),
            ("3", "enrolment", "under-way", wrapped),
            ("4", "enrolment", "ended", b""),
        ):
            row = {"id": case, "journey": journey, "person": who, "data_key": key_of_case}
            connection.execute(text(CASE), row | {"resume": case.encode(), "now": now})
    upgrade(before.database, METADATA)
    assert differences(before.database, METADATA) == []
    keystore = Keystore(before, custody)
    keystore.ensure(Purpose.BLIND_INDEX)
    accounts = AccountStore(before, Envelope(keystore))
    assert accounts.attributes("somchai") == person
    assert not accounts.key("under-way").is_erased
    assert accounts.key("ended").is_erased


KEY = """INSERT INTO key (kid, purpose, algorithm, state, slot, label, created_at)
    VALUES (:kid, 'envelope', '256-bit', 'active', 'envelope', '', :now)"""
ACCOUNT = """INSERT INTO account (id, status, name, data_key, attributes, created_at)
    VALUES ('somchai', 'active', '', :wrapped, :sealed, :now)"""
CASE = """INSERT INTO proofing_case (id, journey, state, version, policy, account_id, data_key, resume_hash, opened_by,
    office, return_to, opened_at, expires_at)
    VALUES (:id, :journey, 'identified', 1, 'p', :person, :data_key, :resume, 'self', '', '', :now, :now)"""
