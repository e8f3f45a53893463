"""Certification's `automated_ciba_approval_url`, in the sandbox alone."""

from __future__ import annotations

import pytest

from idp.sandbox.automated_approval import blueprint
from keys.keystore import Keystore
from tests.idp.decoupled import CIBA, poll
from tests.idp.provider import Provider, claims_of

POLL = {
    "grant_types": [CIBA],
    "response_types": [],
    "scope": "openid profile",
    "backchannel_token_delivery_mode": "poll",
}


class Sandbox(Provider):
    def make_app(self):
        app = super().make_app()
        app.register_blueprint(blueprint(self.services))
        return app


@pytest.fixture
def suite(ground):
    return Sandbox(ground, Keystore(ground)).agency("suite", **POLL)


def ask(agency, **parameters):
    form = agency.authentication() | {"scope": "openid profile", "login_hint": "somchai"} | parameters
    return agency.provider.browser().post("/bc-authorize", data=form).json["auth_req_id"]


def decide(agency, auth_req_id, action):
    return agency.provider.browser().post(f"/sandbox/ciba?auth_req_id={auth_req_id}&action={action}").status_code


def test_a_script_allows_as_the_person_who_is_named(suite):
    auth_req_id = ask(suite)
    assert decide(suite, auth_req_id, "allow") == 200
    tokens = poll(suite, grant_type=CIBA, auth_req_id=auth_req_id).json
    assert claims_of(tokens["id_token"])["amr"]


def test_a_script_denies(suite):
    auth_req_id = ask(suite)
    assert decide(suite, auth_req_id, "deny") == 200
    assert poll(suite, grant_type=CIBA, auth_req_id=auth_req_id).json["error"] == "access_denied"


def test_a_wish_for_a_level_out_of_reach_is_gone_without(suite):
    auth_req_id = ask(suite, acr_values="urn:prajak:sandbox:ial3:aal2")
    assert decide(suite, auth_req_id, "allow") == 200


@pytest.mark.parametrize(("auth_req_id", "action", "status"), [("unknown", "allow", 404), ("", "", 404)])
def test_what_is_not_open_cannot_be_decided(suite, auth_req_id, action, status):
    assert decide(suite, auth_req_id, action) == status


def test_only_the_two_actions_exist_and_a_decision_stands(suite):
    auth_req_id = ask(suite)
    assert decide(suite, auth_req_id, "perhaps") == 400
    assert decide(suite, auth_req_id, "deny") == 200
    assert decide(suite, auth_req_id, "allow") == 404
