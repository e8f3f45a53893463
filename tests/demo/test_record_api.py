"""Agency A's API, RFC 9728 and RFC 9449 section 7: what it serves, to whom, and how it says no."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask, request
from joserfc.jwk import ECKey

from demo.agency.configuration import Configuration, load_office
from demo.agency.dpop import make_proof
from demo.agency.record_api import RecordApi
from tests.protocol.requirement import requirement

ORIGIN, ISSUER = "http://agency-a.localhost:8081", "http://localhost:8080"
RESOURCE = f"{ORIGIN}/api/entitlements"
KEY = ECKey.generate_key("P-256", private=True)
DETAIL = {
    "type": "prajak_record",
    "identifier": "benefit-entitlements",
    "locations": [RESOURCE],
    "actions": ["read"],
}
KNOWN = {
    "active": True,
    "aud": RESOURCE,
    "sub": "sub-at-a",
    "cnf": {"jkt": KEY.thumbprint()},
    "authorization_details": [DETAIL],
}


class Introspecting:
    """The provider's answer about every token."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.known = known

    def introspect(self, token: str) -> dict[str, Any]:
        return self.known


@pytest.fixture
def call(tmp_path):
    """Calls the API with a token that stands for `known`."""

    def called(known: dict[str, Any], **headers: str) -> Any:
        office = load_office("a")
        configuration = Configuration(ISSUER, "demo-a", tmp_path / "key", ORIGIN, "acr", office)
        api = RecordApi(configuration, Introspecting(known))  # type: ignore[arg-type]
        app = Flask("api")
        app.add_url_rule("/api/entitlements", "record", lambda: api.record(request))
        sent = {"Authorization": "DPoP token", "DPoP": make_proof(KEY, "GET", RESOURCE, access_token="token")}
        return app.test_client().get("/api/entitlements", headers={k: v for k, v in (sent | headers).items() if v})

    return called


def test_the_record_is_given_for_the_sub_that_the_agency_knows(call):
    answer = call(KNOWN)
    assert answer.status_code == 200
    assert answer.json["sub"] == "sub-at-a"
    assert answer.json["identifier"] == "benefit-entitlements"
    assert answer.json["entitlements"]


@requirement("RFC 9728", "5.1", "MAY")
@requirement("RFC 9449", "7.1", "MUST")
@pytest.mark.parametrize(
    ("known", "headers", "error"),
    [
        (KNOWN, {"Authorization": ""}, None),
        (KNOWN, {"Authorization": "Bearer token"}, None),
        ({"active": False}, {}, "invalid_token"),
        (KNOWN | {"aud": "http://agency-c.localhost/api"}, {}, "invalid_token"),
        (KNOWN | {"cnf": {}}, {}, "invalid_dpop_proof"),
        (KNOWN | {"cnf": None}, {}, "invalid_dpop_proof"),
        (KNOWN, {"DPoP": ""}, "invalid_dpop_proof"),
        (KNOWN, {"DPoP": make_proof(KEY, "GET", RESOURCE)}, "invalid_dpop_proof"),
    ],
)
def test_a_token_that_does_not_count_is_told_where_to_ask(call, known, headers, error):
    answer = call(known, **headers)
    assert answer.status_code == 401
    challenge = answer.headers["WWW-Authenticate"]
    assert challenge.startswith("DPoP ")
    assert 'algs="ES256"' in challenge
    assert f'resource_metadata="{ORIGIN}/.well-known/oauth-protected-resource/api/entitlements"' in challenge
    assert (f'error="{error}"' in challenge) if error else ("error" not in challenge)


@pytest.mark.parametrize(
    "details",
    [
        None, [], [DETAIL | {"type": "prajak_payment"}], [DETAIL | {"identifier": "another"}],
        [DETAIL | {"locations": ["http://agency-c.localhost/api"]}], [DETAIL | {"actions": ["list"]}],
    ],
)  # fmt: skip
def test_a_record_that_was_not_authorized_is_not_given(call, details):
    answer = call(KNOWN | {"authorization_details": details})
    assert answer.status_code == 403
    assert 'error="insufficient_scope"' in answer.headers["WWW-Authenticate"]
