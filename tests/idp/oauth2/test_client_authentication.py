"""RFC 6749 section 2.3: secrets, public clients, one method a request, and how a failure is told."""

from __future__ import annotations

from base64 import b64encode

import pytest

from tests.idp.provider import VERIFIER
from tests.protocol.requirement import requirement


@pytest.fixture
def basic(provider):
    return provider.agency("basic", token_endpoint_auth_method="client_secret_basic")


def post(client, data, **headers):
    return client.provider.browser().post("/token", data=data, headers=headers)


def encoded(client_id, secret):
    return "Basic " + b64encode(f"{client_id}:{secret}".encode()).decode()


def form(code, client):
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": client.redirect_uri,
        "code_verifier": VERIFIER,
    }


@requirement("RFC 6749", "2.3.1", "MUST")
def test_a_secret_in_the_header_authenticates(basic, browser):
    assert basic.redeem(basic.code(browser)).status_code == 200


@requirement("RFC 6749", "5.2", "MUST")
@requirement("RFC 6749", "3.2.1", "MUST")
def test_a_wrong_secret_is_refused_with_a_challenge(basic):
    answer = post(basic, form("x", basic), Authorization=encoded(basic.client_id, "wrong"))
    assert answer.status_code == 401
    assert answer.json["error"] == "invalid_client"
    assert answer.headers["WWW-Authenticate"].startswith("Basic")
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic " + b64encode(b"no colon").decode(),
        "Basic " + b64encode(b"\xff:\xff").decode(),
        "Basic " + b64encode(b"%ZZ:%FF").decode(),
        "Basic \xb5",
    ],
)
def test_a_header_that_is_no_basic_authentication_is_refused(refusing, header):
    assert post(refusing, form("x", refusing), Authorization=header).json["error"] == "invalid_client"


@requirement("RFC 6749", "2.3.1", "MUST")
def test_the_header_is_form_encoded_inside(provider):
    """Section 2.3.1: a client_id or secret with a colon or a percent sign survives."""
    from idp.oauth2.client_authentication import read_basic

    assert read_basic(encoded("a%3Ab", "c%25d+e")) == ("a:b", "c%d e")


@requirement("RFC 6749", "2.3.1", "MAY")
def test_a_secret_in_the_body_is_for_those_who_registered_it(provider, basic, browser):
    posting = provider.agency("posting", token_endpoint_auth_method="client_secret_post")
    assert posting.redeem(posting.code(browser)).status_code == 200
    secret = {"client_id": basic.client_id, "client_secret": basic.registered["client_secret"]}
    assert "client_secret_post" in post(basic, form("x", basic) | secret).json["error_description"]


@requirement("RFC 6749", "2.3", "MUST NOT")
def test_two_methods_at_once_are_refused(basic):
    header = encoded(basic.client_id, basic.registered["client_secret"])
    answer = post(basic, form("x", basic) | {"client_id": basic.client_id, "client_secret": "x"}, Authorization=header)
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_request"


@requirement("RFC 6749", "3.2.1", "MUST")
def test_a_client_without_any_authentication_is_refused(basic):
    assert post(basic, form("x", basic)).json["error"] == "invalid_client"
    assert post(basic, form("x", basic) | {"client_id": basic.client_id}).json["error"] == "invalid_client"


def test_a_client_id_beside_the_header_must_agree(basic):
    header = encoded(basic.client_id, basic.registered["client_secret"])
    assert (
        post(basic, form("x", basic) | {"client_id": "another"}, Authorization=header).json["error"] == "invalid_client"
    )


class TestPublicClients:
    """RFC 8252: native apps."""

    @pytest.fixture
    def app(self, provider):
        return provider.agency(
            "app",
            application_type="native",
            token_endpoint_auth_method="none",
            redirect_uris=["http://127.0.0.1/callback", "com.example.app:/callback"],
        )

    @requirement("RFC 8252", "7.3", "MUST")
    @requirement("RFC 8252", "8.4", "MUST")
    @requirement("RFC 8252", "8.1", "MUST")
    def test_an_app_redeems_with_pkce_alone_from_any_port(self, app, browser):
        """Section 7.3."""
        uri = "http://127.0.0.1:51004/callback"
        code = app.code(browser, redirect_uri=uri)
        assert app.redeem(code, redirect_uri=uri).status_code == 200

    @requirement("RFC 6749", "4.1.3", "MUST")
    def test_the_code_is_bound_to_the_port_it_was_sent_to(self, app, browser):
        code = app.code(browser, redirect_uri="http://127.0.0.1:51004/callback")
        assert app.redeem(code, redirect_uri="http://127.0.0.1:51005/callback").json["error"] == "invalid_grant"

    @requirement("RFC 8252", "8.1", "MUST")
    @requirement("RFC 9700", "2.1.1", "MUST")
    @requirement("RFC 7636", "4.4.1", "MUST")
    def test_pkce_is_never_left_out(self, app, browser):
        answer = app.authorize(browser, code_challenge=None, code_challenge_method=None)
        assert "error=invalid_request" in answer.location

    @requirement("RFC 8252", "8.4", "MUST")
    @requirement("RFC 9700", "2.1", "MUST")
    def test_another_path_or_host_is_refused(self, app, browser):
        for uri in (
            "http://127.0.0.1:5/other",
            "http://127.0.0.2:5/callback",
            "http://[::1]:5/callback",
            "https://127.0.0.1:5/callback",
            "http://127.0.0.1:5/callback#x",
            "http://x@127.0.0.1:5/callback",
            "http://127.0.0.1:99999/callback",
        ):
            assert app.authorize(browser, redirect_uri=uri).status_code == 400, uri
