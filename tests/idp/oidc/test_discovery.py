"""OpenID Connect Discovery section 3, RFC 8414, RFC 7517: what is promised is what is there."""

from __future__ import annotations

from joserfc import jws
from joserfc.jwk import KeySet

from idp.models.jose import SIGNING_ALGORITHMS
from keys.purposes import Purpose
from tests.idp.provider import ISSUER, claims_of, header_of
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
    assert "authorization_code" in found["grant_types_supported"]
    assert not {"implicit", "password"} & set(found["grant_types_supported"])
    assert found["code_challenge_methods_supported"] == ["S256"]
    assert found["authorization_response_iss_parameter_supported"] is True
    assert set(found["subject_types_supported"]) == {"pairwise", "public"}
    assert "none" not in found["id_token_signing_alg_values_supported"]
    assert found["acr_values_supported"][0] == "urn:prajak:sandbox:ial1.1:aal2"
    assert found["backchannel_logout_supported"] is True
    assert found["verified_claims_supported"] is True
    assert "credential" in found["authorization_details_types_supported"]


@requirement("RFC 9101", "10.2", "MUST NOT")
def test_it_promises_nothing_weak(refusing):
    found = metadata(refusing)
    assert "none" not in found["request_object_signing_alg_values_supported"]
    assert "RSA1_5" not in found["request_object_encryption_alg_values_supported"]
    assert not {name for name in found["code_challenge_methods_supported"] if name != "S256"}


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
    assert len({key["kid"] for key in keys}) == len(keys)
    assert {"ES256"} <= {key["alg"] for key in keys} <= {*SIGNING_ALGORITHMS, "ECDH-ES", "RSA-OAEP-256"}
    for key in keys:
        assert key["use"] == ("enc" if key["alg"] in {"ECDH-ES", "RSA-OAEP-256"} else "sig")
        assert key["kid"]
        assert not {"d", "p", "q", "k"} & set(key)


@requirement("RFC 8414", "2.1", "MUST")
def test_what_is_signed_is_what_stands_beside_it(refusing):
    """`iss` says who attests; the signature verifies with the published keys."""
    browser = refusing.provider.browser()
    found = metadata(refusing)
    token = found.pop("signed_metadata")
    jws.deserialize_compact(token, KeySet.import_key_set(browser.get("/jwks").json), algorithms=["ES256"])
    claims = claims_of(token)
    assert claims.pop("iss") == ISSUER
    assert claims.pop("iat")
    assert claims == found


def test_a_new_key_signs_the_metadata_anew(provider):
    browser = provider.browser()
    kids = [header_of(browser.get("/.well-known/openid-configuration").json["signed_metadata"])["kid"]]
    assert header_of(browser.get("/.well-known/openid-configuration").json["signed_metadata"])["kid"] == kids[0]
    provider.keystore.rotate(Purpose.METADATA, at_once=True)
    kids.append(header_of(browser.get("/.well-known/openid-configuration").json["signed_metadata"])["kid"])
    assert kids[0] != kids[1]


@requirement("OIDC Discovery", "3", "MUST")
def test_rs256_is_among_the_algorithms_of_id_tokens(refusing):
    assert "RS256" in metadata(refusing)["id_token_signing_alg_values_supported"]


@requirement("RFC 9101", "10.5", "MUST")
def test_what_is_said_of_request_objects_and_signed_answers(refusing):
    found = metadata(refusing)
    assert found["request_parameter_supported"] is True
    assert found["request_uri_parameter_supported"] is True
    assert found["require_request_uri_registration"] is True
    assert found["require_signed_request_object"] is False
    modes = {"query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt"}
    assert set(found["response_modes_supported"]) == modes
    for kind in ("id_token", "userinfo", "authorization"):
        assert set(found[f"{kind}_signing_alg_values_supported"]) == set(SIGNING_ALGORITHMS)
        assert "RSA-OAEP-256" in found[f"{kind}_encryption_alg_values_supported"]
        assert "A128CBC-HS256" in found[f"{kind}_encryption_enc_values_supported"]


def test_prepared_documents_may_be_cached_and_asked_for_again(refusing):
    browser = refusing.provider.browser()
    first = browser.get("/jwks")
    assert first.headers["Cache-Control"] == "public, max-age=300"
    again = browser.get("/jwks", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
