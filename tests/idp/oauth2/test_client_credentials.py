"""RFC 6749 section 4.4: a client for itself, with nobody's data."""

from __future__ import annotations

import pytest

from tests.idp.oauth2.protected_resource import CONTACTS, ask_token, introspect, register_api
from tests.idp.provider import ISSUER, claims_of, header_of
from tests.protocol.requirement import requirement


@pytest.fixture
def machine(provider):
    return provider.agency("machine", grant_types=["client_credentials"])


@requirement("RFC 6749", "4.4.3", "MUST")
@requirement("RFC 9068", "2.2", "MUST")
def test_a_client_gets_a_token_for_itself(machine):
    answer = ask_token(machine, grant_type="client_credentials")
    assert answer.status_code == 200, answer.text
    claims = claims_of(answer.json["access_token"])
    assert (claims["sub"], claims["client_id"], claims["aud"]) == (machine.client_id, machine.client_id, ISSUER)
    assert header_of(answer.json["access_token"])["typ"] == "at+jwt"
    assert not {"auth_time", "acr", "amr", "scope"} & set(claims)
    assert answer.headers["Cache-Control"] == "no-store"


@requirement("RFC 6749", "4.4.3", "SHOULD NOT")
def test_nothing_comes_beside_it(machine):
    assert set(ask_token(machine, grant_type="client_credentials").json) == {
        "access_token",
        "token_type",
        "expires_in",
    }


@requirement("RFC 6749", "4.4", "MUST")
@requirement("RFC 6749", "4.4.2", "MUST")
def test_who_does_not_authenticate_gets_nothing(machine):
    data = {"grant_type": "client_credentials", "client_id": machine.client_id}
    answer = machine.provider.browser().post("/token", data=data)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")


@requirement("RFC 6749", "5.2", "MUST")
def test_a_client_that_is_not_registered_for_it_is_unauthorized(agency):
    answer = ask_token(agency, grant_type="client_credentials")
    assert (answer.status_code, answer.json["error"]) == (400, "unauthorized_client")


@requirement("RFC 6749", "3.3", "MUST")
@pytest.mark.parametrize("scope", ["openid", "profile", "offline_access", "unknown", "a  b", '"'])
def test_scopes_of_people_and_unknown_ones_are_refused(machine, scope):
    answer = ask_token(machine, grant_type="client_credentials", scope=scope)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_scope")


def test_its_token_reads_nobody(machine):
    token = ask_token(machine, grant_type="client_credentials").json["access_token"]
    assert machine.userinfo(token).status_code == 401


@requirement("RFC 8707", "2.2", "MUST")
def test_the_token_is_for_the_resource_that_was_named(provider, machine):
    api = register_api(provider)
    answer = ask_token(machine, grant_type="client_credentials", resource=CONTACTS)
    assert claims_of(answer.json["access_token"])["aud"] == CONTACTS
    assert introspect(api.agency, answer.json["access_token"]).json["sub"] == machine.client_id


@requirement("RFC 8707", "2", "MUST")
def test_a_resource_that_is_not_for_this_client_is_an_invalid_target(provider, machine):
    register_api(provider, clients=("somebody-else",))
    answer = ask_token(machine, grant_type="client_credentials", resource=CONTACTS)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_target")


@requirement("RFC 9449", "5", "MUST")
def test_with_a_proof_the_token_is_bound(machine):
    answer = ask_token(machine, dpop=True, grant_type="client_credentials")
    assert answer.json["token_type"] == "DPoP"
    assert claims_of(answer.json["access_token"])["cnf"] == {"jkt": machine.dpop_key.thumbprint()}


@requirement("RFC 7523", "3", "MUST")
def test_the_assertion_is_spent(machine):
    data = {"grant_type": "client_credentials"} | machine.authentication()
    answers = [machine.provider.browser().post("/token", data=data) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 401]
