"""RFC 9470: the challenge, and the way from it through a new authorization request back to the resource."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.assurance import parse_acr
from idp.errors import InsufficientUserAuthentication
from idp.oauth2.bearer import challenge
from idp.oauth2.step_up import Needed, check_authentication
from tests.idp.provider import claims_of
from tests.protocol.requirement import requirement

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
LOW, HIGH = "urn:prajak:ial2.1:aal2", "urn:prajak:ial2.3:aal3"
HOUR = timedelta(hours=1)


def check(claims, **needed):
    check_authentication(claims, Needed(**needed), now=NOW, skew=timedelta(seconds=30), sandbox=False)


def seconds_ago(seconds):
    return int(NOW.timestamp()) - seconds


@pytest.mark.parametrize(
    ("claims", "needed"),
    [
        ({}, {}),
        ({"acr": LOW}, {"acr_values": (LOW,)}),
        ({"acr": HIGH}, {"acr_values": (LOW,)}),
        ({"acr": LOW}, {"acr_values": (HIGH, LOW)}),
        ({"auth_time": seconds_ago(3600)}, {"max_age": HOUR}),
        ({"auth_time": seconds_ago(0)}, {"max_age": timedelta()}),
        ({"acr": HIGH, "auth_time": seconds_ago(5)}, {"acr_values": (HIGH,), "max_age": HOUR}),
    ],
)
def test_what_is_enough_passes(claims, needed):
    check(claims, **needed)


@requirement("RFC 9470", "3", "MUST")
@pytest.mark.parametrize(
    ("claims", "needed"),
    [
        ({}, {"acr_values": (LOW,)}),
        ({}, {"max_age": HOUR}),
        ({"acr": LOW}, {"acr_values": (HIGH,)}),
        ({"acr": "urn:prajak:sandbox:ial2.3:aal3"}, {"acr_values": (LOW,)}),
        ({"acr": 5}, {"acr_values": (LOW,)}),
        ({"auth_time": seconds_ago(3631)}, {"max_age": HOUR}),
        ({"auth_time": "now"}, {"max_age": HOUR}),
        ({"auth_time": True}, {"max_age": HOUR}),
        ({"acr": HIGH, "auth_time": seconds_ago(7200)}, {"acr_values": (HIGH,), "max_age": HOUR}),
        ({"acr": HIGH}, {"acr_values": ("unknown",)}),
    ],
)
def test_what_is_not_enough_is_challenged(claims, needed):
    with pytest.raises(InsufficientUserAuthentication):
        check(claims, **needed)


@requirement("RFC 9470", "3", "MUST")
def test_the_challenge_names_what_is_needed():
    with pytest.raises(InsufficientUserAuthentication) as refusal:
        check({}, acr_values=(HIGH, LOW), max_age=HOUR)
    header = challenge(refusal.value, "Bearer", algorithms="ES256")
    assert header.startswith('Bearer error="insufficient_user_authentication"')
    assert f'acr_values="{HIGH} {LOW}"' in header
    assert 'max_age="3600"' in header
    assert refusal.value.status == 401


class TestUserinfo:
    """`default_max_age` of the client (OpenID Connect Registration section 2) is held against its tokens too."""

    @pytest.fixture
    def agency(self, provider):
        return provider.agency("fresh", default_max_age=60)

    @requirement("RFC 9470", "4", "MUST")
    def test_the_challenge_is_met_by_a_new_request_with_its_max_age(self, provider, agency, browser, clock):
        token = agency.sign_in(browser)["access_token"]
        assert agency.userinfo(token).status_code == 200
        clock.advance(timedelta(seconds=100))
        refused = agency.userinfo(token)
        assert refused.status_code == 401
        assert 'error="insufficient_user_authentication"' in refused.headers["WWW-Authenticate"]
        assert 'max_age="60"' in refused.headers["WWW-Authenticate"]
        again = agency.sign_in(browser, max_age="60")["access_token"]
        assert claims_of(again)["auth_time"] > claims_of(token)["auth_time"], "the person was asked anew"
        assert agency.userinfo(again).status_code == 200

    def test_a_client_that_asked_for_no_age_is_served_as_long_as_the_token_lives(self, provider, browser, clock):
        agency = provider.agency("patient")
        token = agency.sign_in(browser)["access_token"]
        clock.advance(timedelta(minutes=4))
        assert agency.userinfo(token).status_code == 200


@requirement("RFC 9470", "6.1", "SHOULD")
def test_an_access_token_says_how_and_when_the_person_authenticated(agency, browser):
    """RFC 9068 section 2.2.1, which RFC 9470 section 6.1 names for JWT access tokens."""
    claims = claims_of(agency.sign_in(browser)["access_token"])
    assert parse_acr(claims["acr"], sandbox=True) is not None
    assert isinstance(claims["auth_time"], int)
