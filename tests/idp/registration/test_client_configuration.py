"""RFC 7592, over HTTP: a client reads, replaces and removes its own registration."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select, update

from idp.models.client import Client
from idp.registration.client_registration import Registration
from tests.idp.registration.test_dynamic_registration import METADATA, outside, post
from tests.protocol.requirement import requirement

__all__ = ["outside"]


@pytest.fixture
def registered(provider) -> dict[str, Any]:
    return dict(post(provider, METADATA).json)


def call(provider, method: str, registered: dict[str, Any], *, token: str | None = None, **given: Any):
    token = registered["registration_access_token"] if token is None else token
    path = f"/register/{registered['client_id']}"
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return provider.browser().open(path, method=method, headers=headers, **given)


def changed(registered: dict[str, Any], **members: Any) -> dict[str, Any]:
    """The document of an update: what was registered, without what only the server says."""
    return {"client_id": registered["client_id"], **METADATA, **members}


@requirement("RFC 7592", "2.1", "MUST")
def test_a_client_reads_its_registration(provider, registered):
    answer = call(provider, "GET", registered)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json
    assert body == {name: value for name, value in registered.items() if name != "client_secret"}


@requirement("RFC 7592", "2", "MUST")
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_without_its_token_nobody_touches_it(provider, registered, method):
    other = post(provider, METADATA).json
    for token in ("", "unknown", other["registration_access_token"]):
        answer = call(provider, method, registered, token=token, json=changed(registered))
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert call(provider, "GET", registered).status_code == 200


@requirement("RFC 7592", "2.1", "MUST")
@pytest.mark.parametrize("client_id", ["unknown", "%00", "x" * 200, "%ff", "%E0%B8%81"])
def test_an_unknown_client_is_401_and_tells_nothing(provider, registered, client_id):
    headers = {"Authorization": f"Bearer {registered['registration_access_token']}"}
    answer = provider.browser().get(f"/register/{client_id}", headers=headers)
    assert answer.status_code == 401
    assert answer.json["error"] == "invalid_token"


@requirement("RFC 6750", "2.3", "SHOULD NOT")
def test_a_token_in_the_address_is_not_read(provider, registered):
    path = f"/register/{registered['client_id']}?access_token={registered['registration_access_token']}"
    assert provider.browser().get(path).status_code == 401


@requirement("RFC 7592", "2.2", "MUST")
def test_an_update_replaces_the_whole(provider, registered):
    full = changed(registered, client_uri="https://agency.example/", default_max_age=60)
    first = call(provider, "PUT", registered, json=full).json
    assert first["default_max_age"] == 60
    second = call(provider, "PUT", first, json=changed(registered, client_name="Renamed"))
    assert second.status_code == 200
    assert second.json["client_name"] == "Renamed"
    assert "client_uri" not in second.json
    assert "default_max_age" not in second.json
    assert provider.server.clients.load(registered["client_id"]).name("en") == "Renamed"


@requirement("RFC 7592", "5", "MAY")
def test_each_update_rotates_the_token(provider, registered):
    renewed = call(provider, "PUT", registered, json=changed(registered)).json
    assert renewed["registration_access_token"] != registered["registration_access_token"]
    assert call(provider, "GET", registered).status_code == 401
    assert call(provider, "GET", renewed).status_code == 200


@requirement("RFC 7592", "2.2", "MUST NOT")
@pytest.mark.parametrize(
    "member",
    ["registration_access_token", "registration_client_uri", "client_secret_expires_at", "client_id_issued_at"],
)
def test_what_is_the_server_s_to_say_is_not_taken(provider, registered, member):
    answer = call(provider, "PUT", registered, json=changed(registered, **{member: registered[member]}))
    assert answer.status_code == 400
    assert member in answer.json["error_description"]


@requirement("RFC 7592", "2.2", "MUST")
@pytest.mark.parametrize("client_id", [None, "another", 5])
def test_an_update_names_its_own_client(provider, registered, client_id):
    answer = call(provider, "PUT", registered, json=changed(registered, client_id=client_id))
    assert answer.status_code == 400
    assert "client_id" in answer.json["error_description"]


@requirement("RFC 7592", "2.2", "MUST NOT")
def test_a_client_does_not_choose_its_secret(provider, registered):
    kept = call(provider, "PUT", registered, json=changed(registered, client_secret=registered["client_secret"]))
    assert kept.status_code == 200
    for chosen in ("mine", 5, []):
        answer = call(provider, "PUT", kept.json, json=changed(registered, client_secret=chosen))
        assert answer.status_code == 400
        assert "client_secret" in answer.json["error_description"]


@pytest.mark.parametrize("body", [b"[]", b"x", b'"x"', b""])
def test_only_an_object_replaces_it(provider, registered, body):
    answer = call(provider, "PUT", registered, data=body, content_type="application/json")
    assert answer.status_code == 400


@requirement("RFC 7592", "2.2", "MUST")
def test_a_refused_update_changes_nothing(provider, registered):
    answer = call(provider, "PUT", registered, json=changed(registered, subject_type="x", client_name="Renamed"))
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"
    assert call(provider, "GET", registered).json["client_name"] == METADATA["client_name"]


def test_a_secret_comes_and_goes_with_its_method(provider, registered):
    native = {"application_type": "native", "redirect_uris": ["http://127.0.0.1/cb"]}
    without = call(
        provider, "PUT", registered, json=changed(registered, token_endpoint_auth_method="none", **native)
    ).json
    assert "client_secret" not in without
    assert provider.server.clients.load(registered["client_id"]).secret_hash is None
    again = call(
        provider, "PUT", without, json=changed(registered, token_endpoint_auth_method="client_secret_post")
    ).json
    assert again["client_secret"] not in ("", registered["client_secret"])


@requirement("RFC 7592", "2.3", "MUST")
def test_a_client_removes_itself(provider, registered):
    answer = call(provider, "DELETE", registered)
    assert answer.status_code == 204
    assert answer.data == b""
    assert provider.server.clients.load(registered["client_id"]) is None
    assert call(provider, "GET", registered).status_code == 401


@requirement("RFC 7592", "2.3", "SHOULD")
def test_the_tokens_of_a_removed_client_are_worth_nothing(provider, browser):
    from tests.idp.provider import Agency

    metadata = METADATA | {"token_endpoint_auth_method": "client_secret_post", "id_token_signed_response_alg": "ES256"}
    registered = post(provider, metadata).json
    agency = Agency(provider, registered["client_id"], provider.agency().key, registered)
    tokens = agency.sign_in(browser)
    assert agency.userinfo(tokens["access_token"]).status_code == 200
    assert call(provider, "DELETE", registered).status_code == 204
    assert agency.userinfo(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize(
    "more",
    [
        {"scope": "openid profile email"},
        {"prajak_claims": [{"claim": "birthdate", "purpose": "Age", "legal_basis": "public_task"}]},
        {"prajak_profile": "oidc-basic"},
        {"subject_type": "public"},
        {"grant_types": ["authorization_code", "refresh_token"]},
        {"authorization_details_types": ["credential"]},
    ],
)
def test_outside_the_sandbox_what_was_approved_does_not_grow(outside, more):
    from tests.idp.registration.test_dynamic_registration import initial_access_token, strict_metadata

    given = strict_metadata(outside) | {"scope": "openid profile"}
    registered = post(outside, given, initial_access_token(outside)).json
    document = given | {"client_id": registered["client_id"]}
    answer = call(outside, "PUT", registered, json=document | more)
    assert answer.status_code == 400
    assert next(iter(more)) in answer.json["error_description"]
    narrower = call(outside, "PUT", registered, json=document | {"scope": "openid"})
    assert narrower.status_code == 200, narrower.text


SHOWN = {
    "client_name": "Elderly allowance",
    "client_name#th": "เบี้ยยังชีพผู้สูงอายุ",
    "client_uri": "https://agency.example/",
    "logo_uri": "https://agency.example/logo.png",
    "policy_uri": "https://agency.example/privacy",
    "post_logout_redirect_uris": ["https://agency.example/bye"],
    "initiate_login_uri": "https://agency.example/login",
}


@pytest.fixture
def approved(outside) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was registered outside the sandbox, and the document that would register it again."""
    from tests.idp.registration.test_dynamic_registration import initial_access_token, strict_metadata

    given = strict_metadata(outside) | SHOWN
    registered = post(outside, given, initial_access_token(outside)).json
    return registered, given | {"client_id": registered["client_id"]}


