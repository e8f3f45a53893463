"""RFC 8693: an agency acts for a citizen at another agency's API, by the citizen's word, and never as the citizen."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey
from sqlalchemy import select

from core.audit import AuditEntry
from core.identifiers import new_id
from idp.models.catalogue import Entry, save_entry
from idp.models.grant import load_grants, revoke_grant
from idp.oauth2.token_exchange import ACCESS_TOKEN, GRANT_TYPE
from idp.oidc.issuing import Tokens
from tests.idp.oauth2.protected_resource import CONTACTS, Api, ask_token, introspect, register_api, revoke
from tests.idp.provider import Agency, Provider, claims_of, query_of
from tests.protocol.requirement import requirement

RECORD_API = "https://agency-b.example/api/licences"
DETAIL = {
    "type": "prajak_record",
    "identifier": "driving-licence",
    "locations": [RECORD_API],
    "actions": ["read"],
    "prajak_purpose": "To see that you may drive",
    "prajak_legal_basis": "consent",
}


@pytest.fixture
def asking(provider) -> Agency:
    """The agency that needs the record."""
    return provider.agency(
        "asking",
        grant_types=["authorization_code", GRANT_TYPE],
        authorization_details_types=["prajak_record"],
        scope="openid profile",
    )


@pytest.fixture
def holder(provider, asking) -> Api:
    """The agency that holds it, in another sector, and offers it."""
    server = provider.agency("holder")
    entry = Entry(
        identifier="driving-licence",
        agency_id=new_id(),
        client_id=server.client_id,
        resource=RECORD_API,
        name_th="ใบอนุญาตขับรถ",
        name_en="Driving licence",
        source="Register of licences",
        classification="confidential",
        legal_basis="consent",
        law="",
        retention="for one request",
        recipients=(asking.client_id,),
    )
    with provider.ground.database.write() as connection:
        assert save_entry(connection, entry, now=provider.ground.clock.now())
    return Api(RECORD_API, server)


def subject_token(client: Agency, browser, **parameters: Any) -> str:
    """What the citizen's consent came to, bound to the client's key."""
    details = {"authorization_details": json.dumps([DETAIL])} | parameters
    code = client.code(browser, **details)
    answer = client.redeem(code, dpop=client.proof("POST", "/token"))
    assert answer.status_code == 200, answer.text
    return str(answer.json["access_token"])


def exchange(client: Agency, token: str, *, dpop: bool = True, **form: Any):
    usual = {"grant_type": GRANT_TYPE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
    usual |= {"resource": RECORD_API} | form
    return ask_token(client, dpop=dpop, **{name: value for name, value in usual.items() if value})


def refused(answer) -> str:
    assert answer.status_code == 400, answer.text
    return str(answer.json["error"])


@requirement("RFC 8693", "2.2.1", "MUST")
@requirement("RFC 8693", "4.1", "MUST")
def test_the_client_gets_a_token_for_the_api_that_the_person_named(asking, holder, browser):
    token = subject_token(asking, browser)
    answer = exchange(asking, token)
    assert answer.status_code == 200, answer.text
    assert answer.json["issued_token_type"] == ACCESS_TOKEN
    assert answer.json["token_type"] == "DPoP"
    assert not {"id_token", "refresh_token"} & set(answer.json)
    assert answer.headers["Cache-Control"] == "no-store"
    claims = claims_of(answer.json["access_token"])
    assert claims["aud"] == RECORD_API
    assert claims["sub"] == claims_of(token)["sub"]
    assert claims["act"] == {"sub": asking.client_id}, "delegation: who acts is named, always"
    assert claims["authorization_details"] == [DETAIL]
    assert claims["cnf"] == {"jkt": asking.dpop_key.thumbprint()}


def test_the_api_learns_whom_it_is_about_by_its_own_name_for_them(provider, asking, holder, browser):
    """And the asking agency never does: no token carries the other agency's `sub`."""
    known = claims_of(holder.agency.sign_in(provider.browser())["id_token"])["sub"]
    token = exchange(asking, subject_token(asking, browser)).json["access_token"]
    told = introspect(holder.agency, token).json
    assert (told["active"], told["sub"], told["act"]) == (True, known, {"sub": asking.client_id})
    assert introspect(asking, token).json["sub"] == claims_of(token)["sub"] != known


