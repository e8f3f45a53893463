"""The tokens of registration: a use is one client, a change is one winner."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select

from idp.registration.access_tokens import (
    InitialAccessToken,
    RegistrationAccessToken,
    issue_initial_access_token,
    issue_registration_access_token,
    rotate_registration_access_token,
    spend_admission,
)

MANY = 20


def admission(provider, uses: int) -> str:
    with provider.ground.database.write() as connection:
        return issue_initial_access_token(
            connection, provider.ground.clock, agency_id=None, note="", uses=uses, lifetime=timedelta(days=1), by="t"
        )


def at_once(act):
    with ThreadPoolExecutor(8) as pool:
        return [answer for answer in pool.map(lambda _: act(), range(MANY)) if answer]


@pytest.mark.both_backends
def test_of_many_callers_as_many_are_let_in_as_there_are_uses(provider):
    token, database, now = admission(provider, uses=3), provider.ground.database, provider.ground.clock.now()

    def spend() -> bool:
        with database.write() as connection:
            return spend_admission(connection, token, now)

    assert len(at_once(spend)) == 3


@pytest.mark.both_backends
def test_of_many_changes_with_one_token_one_wins(provider):
    client_id, now, database = provider.agency().client_id, provider.ground.clock.now(), provider.ground.database
    with database.write() as connection:
        token = issue_registration_access_token(connection, client_id, now)

    def rotate() -> str | None:
        with database.write() as connection:
            return rotate_registration_access_token(connection, client_id, token, now)

    assert len(at_once(rotate)) == 1


def test_tokens_are_kept_as_hashes(provider):
    token, database = admission(provider, uses=1), provider.ground.database
    client_id = provider.agency().client_id
    with database.write() as connection:
        other = issue_registration_access_token(connection, client_id, provider.ground.clock.now())
    with database.read() as connection:
        rows = [
            connection.execute(select(table.__table__)).one() for table in (InitialAccessToken, RegistrationAccessToken)
        ]
    assert token not in str(rows)
    assert other not in str(rows)


def test_tokens_that_ended_long_ago_are_forgotten(provider, clock):
    admission(provider, uses=1)
    clock.advance(timedelta(days=32))
    admission(provider, uses=1)
    with provider.ground.database.read() as connection:
        assert len(connection.execute(select(InitialAccessToken.id)).all()) == 1
