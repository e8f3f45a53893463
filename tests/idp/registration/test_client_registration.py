"""Clients come, are read, are changed and go; what must be fetched is fetched with care."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey

from core.errors import PersonError
from core.outbound import Answer, OutboundFailed, OutboundRefused
from idp.models.client import ClientStatus
from idp.registration.client_registration import Registration
from idp.registration.problems import InvalidMetadata
from idp.registration.rules import CIBA, DEVICE_CODE
from tests.idp.provider import query_of
from tests.protocol.requirement import requirement

URI = "https://agency.example/jwks"


def key(kid):
    return ECKey.generate_key("P-256", {"kid": kid}, private=True)


class Web:
    """What the outside answers: the outbound client's interface, without sockets."""

    def __init__(self, documents: dict[str, Any]) -> None:
        self.documents = documents
        self.asked: list[str] = []

    def get(self, url: str, **_: Any) -> Answer:
        import json

        self.asked.append(url)
        found = self.documents.get(url, OutboundFailed("it does not answer"))
        if isinstance(found, Exception):
            raise found
        return Answer(200, "application/json", json.dumps(found).encode())


@pytest.fixture
def web(provider):
    made = Web({})
    object.__setattr__(provider.ground, "outbound", made)
    return made


def refused(provider, **metadata):
    with pytest.raises(InvalidMetadata) as error:
        provider.agency(**metadata)
    return {problem.field: problem.text for problem in error.value.problems}


def test_a_client_is_registered_listed_shown_and_removed(provider, clock):
    agency = provider.agency()
    registration = provider.registration
    assert agency.registered["client_id_issued_at"] == agency.now
    assert "client_secret" not in agency.registered
    assert [each.client_id for each in registration.list()] == [agency.client_id]
    shown = registration.show(agency.client_id)
    assert shown.status is ClientStatus.LIVE
    assert shown.name("en") == "Service of agency-a"
    assert registration.remove(agency.client_id, by="test")
    assert not registration.remove(agency.client_id, by="test")
    assert registration.show(agency.client_id) is None
    assert provider.server.clients.load(agency.client_id) is None


def test_a_secret_is_told_once_and_kept_as_a_hash(provider):
    agency = provider.agency(token_endpoint_auth_method="client_secret_basic")
    secret = agency.registered["client_secret"]
    assert len(secret) == 43
    assert agency.registered["client_secret_expires_at"] == 0
    assert secret.encode() not in provider.registration.show(agency.client_id).secret_hash


def test_a_taken_or_odd_client_id_is_refused(provider):
    metadata = dict(provider.agency().registered)
    provider.registration.register(metadata, by="test", client_id="demo.a-1_x")
    for client_id in ("demo.a-1_x", "a b", "ก", "x" * 81, "../x", "-"):
        with pytest.raises(InvalidMetadata, match="client_id"):
            provider.registration.register(metadata, by="test", client_id=client_id)


def test_a_change_is_in_force_on_this_worker_at_once_and_on_others_within_seconds(provider, clock):
    agency = provider.agency()
    other_worker = Registration(provider.ground, provider.server.clients.__class__(provider.ground))
    assert other_worker.clients.load(agency.client_id).redirect_uris == [agency.redirect_uri]
    prepared = provider.registration.prepare(agency.registered | {"redirect_uris": ["https://new.example/cb"]})
    with provider.ground.database.write() as connection:
        assert provider.registration.change(connection, agency.client_id, prepared, by="test")
        assert not provider.registration.change(connection, "unknown", prepared, by="test")
    assert provider.server.clients.load(agency.client_id).redirect_uris == ["https://new.example/cb"]
    clock.advance(timedelta(seconds=3))
    assert other_worker.clients.load(agency.client_id).redirect_uris == ["https://new.example/cb"]


def test_keys_by_address_are_fetched_when_it_registers(provider, web, browser):
    mine = key("agency-a-1")
    web.documents[URI] = {"keys": [mine.as_dict(private=False)]}
    agency = provider.agency(jwks_uri=URI)
    agency.key = mine
    assert agency.push().status_code == 201
    assert web.asked == [URI]


