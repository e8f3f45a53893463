"""RFC 8252: redirects into apps, and what tells one app from another."""

from __future__ import annotations

import pytest

from idp.registration.problems import InvalidMetadata
from tests.idp.provider import query_of
from tests.protocol.requirement import requirement

CALLBACKS = {
    "loopback": "http://127.0.0.1/callback",
    "loopback of IPv6": "http://[::1]/callback",
    "private-use scheme": "com.example.app:/callback",
    "claimed https": "https://app.example/callback",
}


@pytest.fixture
def app(provider):
    return provider.agency(
        "app",
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=list(CALLBACKS.values()),
        sector_identifier_uri=None,
    )


@requirement("RFC 8252", "7.1", "MUST")
@requirement("RFC 8252", "7.2", "MUST")
@requirement("RFC 8252", "7.3", "MUST")
@pytest.mark.parametrize("kind", CALLBACKS)
def test_an_app_is_answered_at_each_kind_of_address(app, browser, kind):
    uri = CALLBACKS[kind]
    answer = app.walk(browser, app.authorize(browser, redirect_uri=uri))
    assert answer.location.startswith(f"{uri}?")
    assert app.redeem(query_of(answer)["code"], redirect_uri=uri).status_code == 200


@requirement("RFC 8252", "7.3", "MUST")
@pytest.mark.parametrize("uri", ["http://127.0.0.1:49152/callback", "http://[::1]:65535/callback"])
def test_a_loopback_address_may_have_any_port(app, browser, uri):
    answer = app.walk(browser, app.authorize(browser, redirect_uri=uri))
    assert answer.location.startswith(f"{uri}?")


@requirement("RFC 8252", "8.4", "MUST")
@pytest.mark.parametrize(
    "uri",
    ["com.example.app:/other", "com.example.other:/callback", "com.example.app://callback", "https://app.example:8443/callback"],
)  # fmt: skip
def test_every_other_address_is_matched_exactly(app, browser, uri):
    assert app.authorize(browser, redirect_uri=uri).status_code == 400


@requirement("RFC 8252", "7.1", "MUST")
@pytest.mark.parametrize("uri", ["myapp:/callback", "javascript:/callback", "data:/x", "file:/etc/passwd"])
def test_a_private_use_scheme_is_a_domain_name_reversed(provider, uri):
    metadata = {"application_type": "native", "token_endpoint_auth_method": "none", "redirect_uris": [uri]}
    with pytest.raises(InvalidMetadata):
        provider.agency("app", **metadata)


@requirement("RFC 8252", "8.4", "MUST")
def test_what_a_web_client_registers_is_no_app(provider):
    with pytest.raises(InvalidMetadata):
        provider.agency("web", redirect_uris=["com.example.app:/callback"])


@requirement("RFC 8252", "8.1", "MUST")
@requirement("RFC 9700", "2.1.1", "MUST")
def test_an_app_without_pkce_is_refused_at_the_endpoint(app, browser):
    for changed in ({"code_challenge": None, "code_challenge_method": None}, {"code_challenge_method": "plain"}):
        answer = app.authorize(browser, **changed)
        assert query_of(answer)["error"] == "invalid_request"


@requirement("RFC 6749", "10.2", "MUST NOT")
@requirement("RFC 8252", "8.6", "SHOULD NOT")
@pytest.mark.parametrize("kind", CALLBACKS)
def test_whatever_comes_in_an_apps_name_is_not_answered_unseen(app, browser, kind):
    """Any program on the device can listen at loopback or take a scheme; an https address is the app's alone."""
    uri = CALLBACKS[kind]
    app.walk(browser, app.authorize(browser, redirect_uri=uri))
    again = query_of(app.authorize(browser, redirect_uri=uri, prompt="none"))
    assert ("code" in again) == uri.startswith("https://")
    assert again.get("error", "consent_required") == "consent_required"
    seen = app.walk(browser, app.authorize(browser, redirect_uri=uri))
    assert "code" in query_of(seen)
