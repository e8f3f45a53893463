"""RFC 8707: a token is for one protected resource, and a client hears when it may not have it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from idp.errors import InvalidRequest, InvalidTarget
from idp.models.protected_resource import remove_protected_resource
from idp.oauth2.authorization_request import Asked
from idp.oauth2.jar import parameters_of
from idp.oauth2.parameters import read_form
from idp.oauth2.resource_indicators import assign_resource, read_resources, target_of
from tests.conftest import NOW
from tests.idp.clients import registered
from tests.idp.decoupled import approve_device, ask, device_client, poll_device
from tests.idp.oauth2.protected_resource import CALENDAR, CONTACTS, ask_token, register_api
from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement


@pytest.fixture
def apis(provider):
    return [register_api(provider, each) for each in (CONTACTS, CALENDAR)]


def authorize_at(agency, browser, *resources):
    """Two parameters of one name, as the RFC's figure 2 has them."""
    query = [*agency.request().items(), *(("resource", each) for each in resources)]
    return query_of(agency.walk(browser, browser.get(f"/authorize?{urlencode(query)}")))


@requirement("RFC 8707", "2.2", "MUST")
@requirement("RFC 9068", "3", "MUST")
def test_the_token_is_for_the_resource_of_the_request(agency, browser, apis):
    tokens = agency.redeem(agency.code(browser, resource=CONTACTS)).json
    assert claims_of(tokens["access_token"])["aud"] == CONTACTS
    assert agency.verified(tokens["id_token"])["aud"] == agency.client_id


@requirement("RFC 9700", "2.3", "SHOULD")
def test_such_a_token_does_not_open_userinfo(agency, browser, apis):
    token = agency.redeem(agency.code(browser, resource=CONTACTS)).json["access_token"]
    assert agency.userinfo(token).status_code == 401


def test_without_one_the_token_is_for_userinfo(agency, browser):
    assert claims_of(agency.sign_in(browser)["access_token"])["aud"] == ISSUER


def test_the_provider_s_own_api_may_be_named(agency, browser):
    token = agency.redeem(agency.code(browser, resource=ISSUER)).json["access_token"]
    assert agency.userinfo(token).status_code == 200


@requirement("RFC 8707", "2", "MAY")
@requirement("RFC 8707", "2.2", "MUST")
def test_of_several_the_token_request_picks_one(agency, browser, apis):
    code = authorize_at(agency, browser, CONTACTS, CALENDAR)["code"]
    answer = agency.redeem(code, resource=CALENDAR)
    assert claims_of(answer.json["access_token"])["aud"] == CALENDAR


def test_of_several_none_is_guessed(agency, browser, apis):
    answer = agency.redeem(authorize_at(agency, browser, CONTACTS, CALENDAR)["code"])
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_target")


@requirement("RFC 8707", "2.2", "MUST")
def test_a_refresh_moves_among_those_that_were_authorized(provider, browser, apis):
    scope = "openid offline_access"
    client = provider.agency("moving", grant_types=["authorization_code", "refresh_token"], scope=scope)
    query = [*client.request(scope=scope).items(), ("resource", CONTACTS), ("resource", CALENDAR)]
    code = query_of(client.walk(browser, browser.get(f"/authorize?{urlencode(query)}")))["code"]
    token = client.redeem(code, resource=CONTACTS).json["refresh_token"]
    moved = ask_token(client, grant_type="refresh_token", refresh_token=token, resource=CALENDAR).json
    assert claims_of(moved["access_token"])["aud"] == CALENDAR
    beyond = ask_token(client, grant_type="refresh_token", refresh_token=moved["refresh_token"], resource=ISSUER)
    assert (beyond.status_code, beyond.json["error"]) == (400, "invalid_target")


@requirement("RFC 8707", "2.2", "MUST")
def test_the_token_request_cannot_reach_further_than_the_code(agency, browser, apis):
    answer = agency.redeem(agency.code(browser, resource=CONTACTS), resource=CALENDAR)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_target")


@requirement("RFC 8707", "2", "MUST")
@pytest.mark.parametrize("resource", ["https://api.example/unknown", "contacts", "/contacts", "https:"])
def test_an_unknown_or_relative_resource_is_told_to_the_client(agency, browser, resource):
    assert query_of(agency.authorize(browser, resource=resource))["error"] == "invalid_target"


