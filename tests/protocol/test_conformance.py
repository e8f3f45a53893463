"""docs/conformance: every plan's clients are registered as they stand, and their configurations are complete."""

from __future__ import annotations

import json
import re

import pytest

from idp.registration.client_registration import Registration
from tests.imports import ROOT
from tests.protocol.conformance import BROWSER, FAPI2, OVERRIDES, SUITE, configuration, plans, write

SERVER = {
    "issuer": "http://localhost:8080",
    "userinfo_endpoint": "http://localhost:8080/userinfo",
    "mtls_endpoint_aliases": {"userinfo_endpoint": "https://mtls.localhost:8443/userinfo"},
}
PLANS = dict(plans())
DOCUMENT = (ROOT / "docs" / "conformance.md").read_text("utf-8")


@pytest.fixture
def register(provider):
    registration = Registration(provider.ground, provider.server.clients)
    return lambda metadata: registration.register(metadata, by="test")


@pytest.mark.parametrize("name", PLANS)
def test_every_plans_clients_are_registered_as_they_stand(register, name):
    made = configuration(PLANS[name], server=SERVER, suite="https://suite.example", register=register)
    for each, metadata in PLANS[name]["clients"].items():
        assert made[each]["client_id"]
        assert ("client_secret" in made[each]) == metadata["token_endpoint_auth_method"].startswith("client_secret")
        assert ("jwks" in made[each]) == (metadata["token_endpoint_auth_method"] == "private_key_jwt")
    assert json.dumps(made).count(SUITE) == 0
    assert json.loads(json.dumps(made["override"])).keys() == OVERRIDES.keys()


@pytest.mark.parametrize("name", PLANS)
def test_what_is_bound_to_a_certificate_is_shown_where_one_is_asked_for(register, name):
    made = configuration(PLANS[name], server=SERVER, suite=SUITE, register=register)
    bound = name.endswith("mtls") or "ciba" in name
    assert made["resource"]["resourceUrl"].startswith("https://mtls.") == bound == ("mtls" in made)


def test_a_provider_without_mutual_tls_gets_no_plan_for_it(register, tmp_path):
    without = {name: value for name, value in SERVER.items() if name != "mtls_endpoint_aliases"}
    folder = tmp_path / "configurations"
    lines = write(folder, server=without, suite=SUITE, register=register)
    assert {path.stem for path in folder.iterdir()} == {
        name for name in PLANS if "mtls" not in name and "ciba" not in name
    }
    assert len(lines) == len(list(folder.iterdir()))


def test_a_script_passes_over_what_a_page_does_not_have():
    """A person who is signed in already, or allowed it before, meets one page less; an unmet page must not fail a run."""
    tasks = [task for visit in BROWSER for task in visit["tasks"]]
    assert all(task["optional"] for task in tasks)
    clicks = [command for task in tasks for command in task["commands"] if command[0] == "click"]
    assert clicks
    assert all(command[-1] == "optional" for command in clicks)


def test_the_person_of_one_module_refuses_and_of_another_looks_first():
    (refusing,) = OVERRIDES[f"{FAPI2}-user-rejects-authentication"]
    assert "leave" in json.dumps(refusing)
    assert "consent-allow" not in json.dumps(refusing)
    first, then = OVERRIDES[f"{FAPI2}-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds"]
    assert first["match-limit"] == 1
    assert first["tasks"][0]["commands"] == []
    assert "sign-in" in json.dumps(then)


def test_one_run_writes_every_configuration_and_names_its_plan(register, tmp_path):
    folder = tmp_path / "configurations"
    lines = write(folder, server=SERVER, suite=SUITE, register=register)
    assert {path.stem for path in folder.iterdir()} == set(PLANS)
    assert all(re.match(r"'[a-z0-9-]+-test-plan", line) for line in lines)
    bound = json.loads((folder / "fapi2-security-mtls.json").read_text())
    assert bound["mtls"]["cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert bound["mtls"]["key"].startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize("name", PLANS)
def test_the_recipe_names_every_file(name):
    assert f"conformance/{name}.json" in DOCUMENT
