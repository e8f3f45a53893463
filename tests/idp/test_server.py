"""The table: what was authorized leaves no rows behind for ever, and two extensions cannot disagree in discovery."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from idp.models.issued_token import IssuedToken
from idp.models.pushed_request import PushedRequest
from idp.models.session_client import SessionClient
from idp.oauth2.metadata import joined
from tests.idp.fixtures import agency, browser, provider

__all__ = ["agency", "browser", "provider"]


def count(provider, model):
    with provider.ground.database.read() as connection:
        return connection.execute(select(func.count()).select_from(model)).scalar_one()


@pytest.mark.both_backends
def test_rows_go_when_their_time_is_over_and_not_before(provider, agency, browser, clock):
    agency.walk(browser, browser.get(agency.pushed_url()))
    token = agency.sign_in(browser)["access_token"]
    provider.server.purge()
    assert (count(provider, IssuedToken), count(provider, PushedRequest), count(provider, SessionClient)) == (1, 1, 1)
    assert agency.userinfo(token).status_code == 200
    clock.advance(timedelta(hours=1))
    provider.server.purge()
    assert (count(provider, IssuedToken), count(provider, PushedRequest), count(provider, SessionClient)) == (0, 0, 1)
    clock.advance(timedelta(hours=24))
    provider.server.purge()
    assert count(provider, SessionClient) == 0


def test_two_extensions_that_disagree_stop_the_start():
    assert joined([{"a": 1}, {"a": 1, "b": 2}]) == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="said twice"):
        joined([{"a": 1}, {"a": 2}])