@requirement("RFC 8707", "2", "MUST NOT")
def test_a_fragment_is_refused(agency, browser, apis):
    assert query_of(agency.authorize(browser, resource=f"{CONTACTS}#all"))["error"] == "invalid_target"


@requirement("RFC 8707", "2", "MUST")
def test_a_resource_for_others_is_an_invalid_target(provider, agency, browser):
    register_api(provider, clients=("somebody-else",))
    assert query_of(agency.authorize(browser, resource=CONTACTS))["error"] == "invalid_target"


def test_a_removed_resource_is_unknown(provider, agency, browser, apis):
    with provider.ground.database.write() as connection:
        now = provider.ground.clock.now()
        assert remove_protected_resource(connection, CONTACTS, now=now)
        assert not remove_protected_resource(connection, CONTACTS, now=now)
    provider.server.resources.cached = None
    assert query_of(agency.authorize(browser, resource=CONTACTS))["error"] == "invalid_target"


def test_a_pushed_request_names_its_resource_too(provider, agency, browser, apis):
    answer = query_of(agency.walk(browser, browser.get(agency.pushed_url(resource=CONTACTS))))
    assert claims_of(agency.redeem(answer["code"]).json["access_token"])["aud"] == CONTACTS
    assert agency.push(resource="https://api.example/unknown").json["error"] == "invalid_target"


@requirement("RFC 9396", "2.2", "MAY")
def test_beside_authorization_details_it_is_refused(provider):
    parameters = {"resource": ISSUER, "authorization_details": "[]"}
    asked = Asked(registered(), parameters, NOW, provider.server.hints, resources=provider.server.resources)
    with pytest.raises(InvalidTarget, match="beside"):
        assign_resource(asked)


def test_a_device_names_its_resource_when_it_begins(provider, browser, apis):
    device = device_client(provider)
    told = ask(device, resource=CONTACTS).json
    approve_device(device, browser, told["user_code"])
    tokens = poll_device(device, told["device_code"]).json
    assert claims_of(tokens["access_token"])["aud"] == CONTACTS
    assert ask(device, resource="https://api.example/unknown").json["error"] == "invalid_target"


def test_in_a_request_object_several_are_a_list():
    """RFC 9101 section 4: JSON says it by an array."""
    parameters = parameters_of({"resource": ["https://a.example", "urn:b"]})
    assert read_resources(parameters) == ("https://a.example", "urn:b")
    with pytest.raises(InvalidRequest, match="space"):
        parameters_of({"resource": ["https://a.example b"]})


def test_a_space_does_not_smuggle_a_second_one():
    with pytest.raises(InvalidRequest, match="space"):
        read_form(b"resource=https%3A%2F%2Fa.example+https%3A%2F%2Fb.example")


def test_resource_is_the_parameter_that_may_be_repeated():
    form = read_form(b"resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example&scope=x")
    assert read_resources(form) == ("https://a.example", "https://b.example")


@pytest.mark.parametrize("resources", [["urn:x"] * 2, ["https://a.example", "urn:x", "https://a.example"]])
def test_each_counts_once(resources):
    assert read_resources({"resource": " ".join(resources)}) == tuple(dict.fromkeys(resources))


@pytest.mark.parametrize("resource", ["http://[", "x" * 500, "https://a.example/\u0e01", "  ", "https://a\x7f.example"])
def test_what_is_no_uri_is_an_invalid_target(resource):
    with pytest.raises(InvalidTarget):
        read_resources({"resource": resource})


def test_their_number_is_bounded():
    with pytest.raises(InvalidTarget, match="more than 5"):
        read_resources({"resource": " ".join(f"urn:x:{n}" for n in range(6))})


def test_a_token_is_for_exactly_one():
    assert target_of((), {}, default="d") == "d"
    assert target_of(("urn:a",), {}, default="d") == "urn:a"
    assert target_of(("urn:a", "urn:b"), {"resource": "urn:b"}, default="d") == "urn:b"
    for authorized, named in (((), "urn:a"), (("urn:a",), "urn:b"), (("urn:a", "urn:b"), "urn:a urn:b")):
        with pytest.raises(InvalidTarget):
            target_of(authorized, {"resource": named}, default="d")
