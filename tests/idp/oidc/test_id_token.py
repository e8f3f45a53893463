"""OpenID Connect Core section 2 and Appendix A: the ID token, and the access token beside it."""

from __future__ import annotations

import re

from idp.oidc.id_token import half_hash
from tests.idp.provider import ISSUER, claims_of, header_of
from tests.protocol.requirement import requirement


@requirement("OIDC Core", "3.1.3.6", "MUST")
def test_the_half_hash_of_appendix_a_6():
    """A.3: access_token jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y; A.4: code; both with RS256."""
    assert half_hash("jHkWEdUXMU1BwAsC4vtUsZwnNvTIxEl0z9K3vx5KF0Y", "RS256") == "77QmUPtjPfzWtF2AnpK9RQ"
    assert half_hash("Qcb0Orv1zh30vL1MPRsbm-diHiMwcLyZvn1arpZv-Jxf_11jnpEX3Tgfvk", "RS256") == "LDktKdoQak3Pk0cnXxCltA"


def test_ed25519_hashes_with_sha_512():
    assert len(half_hash("x", "EdDSA")) == 43


@requirement("OIDC Core", "2", "MUST")
@requirement("OIDC Core", "3.1.3.6", "MAY")
@requirement("OIDC Core", "2", "SHOULD NOT")
def test_the_id_token_has_what_the_specification_wants(agency, browser):
    tokens = agency.sign_in(browser)
    claims = agency.verified(tokens["id_token"])
    assert header_of(tokens["id_token"])["typ"] == "JWT"
    assert claims["at_hash"] == half_hash(tokens["access_token"], "ES256")
    assert claims["exp"] == claims["iat"] + 300
    assert claims["auth_time"] <= claims["iat"]
    assert claims["acr"].startswith("urn:prajak:sandbox:ial")
    assert claims["acr"].endswith(":aal2")
    assert claims["amr"]
    assert claims["nonce"] == "n-0S6_WzA2Mj"
    assert claims["sid"]
    assert "azp" not in claims
    assert isinstance(claims["aud"], str)


@requirement("OIDC Core", "2", "MUST")
@requirement("OIDC Core", "3.1.2.1", "MAY")
def test_no_nonce_gives_none(provider, browser):
    """Section 3.1.2.1: optional in the code flow."""
    assert "nonce" not in claims_of(provider.agency().sign_in(browser, nonce=None)["id_token"])


def test_a_basic_client_may_leave_pkce_out(provider, browser):
    agency = provider.agency("old", token_endpoint_auth_method="client_secret_basic")
    code = agency.code(browser, code_challenge=None, code_challenge_method=None)
    assert agency.redeem(code, code_verifier=None).status_code == 200


@requirement("RFC 9068", "2.1", "MUST")
@requirement("RFC 9068", "2.2", "MUST")
def test_the_access_token_is_a_jwt_for_resource_servers(agency, browser):
    """RFC 9068 section 2.2."""
    tokens = agency.sign_in(browser)
    claims = agency.verified(tokens["access_token"])
    assert header_of(tokens["access_token"])["typ"] == "at+jwt"
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time", "acr", "amr"} <= set(claims)
    assert claims["aud"] == ISSUER
    assert claims["client_id"] == agency.client_id
    assert "cnf" not in claims
    assert claims["sub"] == claims_of(tokens["id_token"])["sub"]


@requirement("OIDC Core", "8.1", "MUST")
@requirement("OIDC Core", "8.1", "MUST NOT")
@requirement("OIDC Core", "2", "MUST NOT")
def test_two_sectors_know_two_subjects_and_two_sessions(provider, browser):
    """Section 8.1: pairwise."""
    a = claims_of(provider.agency("agency-a").sign_in(browser)["id_token"])
    b = claims_of(provider.agency("agency-b").sign_in(browser)["id_token"])
    assert a["sub"] != b["sub"]
    assert a["sid"] != b["sid"]
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", a["sub"])


@requirement("OIDC Core", "8.1", "MUST")
def test_one_sector_knows_one_subject(provider, browser):
    first = claims_of(provider.agency("agency-a").sign_in(browser)["id_token"])
    second = claims_of(provider.agency("agency-a").sign_in(provider.browser())["id_token"])
    assert first["sub"] == second["sub"]
    assert first["sid"] != second["sid"]


@requirement("OIDC Core", "8", "MUST")
def test_public_subjects_are_the_same_everywhere(provider, browser):
    a = claims_of(provider.agency("agency-a", subject_type="public").sign_in(browser)["id_token"])
    b = claims_of(provider.agency("agency-b", subject_type="public").sign_in(browser)["id_token"])
    assert a["sub"] == b["sub"]


def test_two_apps_without_a_host_share_no_sector(provider, browser):
    metadata = {
        "application_type": "native",
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["http://127.0.0.1/cb"],
    }
    first = claims_of(provider.agency("app1", **metadata).sign_in(browser)["id_token"])
    second = claims_of(provider.agency("app2", **metadata).sign_in(browser)["id_token"])
    assert first["sub"] != second["sub"]
