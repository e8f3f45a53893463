"""OpenID Connect Registration section 2: what a service says of itself is there for the person who decides about it."""

from __future__ import annotations

import pytest

from idp.models.client import Client
from tests.protocol.requirement import requirement

PAGES = {"policy_uri": "https://agency-a.example/policy", "tos_uri": "https://agency-a.example/terms?a=1&b=2"}


def pages(agency, browser):
    """Sign-in and consent, as the person meets them."""
    location = agency.authorize(browser).location
    sign_in = browser.get(location).text
    back = browser.submit(location, {"step": "sandbox", "user": "somchai"}).location
    return sign_in, browser.get(browser.get(back).location).text


@requirement("OIDC Registration", "2", "SHOULD")
@pytest.mark.parametrize("name", PAGES)
def test_policy_and_terms_are_linked_before_anything_is_given(provider, browser, name):
    agency = provider.agency(**PAGES)
    address = PAGES[name].replace("&", "&amp;")
    for page in pages(agency, browser):
        assert f'href="{address}" target="_blank" rel="noopener noreferrer nofollow"' in page


@requirement("RFC 7591", "2.2", "MAY")
def test_the_person_reads_them_in_their_language(provider, browser):
    agency = provider.agency(**PAGES, **{"policy_uri#th": "https://agency-a.example/th"})
    browser.set_cookie("prajak-lang", "th")
    assert all('href="https://agency-a.example/th"' in page for page in pages(agency, browser))


def test_a_service_that_says_nothing_gets_no_links(agency, browser):
    assert all("nofollow" not in page for page in pages(agency, browser))


@requirement("OIDC Registration", "2", "SHOULD")
def test_the_logo_is_on_both_pages(provider, agency, browser):
    with provider.ground.database.write() as connection:
        client = Client.__table__
        known = client.c.client_id == agency.client_id
        connection.execute(client.update().where(known).values(logo=b"a picture", logo_type="image/png"))
    provider.server.clients.forget(agency.client_id)
    assert all(f'src="/logos/{agency.client_id}.png"' in page for page in pages(agency, browser))