@pytest.mark.parametrize(
    "other",
    [
        {"client_name": "Revenue"},
        {"client_name#th": "สรรพากร"},
        {"client_name#en": "Revenue"},
        {"client_name#th": None},
        {"client_uri": "https://stranger.example/"},
        {"logo_uri": "https://agency.example/garuda.png"},
        {"policy_uri": "https://stranger.example/privacy"},
        {"policy_uri#th": "https://stranger.example/privacy"},
        {"tos_uri": "https://agency.example/terms"},
        {"redirect_uris": ["https://stranger.example/callback"]},
        {"redirect_uris": ["https://agency.example:8443/callback"]},
        {"post_logout_redirect_uris": ["https://stranger.example/bye"]},
        {"initiate_login_uri": "https://stranger.example/login"},
        {"application_type": "native"},
        {"prajak_claims": [{"claim": "name", "purpose": "To sell it", "legal_basis": "public_task"}]},
        {"prajak_claims": [{"claim": "name", "purpose": "To address you", "legal_basis": "consent"}]},
    ],
)
def test_outside_the_sandbox_what_people_see_and_where_they_are_sent_stays_as_approved(outside, approved, other):
    registered, document = approved
    answer = call(outside, "PUT", registered, json=document | other)
    assert (answer.status_code, next(iter(other)) in answer.json["error_description"]) == (400, True), answer.text
    assert call(outside, "GET", registered).json["client_name"] == "Elderly allowance"


