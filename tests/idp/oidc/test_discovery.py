"""OpenID Connect Discovery section 3, RFC 8414, RFC 7517: what is promised is what is there."""

from __future__ import annotations

from tests.idp.provider import ISSUER
from tests.protocol.requirement import requirement


def metadata(refusing):
    return refusing.provider.browser().get("/.well-known/openid-configuration").json


@requirement("OIDC Discovery", "3", "MUST")
@requirement("RFC 8414", "2", "MUST")
@requirement("RFC 9207", "3", "MUST")
@requirement("RFC 9126", "5", "MAY")
@requirement("RFC 9396", "10", "MAY")
def test_the_required_members_are_there(refusing):
    found = metadata(refusing)
    assert found["issuer"] == ISSUER
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint", "end_session_endpoint"):
        assert found[name].startswith(f"{ISSUER}/")
    assert found["response_types_supported"] == ["code"]
    assert found["grant_types_supported"] == ["authorization_code"]
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert set(found["subject_types_supported"]) == {"pairwise", "public"}
    assert "none" not in found["id_token_signing_alg_values_supported"]
    assert found["acr_values_supported"][0] == "urn:prajak:sandbox:ial1.1:aal2"
    assert found["backchannel_logout_supported"] is True
    assert found["verified_claims_supported"] is True
    assert found["authorization_details_types_supported"] == ["credential"]


def test_it_promises_nothing_that_is_not_there(refusing):
    found = metadata(refusing)
    for name in (
        "registration_endpoint",
        "introspection_endpoint",
        "revocation_endpoint",
        "device_authorization_endpoint",
    ):
        assert name not in found
    assert found["request_parameter_supported"] is False
    assert "offline_access" not in found["scopes_supported"]
    assert "refresh_token" not in found["grant_types_supported"]


@requirement("OIDC Discovery", "3", "MUST")
def test_every_endpoint_that_it_names_is_served(refusing):
    rules = {rule.rule for rule in refusing.provider.app.url_map.iter_rules()}
    own = {
        path
        for name, path in (
            (n, u.removeprefix(ISSUER))
            for n, u in metadata(refusing).items()
            if n.endswith("_endpoint") or n == "jwks_uri"
        )
    }
    assert own - rules <= {"/logout"}  # the interaction's page, which this test's site leaves out


@requirement("RFC 8414", "3", "MUST")
@requirement("OIDC Discovery", "4.1", "MUST")
def test_both_addresses_say_the_same(refusing):
    browser = refusing.provider.browser()
    assert browser.get("/.well-known/oauth-authorization-server").json == metadata(refusing)


@requirement("OIDC Core", "10.1", "MUST")
@requirement("OIDC Discovery", "3", "MUST")
@requirement("OIDC Discovery", "3", "MUST NOT")
def test_the_keys_are_public_and_carry_what_verifies(refusing):
    keys = refusing.provider.browser().get("/jwks").json["keys"]
    assert len(keys) == 3
    for key in keys:
        assert key["use"] == "sig"
        assert key["alg"] == "ES256"
        assert key["kid"]
        assert "d" not in key


def test_prepared_documents_may_be_cached_and_asked_for_again(refusing):
    browser = refusing.provider.browser()
    first = browser.get("/jwks")
    assert first.headers["Cache-Control"] == "public, max-age=300"
    again = browser.get("/jwks", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
