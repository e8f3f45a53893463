"""Cross-Origin Resource Sharing by client origin: a page reads what is answered to its own client, and nothing else."""

from __future__ import annotations

import pytest

from idp.oauth2.cross_origin import origins
from idp.server import CLIENT_ENDPOINTS
from tests.idp.clients import registered
from tests.idp.provider import ISSUER

OWN, FOREIGN = "https://agency-a.example", "https://evil.example"
ALLOW, EXPOSE = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"
PROTECTED = [*(endpoint.path for endpoint in CLIENT_ENDPOINTS), "/userinfo"]
DOCUMENTS = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/jwks"]


def from_page(provider, origin):
    client = provider.app.test_client()
    client.environ_base["HTTP_ORIGIN"] = origin
    return client


def userinfo(client, token):
    return client.get("/userinfo", headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize("path", PROTECTED)
def test_a_preflight_is_granted_without_credentials(provider, path):
    """The browser asks before anybody knows which client will call; cookies are never asked for."""
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "dpop, authorization"}
    answer = from_page(provider, OWN).options(path, headers=wanted)
    assert answer.status_code == 200
    assert answer.headers[ALLOW] == OWN
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]
    assert {"DPoP", "Authorization"} <= set(answer.headers["Access-Control-Allow-Headers"].split(", "))
    assert "Access-Control-Allow-Credentials" not in answer.headers
    assert "Origin" in answer.headers["Vary"]


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_public_documents_are_for_every_page(provider, path, method):
    answer = from_page(provider, FOREIGN).open(path, method=method)
    assert (answer.status_code, answer.headers[ALLOW]) == (200, "*")


def test_the_client_s_own_page_reads_its_tokens_and_userinfo(provider, agency, browser):
    answer = agency.redeem(agency.code(browser), browser=from_page(provider, OWN))
    assert (answer.status_code, answer.headers[ALLOW]) == (200, OWN)
    assert answer.headers[EXPOSE] == "DPoP-Nonce, WWW-Authenticate"
    answer = userinfo(from_page(provider, OWN), answer.json["access_token"])
    assert (answer.status_code, answer.headers[ALLOW]) == (200, OWN)


def test_another_page_reads_neither(provider, agency, browser):
    answer = agency.redeem(agency.code(browser), browser=from_page(provider, FOREIGN))
    assert answer.status_code == 200
    assert ALLOW not in answer.headers
    assert ALLOW not in userinfo(from_page(provider, FOREIGN), answer.json["access_token"]).headers


def test_a_page_of_another_client_reads_nothing_of_this_one(provider, agency, browser):
    provider.agency("agency-b")
    answer = agency.redeem(agency.code(browser), browser=from_page(provider, "https://agency-b.example"))
    assert ALLOW not in answer.headers


def test_a_refusal_can_be_read_by_the_page_that_made_the_mistake(provider, agency, browser):
    answer = agency.redeem("nonsense", browser=from_page(provider, OWN))
    assert (answer.json["error"], answer.headers[ALLOW]) == ("invalid_grant", OWN)
    answer = userinfo(from_page(provider, OWN), agency.sign_in(browser)["access_token"] + "A")
    assert answer.status_code == 401
    assert answer.headers[ALLOW] == OWN


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post", "private_key_jwt"])
def test_whichever_way_it_says_who_it_is(provider, browser, method):
    kind = {"application_type": "native"} if method == "none" else {}
    agency = provider.agency("agency-a", token_endpoint_auth_method=method, **kind)
    answer = agency.redeem(agency.code(browser), browser=from_page(provider, OWN))
    assert (answer.status_code, answer.headers[ALLOW]) == (200, OWN)


@pytest.mark.parametrize(
    ("path", "data", "authorization"),
    [
        ("/token", {}, ""),
        ("/token", {"client_id": "nobody"}, ""),
        ("/token", {"client_assertion": "a.b.c"}, ""),
        ("/token", {}, "Basic !!!"),
        ("/userinfo", {}, "Bearer abc"),
        ("/userinfo", {}, "DPoP a.b.c"),
    ],
)
def test_a_call_of_nobody_is_shared_with_nobody(provider, path, data, authorization):
    answer = from_page(provider, OWN).post(path, data=data, headers={"Authorization": authorization})
    assert answer.status_code in {400, 401}
    assert ALLOW not in answer.headers


def test_pages_for_people_are_shared_with_nobody(provider, agency):
    assert ALLOW not in from_page(provider, OWN).get("/authorize", base_url=ISSUER).headers


def test_a_call_without_an_origin_gets_no_such_header(provider, agency, browser):
    answer = agency.redeem(agency.code(browser))
    assert ALLOW not in answer.headers
    assert "Origin" in answer.headers["Vary"], "for the caches between"


def test_origins_are_those_of_redirect_uris_on_the_web():
    uris = ["https://a.example/x", "https://a.example:8443/", "com.example.app:/x", "http://127.0.0.1/cb"]
    assert origins(registered(redirect_uris=uris)) == {
        "https://a.example",
        "https://a.example:8443",
        "http://127.0.0.1",
    }


def test_an_origin_is_written_as_browsers_write_it():
    """RFC 6454 section 6.2: in small letters, and without the port that its scheme has anyway."""
    uris = ["https://Agency.Example:443/cb", "https://agency.example:8443/cb", "http://[::1]:80/cb", "http://[::1]:81/"]
    client = registered(redirect_uris=uris)
    expected = {"https://agency.example", "https://agency.example:8443", "http://[::1]", "http://[::1]:81"}
    assert origins(client) == expected
