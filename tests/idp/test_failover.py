"""Redis forgets everything, as a fail-over to an empty replica would: what was spent stays spent, what ended stays ended.

Nothing that must not come back is kept there (core/ephemeral.py).
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlencode

import pytest

from tests.backends import free_port, stop, wait_for_port
from tests.idp.fixtures import agency, browser, provider
from tests.idp.provider import query_of

__all__ = ["agency", "browser", "provider"]


class FailingRedis:
    """A server of this test's own, which can lose everything."""

    def __init__(self) -> None:
        self.port = free_port()
        self.server = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        arguments = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        server = subprocess.Popen(["redis-server", *arguments], stdout=subprocess.DEVNULL)
        wait_for_port(self.port)
        return server

    def fail_over(self) -> None:
        """Killed, and another takes its address, with nothing in it."""
        self.server.kill()
        self.server.wait(timeout=10)
        self.server = self._start()


@pytest.fixture
def failing() -> Iterator[FailingRedis]:
    made = FailingRedis()
    yield made
    stop(made.server)


@pytest.fixture
def settings(settings, failing):
    return replace(settings, redis_url=f"redis://127.0.0.1:{failing.port}/0")


def error_of(answer):
    return answer.json.get("error")


@pytest.mark.both_backends
def test_a_spent_code_stays_spent_and_what_came_of_it_is_taken_back(agency, browser, failing):
    code = agency.code(browser)
    token = agency.redeem(code).json["access_token"]
    failing.fail_over()
    assert agency.userinfo(token).status_code == 200, "a fail-over ends nothing"
    assert error_of(agency.redeem(code)) == "invalid_grant"
    assert agency.userinfo(token).status_code == 401


@pytest.mark.both_backends
def test_a_spent_assertion_stays_spent(agency, browser, failing):
    authentication = agency.authentication()
    assert agency.redeem(agency.code(browser), **authentication).status_code == 200
    failing.fail_over()
    assert error_of(agency.redeem(agency.code(browser), **authentication)) == "invalid_client"


@pytest.mark.both_backends
def test_a_spent_proof_stays_spent(agency, browser, failing):
    proof = agency.proof("POST", "/token")
    token = agency.redeem(agency.code(browser), dpop=proof).json["access_token"]
    at_userinfo = agency.proof("GET", "/userinfo", access_token=token)
    assert agency.userinfo(token, dpop=at_userinfo).status_code == 200
    failing.fail_over()
    assert error_of(agency.redeem(agency.code(browser), dpop=proof)) == "invalid_dpop_proof"
    assert error_of(agency.userinfo(token, dpop=at_userinfo)) == "invalid_dpop_proof"


@pytest.mark.both_backends
def test_an_answered_pushed_request_stays_answered_and_one_that_waits_still_waits(agency, browser, failing):
    answered, waiting = agency.pushed_url(), agency.pushed_url()
    assert "code" in query_of(agency.walk(browser, browser.get(answered)))
    failing.fail_over()
    assert "code=" not in str(browser.get(answered).location)
    assert "code" in query_of(agency.walk(browser, browser.get(waiting)))


@pytest.mark.both_backends
def test_a_rotated_refresh_token_stays_rotated(provider, browser, failing, clock):
    agency = provider.agency(grant_types=["authorization_code", "refresh_token"], scope="openid profile offline_access")
    tokens = agency.sign_in(browser, scope="openid offline_access", prompt="consent")

    def refresh(refresh_token):
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **agency.authentication()}
        return provider.browser().post("/token", data=form)

    second = refresh(tokens["refresh_token"]).json["refresh_token"]
    clock.advance(provider.ground.settings.access_token_lifetime)
    failing.fail_over()
    assert error_of(refresh(tokens["refresh_token"])) == "invalid_grant"
    assert error_of(refresh(second)) == "invalid_grant", "and its replay killed the family"


def test_the_session_of_who_is_signed_in_is_not_lost(agency, browser, failing):
    agency.code(browser)
    failing.fail_over()
    answer = browser.get("/authorize?" + urlencode(agency.request(prompt="none")))
    assert "code" in query_of(answer)
