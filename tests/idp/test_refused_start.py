"""What an operator reads when the provider does not open."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from core.ground import Ground
from core.settings import SettingsError
from idp.refused_start import DATABASE, RESTORE, TOKEN, UPGRADE, refusal_of
from keys.errors import KeystoreError, TokenAway
from tests.served import sandbox_in


def error_of(url: str, statement: str) -> DBAPIError:
    engine = create_engine(url)
    with pytest.raises(DBAPIError) as raised, engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()
    return raised.value


@pytest.mark.both_backends
def test_a_schema_of_another_version_is_told_from_a_database_that_is_away(ground: Ground, tmp_path: Path):
    for missing in ("SELECT * FROM nothing_of_ours", "SELECT nothing_of_ours FROM installation"):
        assert refusal_of(error_of(ground.settings.database_url, missing)).mend == UPGRADE
    assert refusal_of(error_of(f"sqlite:///{tmp_path}/no/folder/x.db", "SELECT 1")).mend == DATABASE
    away = refusal_of(error_of("postgresql+psycopg://nobody@127.0.0.1:1/nothing", "SELECT 1"))
    assert (away.mend, "\n" in away.why) == (DATABASE, False)


@pytest.mark.parametrize(
    ("error", "mend"),
    [
        (SettingsError("PRAJAK_ISSUER must be https"), "mend the setting"),
        (TokenAway("pkcs11:token=t is away"), TOKEN),
        (KeystoreError("the key file KID.pem is missing"), RESTORE),
        (PermissionError(13, "Permission denied", "/var/lib/prajak"), "PRAJAK_DATA_DIR"),
    ],
)
def test_each_cause_has_its_mend(error: Exception, mend: str):
    assert mend in refusal_of(error).mend
    assert refusal_of(error).why == str(error)


def test_a_fault_of_ours_keeps_its_traceback():
    assert refusal_of(ZeroDivisionError()) is None
    assert refusal_of(sqlite3.IntegrityError()) is None


def test_over_a_schema_of_another_version_server_and_command_name_the_mend_in_one_line(tmp_path: Path):
    provider = sandbox_in(tmp_path)
    refused = provider.prajak("serve", "--port", str(provider.port), check=False)
    assert (refused.returncode, "Traceback" in refused.stdout + refused.stderr) == (1, False)
    assert json.loads(refused.stderr.splitlines()[0])["mend"] == UPGRADE
    listed = provider.prajak("key", "list", check=False)
    assert (listed.returncode, listed.stderr.count("\n")) == (1, 1)
    assert UPGRADE in listed.stderr
