"""RFC 7591 section 3 and OpenID Connect Registration section 3, over HTTP."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.errors import PersonError
from core.settings import Settings
from idp.registration import dynamic_registration
from idp.registration.access_tokens import issue_initial_access_token
from idp.registration.views import where_there_is_one
from tests.protocol.requirement import requirement

METADATA = {"client_name": "Elderly allowance", "redirect_uris": ["https://agency.example/callback"]}
PURPOSES = [{"claim": "name", "purpose": "To address you", "legal_basis": "public_task"}]


def post(provider, document: Any, token: str = "", **changed: Any):
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return provider.browser().post("/register", json=document, headers=headers, **changed)


@pytest.fixture
def outside(provider):
    """The same provider outside the sandbox."""
    settings: Settings = provider.ground.settings
    object.__setattr__(settings, "sandbox", False)
    yield provider
    object.__setattr__(settings, "sandbox", True)


def initial_access_token(provider, *, uses: int = 1, agency_id: str | None = None) -> str:
    with provider.ground.database.write() as connection:
        return issue_initial_access_token(
            connection,
            provider.ground.clock,
            agency_id=agency_id,
            note="for a test",
            uses=uses,
            lifetime=timedelta(days=1),
            by="test",
        )


@requirement("RFC 7591", "3.2.1", "MUST")
@requirement("OIDC Registration", "3.2", "MUST")
def test_the_sandbox_registers_whoever_comes(provider):
    answer = post(provider, METADATA)
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.mimetype == "application/json"
    body = answer.json
    assert body["client_id"]
    assert len(body["client_secret"]) == 43
    assert body["client_secret_expires_at"] == 0
    assert body["registration_client_uri"].endswith(f"/register/{body['client_id']}")
    assert body["registration_access_token"]
    assert provider.server.clients.load(body["client_id"]).redirect_uris == METADATA["redirect_uris"]


@requirement("RFC 7591", "3.2.1", "MUST")
def test_the_answer_holds_all_that_was_registered(provider):
    body = post(provider, METADATA).json
    assert body["grant_types"] == ["authorization_code"]
    assert body["response_types"] == ["code"]
    assert body["token_endpoint_auth_method"] == "client_secret_basic"
    assert body["id_token_signed_response_alg"] == "RS256"
    assert body["prajak_profile"] == "oidc-basic"


@requirement("RFC 7591", "3.2.1", "SHOULD NOT")
def test_each_client_gets_a_client_id_of_its_own(provider):
    assert post(provider, METADATA).json["client_id"] != post(provider, METADATA).json["client_id"]


@requirement("RFC 7591", "2", "MUST")
def test_what_is_not_understood_is_ignored(provider):
    body = post(provider, METADATA | {"favourite_colour": "blue", "client_id": "mine", "client_secret": "mine"}).json
    assert "favourite_colour" not in body
    assert body["client_id"] != "mine"
    assert body["client_secret"] != "mine"


@requirement("RFC 7591", "3.2.2", "MUST")
@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uris": ["http://agency.example/callback"]}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"subject_type": "ephemeral"}, "invalid_client_metadata"),
        ({"jwks": {"keys": []}}, "invalid_client_metadata"),
        ({"software_statement": "no statement"}, "invalid_software_statement"),
    ],
)
def test_a_refusal_has_the_registered_code_and_names_the_field(provider, changed, error):
    answer = post(provider, METADATA | changed)
    assert answer.status_code == 400
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json["error"] == error
    assert next(iter(changed)) in answer.json["error_description"]


@requirement("RFC 7591", "3.1", "MUST")
@pytest.mark.parametrize("body", [b"", b"{", b'{"a": 1, "a": 2}', b"[]", b'"x"', b"null", b"\xff", b"[" * 100_000])
def test_only_a_json_object_is_taken(provider, body):
    answer = provider.browser().post("/register", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"


@requirement("RFC 7591", "3.1", "MUST")
def test_a_form_is_not_a_registration(provider):
    answer = provider.browser().post("/register", data={"client_name": "x"})
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"


def test_a_client_that_registered_itself_signs_people_in(provider, browser):
    from tests.idp.provider import Agency

    metadata = METADATA | {"token_endpoint_auth_method": "client_secret_post", "id_token_signed_response_alg": "ES256"}
    registered = post(provider, metadata).json
    agency = Agency(provider, registered["client_id"], provider.agency().key, registered)
    assert agency.sign_in(browser)["id_token"]


class TestOutsideTheSandbox:
    """RFC 7591 section 3: by an initial access token."""

    @requirement("RFC 7591", "3", "MAY")
    @requirement("RFC 6750", "3", "MUST")
    def test_nobody_registers_without_a_token(self, outside):
        answer = post(outside, METADATA)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    @requirement("RFC 6750", "3.1", "SHOULD")
    @pytest.mark.parametrize("token", ["unknown", "x" * 43])
    def test_an_unknown_token_is_refused(self, outside, token):
        answer = post(outside, METADATA, token)
        assert answer.status_code == 401
        assert answer.json["error"] == "invalid_token"
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]

    def test_a_token_lets_in_as_many_clients_as_it_has_uses(self, outside):
        token, strict = initial_access_token(outside, uses=2), strict_metadata(outside)
        answers = [post(outside, strict, token).status_code for _ in range(3)]
        assert answers == [201, 201, 401]

    def test_a_refused_document_costs_no_use(self, outside):
        token = initial_access_token(outside)
        assert post(outside, {"redirect_uris": []}, token).status_code == 400
        assert post(outside, strict_metadata(outside), token).status_code == 201

    def test_a_token_ends_with_its_time(self, outside, clock):
        token = initial_access_token(outside)
        clock.advance(timedelta(days=1))
        assert post(outside, strict_metadata(outside), token).status_code == 401

    def test_the_profile_is_the_strict_one(self, outside):
        body = post(outside, strict_metadata(outside), initial_access_token(outside)).json
        assert body["prajak_profile"] == "fapi2-security"
        assert body["dpop_bound_access_tokens"] is True
        assert body["require_pushed_authorization_requests"] is True
        assert outside.server.clients.load(body["client_id"]) is not None


def strict_metadata(provider) -> dict[str, Any]:
    from joserfc.jwk import ECKey

    key = ECKey.generate_key("P-256", {"kid": "k1"}, private=True).as_dict(private=False)
    return METADATA | {"jwks": {"keys": [key]}, "prajak_claims": PURPOSES}


def test_a_token_that_comes_to_the_sandbox_is_looked_at(provider):
    """It was sent for a reason: a wrong one is told, not passed over."""
    assert post(provider, METADATA, "unknown").status_code == 401
    assert post(provider, METADATA, initial_access_token(provider)).status_code == 201


def test_who_comes_too_often_waits(provider, monkeypatch):
    monkeypatch.setattr(dynamic_registration, "MOST_AN_HOUR", 1)
    assert post(provider, METADATA).status_code == 201
    answer = post(provider, METADATA)
    assert answer.status_code == 429
    assert answer.mimetype == "application/json"


def test_a_token_without_bounds_is_not_made(provider):
    for uses in (0, -1, 1001):
        with pytest.raises(ValueError, match="uses"):
            initial_access_token(provider, uses=uses)


def test_discovery_names_the_endpoint(provider):
    found = provider.browser().get("/.well-known/openid-configuration").json
    assert found["registration_endpoint"].endswith("/register")


def test_a_logo_that_cannot_be_had_keeps_nobody_out(provider):
    """And one that can is shown in the sandbox alone."""

    def fetch(url: str) -> bytes:
        if "bad" in url:
            raise PersonError("The logo could not be fetched: %(why)s.", why="HTTP 404")
        return b"png"

    assert where_there_is_one(fetch)("https://agency.example/logo.png") == b"png"
    assert where_there_is_one(fetch)("https://agency.example/bad.png") is None
    body = post(provider, METADATA | {"logo_uri": "https://127.0.0.1:9/logo.png"}).json
    assert body["logo_uri"] == "https://127.0.0.1:9/logo.png"
    assert not provider.server.clients.load(body["client_id"]).has_logo