def test_an_api_that_never_met_the_person_is_given_a_lasting_name(asking, holder, browser):
    token = exchange(asking, subject_token(asking, browser)).json["access_token"]
    first, second = (introspect(holder.agency, token).json["sub"] for _ in range(2))
    assert first == second != claims_of(token)["sub"]


def test_each_use_stands_in_the_person_s_trail(provider, asking, holder, browser):
    exchange(asking, subject_token(asking, browser))
    with provider.ground.database.read() as connection:
        found = connection.execute(select(AuditEntry.__table__).where(AuditEntry.event == "token.exchanged")).one()
    assert found.subject == provider.accounts.find_by_name("somchai")
    assert found.client_id == asking.client_id
    assert json.loads(found.detail) == {"resource": RECORD_API, "identifiers": "driving-licence"}


@requirement("RFC 8693", "2.1", "MAY")
def test_the_api_s_server_may_be_named_instead(asking, holder, browser):
    answer = exchange(asking, subject_token(asking, browser), resource="", audience=holder.agency.client_id)
    assert claims_of(answer.json["access_token"])["aud"] == RECORD_API


@requirement("RFC 8693", "2.2.2", "SHOULD")
@pytest.mark.parametrize("target", [CONTACTS, "https://unknown.example/api", "relative", "https://a.example/#x"])
def test_an_api_that_nobody_allowed_is_an_invalid_target(provider, asking, holder, browser, target):
    register_api(provider)
    assert refused(exchange(asking, subject_token(asking, browser), resource=target)) == "invalid_target"


def test_a_server_of_no_api_is_an_invalid_target(asking, holder, browser):
    token = subject_token(asking, browser)
    assert refused(exchange(asking, token, resource="", audience="nobody")) == "invalid_target"


def test_two_apis_at_once_are_an_invalid_target(provider, asking, holder, browser):
    server = register_api(provider).agency.client_id
    assert refused(exchange(asking, subject_token(asking, browser), audience=server)) == "invalid_target"


def test_an_api_may_name_its_clients_itself(provider, asking, browser):
    """Where an agreement says so; the scope is then the subject token's."""
    register_api(provider, clients=(asking.client_id,))
    token = subject_token(asking, browser, authorization_details=None)
    answer = exchange(asking, token, resource=CONTACTS)
    assert answer.json["scope"] == "openid profile"
    assert "authorization_details" not in claims_of(answer.json["access_token"])
    assert exchange(asking, token, resource=CONTACTS, scope="profile").json["scope"] == "profile"


def test_without_a_detail_the_record_s_api_is_closed(asking, holder, browser):
    token = subject_token(asking, browser, authorization_details=None)
    assert refused(exchange(asking, token)) == "invalid_target"


@requirement("RFC 8693", "2.1", "MUST")
@pytest.mark.parametrize("missing", ["subject_token", "subject_token_type", "resource"])
def test_what_is_required_is_asked_for(asking, holder, browser, missing):
    answer = exchange(asking, subject_token(asking, browser), **{missing: ""})
    assert refused(answer) == "invalid_request"


@requirement("RFC 8693", "2.1", "MUST NOT")
@pytest.mark.parametrize(
    "form",
    [
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
        {"actor_token_type": ACCESS_TOKEN},
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
    ],
)
def test_other_tokens_and_other_actors_are_refused(asking, holder, browser, form):
    assert refused(exchange(asking, subject_token(asking, browser), **form)) == "invalid_request"


@requirement("RFC 8693", "2.2.2", "MUST")
@pytest.mark.parametrize("token", ["unknown", "a.b.c", "ก" * 40])
def test_what_is_no_token_of_ours_is_an_invalid_request(asking, holder, token):
    assert refused(exchange(asking, token)) == "invalid_request"


