"""RFC 9449 sections 8 and 9: nonces of the server's own, at the endpoints and at the resource."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from keys.purposes import Purpose
from tests.protocol.requirement import requirement


@pytest.fixture
def settings(settings):
    return replace(settings, dpop_nonces=True)


def nonce_of(provider):
    """As any answer brings it."""
    return provider.browser().post("/token").headers["DPoP-Nonce"]


@requirement("RFC 9449", "8", "MUST")
def test_a_proof_without_a_nonce_is_sent_back_with_one_and_then_taken(agency, browser):
    code = agency.code(browser)
    refused = agency.redeem(code, dpop=agency.proof("POST", "/token"))
    assert (refused.status_code, refused.json["error"]) == (400, "use_dpop_nonce")
    nonce = refused.headers["DPoP-Nonce"]
    assert agency.redeem(code, dpop=agency.proof("POST", "/token", nonce=nonce)).status_code == 200


@requirement("RFC 9449", "8", "MUST")
def test_neither_the_code_nor_the_assertion_is_lost_by_it(agency, browser):
    """The same request comes again with nothing changed but its proof."""
    code, authentication = agency.code(browser), agency.authentication()
    refused = agency.redeem(code, dpop=agency.proof("POST", "/token"), **authentication)
    proof = agency.proof("POST", "/token", nonce=refused.headers["DPoP-Nonce"])
    assert agency.redeem(code, dpop=proof, **authentication).status_code == 200
    assert agency.redeem(code, dpop=proof, **authentication).status_code != 200, "and they are spent then"


@requirement("RFC 9449", "9", "MUST")
def test_userinfo_challenges_for_one(provider, agency, browser):
    code, nonce = agency.code(browser), nonce_of(provider)
    token = agency.redeem(code, dpop=agency.proof("POST", "/token", nonce=nonce)).json["access_token"]
    refused = agency.userinfo(token, dpop=agency.proof("GET", "/userinfo", access_token=token))
    assert refused.status_code == 401
    assert refused.headers["WWW-Authenticate"].startswith('DPoP error="use_dpop_nonce"')
    proof = agency.proof("GET", "/userinfo", access_token=token, nonce=refused.headers["DPoP-Nonce"])
    served = agency.userinfo(token, dpop=proof)
    assert (served.status_code, bool(served.headers["DPoP-Nonce"])) == (200, True)


@requirement("RFC 9449", "8", "MUST")
def test_a_pushed_request_needs_one_too(provider, agency):
    assert agency.push({"DPoP": agency.proof("POST", "/par")}).json["error"] == "use_dpop_nonce"
    assert agency.push({"DPoP": agency.proof("POST", "/par", nonce=nonce_of(provider))}).status_code == 201


@requirement("RFC 9449", "8.2", "MAY")
def test_every_answer_to_a_client_brings_the_next_one(agency, browser):
    for answer in (
        agency.redeem(agency.code(browser)),
        agency.redeem("nonsense"),
        agency.push(),
        agency.userinfo("none", scheme="Bearer"),
    ):
        assert answer.headers["DPoP-Nonce"]
        assert answer.headers["Cache-Control"] == "no-store", "RFC 9449 section 8.2"


@requirement("RFC 9449", "4.3", "MUST")
@pytest.mark.parametrize("nonce", ["", "made-up", 5, None, ["x"], "ก"])
def test_a_nonce_that_is_not_ours_is_refused(agency, nonce):
    answer = agency.redeem("code", dpop=agency.proof("POST", "/token", nonce=nonce))
    assert answer.json["error"] == "use_dpop_nonce"


@requirement("RFC 9449", "11.3", "MUST")
def test_a_nonce_is_over_within_a_minute(provider, agency, browser, clock):
    nonce = nonce_of(provider)
    clock.advance(timedelta(seconds=15))
    assert agency.redeem("code", dpop=agency.proof("POST", "/token", nonce=nonce)).json["error"] == "invalid_grant"
    clock.advance(timedelta(seconds=30))
    assert agency.redeem("code", dpop=agency.proof("POST", "/token", nonce=nonce)).json["error"] == "use_dpop_nonce"


def test_another_key_makes_other_nonces(provider, agency):
    nonce = nonce_of(provider)
    provider.keystore.rotate(Purpose.DPOP_NONCE, at_once=True)
    assert nonce_of(provider) != nonce


def test_documents_that_are_kept_bring_none(provider):
    assert "DPoP-Nonce" not in provider.browser().get("/jwks").headers


class TestNotAskedFor:
    @pytest.fixture
    def settings(self, settings):
        return replace(settings, dpop_nonces=False)

    def test_none_is_given_out_and_none_is_looked_at(self, agency, browser):
        answer = agency.redeem(agency.code(browser), dpop=agency.proof("POST", "/token", nonce="another server's"))
        assert answer.status_code == 200
        assert "DPoP-Nonce" not in answer.headers
