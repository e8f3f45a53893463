"""docs/conformance: every plan's clients are registered as they stand, and their configurations are complete."""

from __future__ import annotations

import json
import re

import pytest

from idp.registration.client_registration import Registration
from tests.imports import ROOT
from tests.protocol.conformance import SUITE, configuration, plans, write

ISSUER = "http://localhost:8080"
PLANS = dict(plans())
DOCUMENT = (ROOT / "docs" / "conformance.md").read_text("utf-8")


@pytest.fixture
def register(provider):
    registration = Registration(provider.ground, provider.server.clients)
    return lambda metadata: registration.register(metadata, by="test")


@pytest.mark.parametrize("name", PLANS)
def test_every_plans_clients_are_registered_as_they_stand(register, name):
    made = configuration(PLANS[name], issuer=ISSUER, suite="https://suite.example", register=register)
    for each, metadata in PLANS[name]["clients"].items():
        assert made[each]["client_id"]
        assert ("client_secret" in made[each]) == metadata["token_endpoint_auth_method"].startswith("client_secret")
        assert ("jwks" in made[each]) == (metadata["token_endpoint_auth_method"] == "private_key_jwt")
    assert json.dumps(made).count(SUITE) == 0


def test_one_run_writes_every_configuration_and_names_its_plan(register, tmp_path):
    folder = tmp_path / "configurations"
    lines = write(folder, issuer=ISSUER, suite=SUITE, register=register)
    assert {path.stem for path in folder.iterdir()} == set(PLANS)
    assert all(re.match(r"'[a-z0-9-]+-test-plan", line) for line in lines)
    bound = json.loads((folder / "fapi2-security-mtls.json").read_text())
    assert bound["mtls"]["cert"].startswith("-----BEGIN CERTIFICATE-----")
    assert bound["mtls"]["key"].startswith("-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize("name", PLANS)
def test_the_recipe_names_every_file(name):
    assert f"conformance/{name}.json" in DOCUMENT