@requirement("RFC 8693", "2.2.2", "MUST")
def test_another_client_s_token_is_refused(provider, asking, holder, browser):
    thief = provider.agency("thief", grant_types=["authorization_code", GRANT_TYPE])
    thief.dpop_key = asking.dpop_key
    assert refused(exchange(thief, subject_token(asking, browser))) == "invalid_request"


def test_a_stolen_bound_token_is_worth_nothing_without_its_key(asking, holder, browser):
    token = subject_token(asking, browser)
    asking.dpop_key = ECKey.generate_key("P-256", private=True)
    assert refused(exchange(asking, token)) == "invalid_request"


def test_an_exchanged_token_is_always_bound(asking, holder, browser):
    details = json.dumps([DETAIL])
    token = asking.redeem(asking.code(browser, authorization_details=details)).json["access_token"]
    assert refused(exchange(asking, token, dpop=False)) == "invalid_dpop_proof"
    assert exchange(asking, token).json["token_type"] == "DPoP"


def test_a_client_s_own_token_has_no_person_to_act_for(provider, holder):
    machine = provider.agency("machine", grant_types=["client_credentials", GRANT_TYPE])
    token = ask_token(machine, dpop=True, grant_type="client_credentials").json["access_token"]
    assert refused(exchange(machine, token)) == "invalid_request"


def test_an_exchanged_token_is_not_exchanged_again(asking, holder, browser):
    token = exchange(asking, subject_token(asking, browser)).json["access_token"]
    assert refused(exchange(asking, token)) == "invalid_request"


@requirement("RFC 6749", "5.2", "MUST")
def test_a_client_that_is_not_registered_for_it_is_unauthorized(agency):
    assert refused(exchange(agency, "x")) == "unauthorized_client"


def test_the_scope_cannot_grow(asking, holder, browser):
    assert refused(exchange(asking, subject_token(asking, browser, scope="openid"), scope="profile")) == "invalid_scope"


def test_it_ends_with_the_token_it_came_of(asking, holder, browser, clock):
    token = subject_token(asking, browser)
    clock.advance(timedelta(minutes=4))
    answer = exchange(asking, token).json
    assert answer["expires_in"] == 60
    assert claims_of(answer["access_token"])["exp"] == claims_of(token)["exp"]
    clock.advance(timedelta(minutes=1))
    assert introspect(holder.agency, answer["access_token"]).json == {"active": False}
    assert refused(exchange(asking, token)) == "invalid_request"


def test_withdrawn_consent_ends_both(provider: Provider, asking, holder, browser):
    token = subject_token(asking, browser)
    exchanged = exchange(asking, token).json["access_token"]
    account_id, now = provider.accounts.find_by_name("somchai"), provider.ground.clock.now()
    with provider.ground.database.write() as connection:
        (grant,) = load_grants(connection, account_id)
        revoke_grant(connection, grant.id, account_id=account_id, now=now)
    assert introspect(holder.agency, exchanged).json == {"active": False}
    assert refused(exchange(asking, token)) == "invalid_request"


def test_a_suspended_account_s_token_is_not_exchanged(provider: Provider, asking, holder, browser):
    token = subject_token(asking, browser)
    provider.suspend("somchai")
    assert refused(exchange(asking, token)) == "invalid_request"


def test_a_token_that_is_revoked_meanwhile_is_not_exchanged(provider: Provider, asking, holder, browser, monkeypatch):
    """Whoever gives it back between our looking and our writing must not find a new one made of it."""
    token = subject_token(asking, browser)
    prepare = Tokens.prepare

    def prepared(*given: Any) -> Any:
        assert revoke(asking, token).status_code == 200
        return prepare(*given)

    monkeypatch.setattr(Tokens, "prepare", prepared)
    assert refused(exchange(asking, token)) == "invalid_request"


def test_a_record_that_is_offered_to_others_cannot_be_asked_for(provider, holder, browser):
    other = provider.agency("other", authorization_details_types=["prajak_record"])
    answer = query_of(other.authorize(browser, authorization_details=json.dumps([DETAIL])))
    assert answer["error"] == "invalid_authorization_details"
