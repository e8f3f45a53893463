"""Initiating login from a third party, OpenID Connect Core section 4."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from idp.oidc.third_party_initiated_login import initiate_login_url
from tests.idp.provider import ISSUER
from tests.protocol.requirement import requirement


def url(provider, **metadata):
    agency = provider.agency(**metadata)
    return initiate_login_url(provider.server.clients.load(agency.client_id), issuer=ISSUER)


@requirement("OIDC Core", "4", "MUST")
def test_the_link_names_the_issuer_and_keeps_the_services_own_query(provider):
    found = urlsplit(url(provider, initiate_login_uri="https://agency-a.example/begin?lang=th"))
    assert parse_qs(found.query) == {"lang": ["th"], "iss": [ISSUER]}
    assert (found.scheme, found.netloc, found.path) == ("https", "agency-a.example", "/begin")


@requirement("OIDC Core", "4", "MUST")
def test_a_target_is_passed_on_as_one_parameter(provider):
    agency = provider.agency(initiate_login_uri="https://agency-a.example/begin")
    client = provider.server.clients.load(agency.client_id)
    target = "https://agency-a.example/form?a=1&b=2"
    found = parse_qs(urlsplit(initiate_login_url(client, issuer=ISSUER, target_link_uri=target)).query)
    assert found == {"iss": [ISSUER], "target_link_uri": [target]}


def test_nothing_personal_travels_in_the_link(provider):
    assert "login_hint" not in url(provider, initiate_login_uri="https://agency-a.example/begin")


def test_a_service_without_such_an_address_has_no_link(provider):
    assert url(provider) == ""
