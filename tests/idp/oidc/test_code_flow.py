"""OpenID Connect Core section 3.1: the code flow from end to end, as an agency sees it."""

from __future__ import annotations

from tests.idp.provider import ISSUER, header_of, query_of
from tests.protocol.requirement import requirement


@requirement("RFC 6749", "5.1", "MUST")
@requirement("RFC 6749", "4.1.2", "MUST")
@requirement("OIDC Core", "3.1.3.3", "MUST")
@requirement("OIDC Core", "5.3.2", "MUST")
@requirement("RFC 9207", "2", "MUST")
@requirement("RFC 9207", "2.3", "MUST")
def test_a_person_signs_in_and_the_agency_gets_tokens(agency, browser):
    answer = query_of(agency.walk(browser, agency.authorize(browser)))
    assert answer["iss"] == ISSUER
    assert answer["state"] == "st"
    tokens = agency.redeem(answer["code"])
    assert tokens.status_code == 200, tokens.text
    assert tokens.json["token_type"] == "Bearer"
    assert tokens.json["expires_in"] == 300
    assert tokens.headers["Cache-Control"] == "no-store"
    claims = agency.verified(tokens.json["id_token"])
    assert claims["iss"] == ISSUER
    assert claims["aud"] == agency.client_id
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert header_of(tokens.json["access_token"])["typ"] == "at+jwt"
    userinfo = agency.userinfo(tokens.json["access_token"])
    assert userinfo.status_code == 200, userinfo.text
    assert userinfo.json["sub"] == claims["sub"]
    assert userinfo.json["given_name#th"] == "สมชาย"
