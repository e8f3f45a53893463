"""A provider whose keys are on a token, while the token is away and after: nothing acknowledged is lost, every error says
that it is worth another try, and it heals by itself.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import count
from threading import Condition, Event
from time import monotonic

import click
import pytest
from click.testing import CliRunner
from structlog.testing import capture_logs

from idp.app import build
from idp.command.doctor import checked
from idp.command.output import PlainErrors
from idp.composition import compose
from keys.errors import TokenAway
from tests.browser_client import BrowserClient
from tests.idp.fixtures import agency, browser, provider
from tests.idp.provider import query_of

__all__ = ["agency", "browser", "provider"]

HEALED_WITHIN = 30  # seconds


@pytest.fixture
def settings(settings, token_url):
    return replace(settings, keys_url=token_url)


@pytest.fixture
def without_pauses(monkeypatch):
    """The next attempt to reach the token is always due."""
    monkeypatch.setattr("keys.pkcs11_token.FIRST_PAUSE", 0.0)


def check_away(answer):
    """A 503 that says when to come back, in the words of the protocol."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["Retry-After"] == "5"
    assert answer.is_json is False or answer.json["error"] == "temporarily_unavailable"


@pytest.mark.usefixtures("without_pauses")
def test_what_was_asked_while_it_is_away_can_be_asked_again_after(provider, browser, soft_tokens):
    agency = provider.agency(grant_types=["authorization_code", "refresh_token"], scope="openid profile offline_access")
    tokens = agency.sign_in(browser, scope="openid offline_access", prompt="consent")
    code = agency.code(browser)

    def refresh():
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], **agency.authentication()}
        return provider.browser().post("/token", data=form)

    with soft_tokens.away():
        check_away(agency.redeem(code))
        check_away(refresh())
        check_away(agency.authorize(browser))
    assert agency.verified(agency.redeem(code).json["id_token"])
    assert agency.verified(refresh().json["access_token"])
    assert agency.verified(agency.sign_in(browser)["id_token"])


@pytest.mark.usefixtures("without_pauses")
def test_readyz_and_the_doctor_say_that_the_token_is_away(ground, soft_tokens):
    provider = compose(ground.settings, ground.clock)
    app = build(provider)
    app.test_client_class = BrowserClient
    client = app.test_client()
    assert client.get("/readyz").json["parts"]["keys"] is True
    with soft_tokens.away(), capture_logs():
        answer = client.get("/readyz")
        assert (answer.status_code, answer.json["parts"]["keys"]) == (503, False)
        found = next(each for each in checked(provider) if each.part == "keys")
        assert (found.state, found.finding[:33]) == ("broken", "pkcs11:token=prajak is away: C_In")
        assert "bring the token back" in found.mend
        assert client.get("/jwks").status_code == 200, "public keys are rows: what was signed can be verified"
    assert client.get("/readyz").status_code == 200
    provider.close()


def test_a_command_says_which_token_is_away():
    @click.group(cls=PlainErrors)
    def group():
        """Commands."""

    @group.command()
    def rotate():
        raise TokenAway("pkcs11:token=t is away: DeviceRemoved")

    result = CliRunner().invoke(group, ["rotate"])
    assert (result.exit_code, result.stderr) == (1, "Error: pkcs11:token=t is away: DeviceRemoved\n")


class SignIns:
    """People who sign in without pause, each with a browser of their own, and what came of it."""

    def __init__(self, provider, agency, threads=4):
        self.provider, self.agency, self.threads = provider, agency, threads
        self.tokens, self.refused = [], []
        self.more, self.ended = Condition(), Event()

    def __enter__(self):
        self.pool = ThreadPoolExecutor(self.threads)
        self.running = [self.pool.submit(self._person) for _ in range(self.threads)]
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.pool.shutdown()
        for each in self.running:
            each.result()

    def _person(self):
        browser = self.provider.browser()
        for _ in count():
            if self.ended.is_set():
                return
            began, answer = monotonic(), self._sign_in(browser)
            with self.more:
                (self.tokens if answer.status_code == 200 else self.refused).append((began, answer))
                self.more.notify()

    def _sign_in(self, browser):
        """The first answer that is no step further: the token response, or what stands in the way."""
        answer = self.agency.walk(browser, self.agency.authorize(browser))
        if answer.status_code != 303:
            return answer
        return self.agency.redeem(query_of(answer)["code"])

    def next(self, outcomes):
        """Seconds until one that begins from now on ends so."""
        now = monotonic()
        with self.more:
            assert self.more.wait_for(lambda: any(began > now for began, _ in outcomes), HEALED_WITHIN)
        return monotonic() - now


def test_under_load_the_token_goes_and_comes_back_and_nothing_acknowledged_is_lost(provider, agency, soft_tokens):
    with SignIns(provider, agency) as load:
        for _ in range(2):
            load.next(load.tokens)
            with soft_tokens.away():
                load.next(load.refused)
            assert load.next(load.tokens) < HEALED_WITHIN
    for _, answer in load.refused:
        check_away(answer)
    for _, answer in load.tokens:
        agency.verified(answer.json["id_token"])
        assert agency.userinfo(answer.json["access_token"]).status_code == 200