@pytest.mark.parametrize(
    "other",
    [
        {"redirect_uris": ["https://agency.example/another"]},
        {"post_logout_redirect_uris": ["https://agency.example/thanks"]},
        {"frontchannel_logout_uri": "https://agency.example/logged-out"},
        {"backchannel_logout_uri": "https://logout.agency.example/"},
        {"default_max_age": 600},
        {},
    ],
)
def test_outside_the_sandbox_the_rest_is_the_client_s_to_change(outside, approved, other):
    registered, document = approved
    answer = call(outside, "PUT", registered, json=document | other)
    assert answer.status_code == 200, answer.text
    assert {name: answer.json[name] for name in other} == other


def test_outside_the_sandbox_the_sector_stays_the_one_whose_subjects_it_knows(outside, approved, monkeypatch):
    registered, document = approved
    uri = "https://sector.example/hosts"
    monkeypatch.setattr(Registration, "_sector_document", lambda *_: document["redirect_uris"])
    answer = call(outside, "PUT", registered, json=document | {"sector_identifier_uri": uri})
    assert (answer.status_code, "sector_identifier_uri" in answer.json["error_description"]) == (400, True)


def test_outside_the_sandbox_a_change_does_not_lose_the_logo_that_was_looked_at(outside, approved):
    registered, document = approved
    mine = Client.client_id == registered["client_id"]
    with outside.ground.database.write() as connection:
        connection.execute(update(Client).where(mine).values(logo=b"seen", logo_type="image/png"))
    assert call(outside, "PUT", registered, json=document | {"default_max_age": 60}).status_code == 200
    with outside.ground.database.read() as connection:
        assert connection.execute(select(Client.logo).where(mine)).scalar_one() == b"seen"


def test_a_client_that_asks_nobody_sends_back_what_it_read(provider):
    """It has no scope, and an empty one is what it was told."""
    quiet = {"grant_types": ["client_credentials"], "response_types": []}
    told = dict(post(provider, {"client_name": "A job at night", **quiet}).json)
    assert told["scope"] == ""
    ours = {"registration_access_token", "registration_client_uri", "client_id_issued_at", "client_secret_expires_at"}
    document = {name: value for name, value in told.items() if name not in ours}
    answer = call(provider, "PUT", told, json=document)
    assert (answer.status_code, answer.json["scope"]) == (200, "")


def test_a_client_that_asks_people_needs_a_scope(provider, registered):
    answer = call(provider, "PUT", registered, json=changed(registered, scope=""))
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
    assert "scope" in answer.json["error_description"]