@pytest.mark.parametrize(
    "answer",
    [
        OutboundRefused("agency.example is in a network that is not called"),
        OutboundFailed("redirects are not followed"),
        {"keys": []},
        {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
        {"keys": [key("x").as_dict(private=True)]},
        [],
        "x",
    ],
)
def test_keys_that_cannot_be_had_are_told_at_their_field(provider, web, answer):
    web.documents[URI] = answer
    assert set(refused(provider, jwks_uri=URI)) == {"jwks_uri"}


def test_a_new_key_is_found_and_an_unknown_one_does_not_make_us_fetch_for_ever(provider, web, clock):
    old, new = key("k1"), key("k2")
    web.documents[URI] = {"keys": [old.as_dict(private=False)]}
    agency = provider.agency(jwks_uri=URI)
    web.documents[URI] = {"keys": [new.as_dict(private=False)]}
    agency.key = new
    assert agency.push().status_code == 201
    agency.key = key("k3")
    for _ in range(5):
        assert agency.push().json["error"] == "invalid_client"
    assert len(web.asked) == 2


def test_a_key_that_the_agency_took_away_stops_working_within_the_hour(provider, web, clock):
    old, new = key("k1"), key("k2")
    web.documents[URI] = {"keys": [old.as_dict(private=False)]}
    agency = provider.agency(jwks_uri=URI)
    agency.key = old
    web.documents[URI] = {"keys": [new.as_dict(private=False)]}
    clock.advance(timedelta(minutes=61))
    assert provider.server.client_keys.refresh_due() == 1
    assert agency.push().json["error"] == "invalid_client"
    assert provider.server.client_keys.refresh_due() == 0


def test_keys_that_cannot_be_fetched_again_leave_the_known_ones(provider, web, clock):
    mine = key("k1")
    web.documents[URI] = {"keys": [mine.as_dict(private=False)]}
    agency = provider.agency(jwks_uri=URI)
    agency.key = mine
    web.documents[URI] = OutboundFailed("it does not answer")
    clock.advance(timedelta(minutes=61))
    provider.server.client_keys.refresh_due()
    assert agency.push().status_code == 201


@requirement("OIDC Core", "8.1", "MUST")
@requirement("OIDC Registration", "5", "MUST")
def test_a_sector_document_must_list_every_address(provider, web, browser):
    """OpenID Connect Core section 8.1, Registration section 5."""
    sector, uris = "https://sector.example/uris.json", ["https://a.example/cb", "https://b.example/cb"]
    for listed in (uris[:1], {}, OutboundFailed("it does not answer")):
        web.documents[sector] = listed
        assert set(refused(provider, redirect_uris=uris, sector_identifier_uri=sector)) == {"sector_identifier_uri"}
    web.documents[sector] = uris
    agency = provider.agency(redirect_uris=uris, sector_identifier_uri=sector)
    assert provider.registration.show(agency.client_id).sector_identifier == "sector.example"


@requirement("OIDC Core", "8.1", "MUST")
def test_another_s_address_does_not_make_one_of_its_sector_where_tokens_come_without_it(provider, web):
    """Named with a grant that redirects nobody, a stranger's redirect URI would give its pairwise subjects away."""
    device = {"grant_types": ["authorization_code", DEVICE_CODE], "redirect_uris": ["https://victim.example/cb"]}
    agency = provider.agency(**device)
    assert provider.registration.show(agency.client_id).sector_identifier == f"client:{agency.client_id}"
    sector = "https://victim.example/sector.json"
    web.documents[sector] = ["https://victim.example/cb"]
    assert set(refused(provider, **device, sector_identifier_uri=sector)) == {"sector_identifier_uri"}


@requirement("CIBA Core", "4", "MUST")
def test_a_client_without_redirects_is_of_the_sector_that_lists_its_keys(provider, web):
    sector = "https://sector.example/uris.json"
    ciba = {
        "grant_types": [CIBA], "backchannel_token_delivery_mode": "poll", "redirect_uris": None, "jwks_uri": URI,
        "sector_identifier_uri": sector,
    }  # fmt: skip
    web.documents[URI] = {"keys": [key("k").as_dict(private=False)]}
    web.documents[sector] = []
    assert set(refused(provider, **ciba)) == {"sector_identifier_uri"}
    web.documents[sector] = [URI]
    agency = provider.agency(**ciba)
    assert provider.registration.show(agency.client_id).sector_identifier == "sector.example"
    by_value = ciba | {"jwks_uri": None, "jwks": {"keys": [key("v").as_dict(private=False)]}}
    assert set(refused(provider, **by_value)) == {"sector_identifier_uri"}  # at no address that could be listed


@requirement("OIDC Registration", "2", "MUST")
def test_keys_to_encrypt_to_are_looked_for_at_the_address(provider, web):
    web.documents[URI] = {"keys": [key("k").as_dict(private=False) | {"use": "sig"}]}
    assert set(refused(provider, jwks_uri=URI, id_token_encrypted_response_alg="ECDH-ES")) == {"jwks_uri"}


def test_a_logo_is_fetched_once_and_kept(provider):
    asked = []

    def fetch(url):
        asked.append(url)
        if "bad" in url:
            raise PersonError("The logo must be a PNG, JPEG or WebP picture.", field="logo_uri")
        return b"png"

    provider.registration.fetch_logo = fetch
    agency = provider.agency(logo_uri="https://agency.example/logo.png")
    assert provider.registration.show(agency.client_id).has_logo
    assert len(asked) == 1
    assert set(refused(provider, logo_uri="https://agency.example/bad.png")) == {"logo_uri"}


def test_outside_the_sandbox_only_live_clients_answer(provider, browser):
    from dataclasses import replace

    from idp.models.client import Clients

    metadata = dict(provider.agency().registered)
    provider.registration.register(metadata, by="test", client_id="s", status=ClientStatus.SANDBOX)
    assert provider.server.clients.load("s") is not None
    production = replace(provider.ground, settings=replace(provider.ground.settings, sandbox=False))
    assert Clients(production).load("s") is None


def test_a_registered_client_can_be_used_at_once(agency, browser):
    assert "code" in query_of(agency.walk(browser, agency.authorize(browser)))
