"""RFC 7591 section 2 and OpenID Connect Registration section 2: every field refused by name, with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from idp.registration.client_metadata import check_metadata
from idp.registration.problems import InvalidMetadata
from tests.idp.provider import b64
from tests.protocol.requirement import requirement

KEY = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
PUBLIC = KEY.as_dict(private=False)
PURPOSE = {"claim": "name", "purpose": "To address you", "legal_basis": "public_task"}


def metadata(**changed: Any) -> dict[str, Any]:
    usual = {
        "client_name": "Elderly allowance",
        "client_name#th": "เบี้ยยังชีพผู้สูงอายุ",
        "redirect_uris": ["https://agency.example/callback"],
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [PUBLIC]},
        "prajak_claims": [PURPOSE],
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def problems(given: Any, *, sandbox: bool = True) -> dict[str, str]:
    with pytest.raises(InvalidMetadata) as refused:
        check_metadata(given, sandbox=sandbox)
    return {problem.field: problem.text for problem in refused.value.problems}


def test_good_metadata_is_completed():
    checked = check_metadata(metadata(), sandbox=True)
    assert checked["response_types"] == ["code"]
    assert checked["grant_types"] == ["authorization_code"]
    assert checked["subject_type"] == "pairwise"
    assert checked["application_type"] == "web"
    assert set(checked["scope"].split()) >= {"openid", "profile", "email", "phone"}
    assert "offline_access" not in checked["scope"].split()
    assert checked["prajak_profile"] == "oidc-basic"
    assert checked["client_name#th"] == "เบี้ยยังชีพผู้สูงอายุ"


def test_the_profile_is_strict_outside_the_sandbox():
    assert check_metadata(metadata(), sandbox=False)["prajak_profile"] == "fapi2-security"


@requirement("RFC 7591", "2", "MUST")
def test_without_a_method_a_basic_client_gets_a_secret():
    """RFC 7591 section 2: client_secret_basic is the default."""
    checked = check_metadata(metadata(token_endpoint_auth_method=None, jwks=None), sandbox=True)
    assert checked["token_endpoint_auth_method"] == "client_secret_basic"


@requirement("RFC 7591", "2", "MUST")
def test_unknown_members_are_dropped():
    assert "favourite_colour" not in check_metadata(metadata(favourite_colour="blue"), sandbox=True)


@pytest.mark.parametrize("given", [None, 5, "x", [], True])
def test_what_is_no_object_is_refused(given):
    assert set(problems(given)) == {"metadata"}


@requirement("RFC 6749", "3.1.2", "MUST NOT")
@requirement("OIDC Registration", "2", "MUST")
@pytest.mark.parametrize(
    "uri",
    [
        "https://agency.example/cb#x", "https://agency.example/cb#", "http://agency.example/cb", "/cb", "agency.example/cb", "",
        "https://*.agency.example/cb", "https://user:pw@agency.example/cb", "https://agency.example/ช", "https://agency.example/a b",
        "https://agency.example/\n", "https:///cb", "https://agency.example:99999/cb", "https://[::1/cb", "javascript:alert(1)",
        "data:text/html,x", "com.example.app:/cb", "https://agency.example\\@evil.example/", "x" * 2000, 5, None, ["x"], {"a": 1},
    ],
)  # fmt: skip
def test_a_bad_redirect_uri_is_named(uri):
    assert set(problems(metadata(redirect_uris=[uri]))) == {"redirect_uris"}


@pytest.mark.parametrize(
    "uris", [[], "https://agency.example/cb", {}, 5, ["https://a.example/"] * 2, ["https://a.example/"] * 21]
)
def test_redirect_uris_are_a_list_of_different_addresses(uris):
    assert "redirect_uris" in problems(metadata(redirect_uris=uris))


def test_loopback_is_for_the_sandbox():
    local = metadata(redirect_uris=["http://agency-a.localhost:8081/callback"])
    check_metadata(local, sandbox=True)
    assert "sandbox" in problems(local, sandbox=False)["redirect_uris"]


class TestNative:
    """RFC 8252 section 7."""

    @requirement("RFC 8252", "7.3", "MUST")
    @requirement("RFC 8252", "7.1", "MUST")
    @pytest.mark.parametrize(
        "uri",
        [
            "http://127.0.0.1/cb",
            "http://[::1]/cb",
            "http://localhost:9/cb",
            "com.example.app:/cb",
            "https://app.example/cb",
        ],
    )
    def test_what_apps_use_is_taken(self, uri):
        app = metadata(application_type="native", token_endpoint_auth_method="none", jwks=None, redirect_uris=[uri])
        check_metadata(app, sandbox=True)

    @requirement("RFC 8252", "7.1", "MUST")
    @pytest.mark.parametrize(
        "uri", ["myapp:/cb", "com.example.app://host/cb", "http://app.example/cb", "file:///etc/passwd"]
    )
    def test_what_others_could_claim_is_not(self, uri):
        app = metadata(application_type="native", token_endpoint_auth_method="none", jwks=None, redirect_uris=[uri])
        assert "redirect_uris" in problems(app)

    @requirement("RFC 9700", "2.5", "SHOULD")
    def test_only_apps_go_without_authentication(self):
        assert (
            "native" in problems(metadata(token_endpoint_auth_method="none", jwks=None))["token_endpoint_auth_method"]
        )


@requirement("RFC 7591", "3.2.2", "MUST")
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("client_name", ""), ("client_name", 5), ("client_name", "x" * 201), ("client_name", "a\nb"), ("client_name", "\u202e"),
        ("client_name#th", ["x"]), ("client_uri", "http://agency.example"), ("client_uri#th", "x"), ("logo_uri", "ftp://x.example/l"),
        ("policy_uri", 5), ("tos_uri", "https://x.example/#a"), ("contacts", "a@b.example"), ("contacts", [5]),
        ("application_type", "mobile"), ("application_type", []), ("response_types", ["token"]), ("response_types", []),
        ("grant_types", ["implicit"]), ("scope", "openid admin"), ("scope", ""),
        ("scope", ["openid"]), ("jwks", []), ("jwks", {"keys": []}), ("jwks", {"keys": [5]}), ("jwks", {"keys": [{"kty": "oct", "k": "AA"}]}),
        ("jwks", {"keys": [KEY.as_dict(private=True)]}), ("jwks", {"keys": [PUBLIC | {"x": "AAAA"}]}), ("jwks", {"keys": [PUBLIC | {"kid": 5}]}),
        ("jwks", {"keys": [PUBLIC, PUBLIC]}), ("jwks", {"keys": [PUBLIC | {"use": "enc", "kid": []}]}), ("jwks", {"keys": [{"kty": []}]}),
        ("token_endpoint_auth_method", 5), ("token_endpoint_auth_signing_alg", "HS256"),
        ("token_endpoint_auth_signing_alg", "none"), ("id_token_signed_response_alg", "none"), ("subject_type", "ephemeral"),
        ("sector_identifier_uri", "http://x.example"), ("default_max_age", -1), ("default_max_age", True), ("default_max_age", "60"),
        ("require_auth_time", "yes"), ("default_acr_values", ["urn:x"]), ("default_acr_values", "urn:x"), ("initiate_login_uri", "x"),
        ("post_logout_redirect_uris", ["http://agency.example/"]), ("backchannel_logout_uri", "https://x.example/#f"),
        ("backchannel_logout_session_required", 1), ("require_pushed_authorization_requests", "true"), ("dpop_bound_access_tokens", 0),
        ("authorization_details_types", ["payment"]), ("software_id", 5), ("prajak_profile", "fapi1"), ("prajak_profile", []),
        ("prajak_claims", {}), ("prajak_claims", ["name"]),
        ("prajak_claims", [PURPOSE | {"claim": "religion"}]), ("prajak_claims", [PURPOSE | {"claim": []}]), ("prajak_claims", [PURPOSE | {"purpose": ""}]),
        ("prajak_claims", [PURPOSE | {"legal_basis": "because"}]), ("prajak_claims", [PURPOSE | {"legal_basis": []}]), ("prajak_claims", [PURPOSE | {"essential": "no"}]),
        ("prajak_claims", [PURPOSE | {"purpose#th": 5}]), ("frontchannel_logout_uri", "https://x.example/"),
        ("id_token_encrypted_response_alg", "RSA-OAEP"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_at_its_field(field, value):
    found = problems(metadata(**{field: value}))
    assert set(found) == {field}
    assert found[field]


def test_everything_that_is_wrong_is_told_at_once():
    found = problems(metadata(redirect_uris=["x"], client_name="", jwks=5, subject_type="x"))
    assert set(found) == {"redirect_uris", "client_name", "jwks", "subject_type"}


def test_a_missing_redirect_uri_is_told_among_the_rest():
    assert "redirect_uris" in problems(metadata(redirect_uris=None, client_name=""))


def test_a_weak_key_is_refused():
    weak = {"kty": "RSA", "e": "AQAB", "n": b64(b"\xff" * 128)}
    assert "2048" in problems(metadata(jwks={"keys": [weak]}))["jwks"]


@requirement("RFC 7591", "2", "MUST NOT")
def test_keys_by_value_or_by_address_but_not_both():
    both = metadata(jwks_uri="https://agency.example/jwks")
    assert set(problems(both)) == {"jwks_uri"}
    assert set(problems(metadata(jwks=None))) == {"jwks"}


def test_a_key_must_fit_the_algorithm():
    rsa = RSAKey.generate_key(2048, {"kid": "r"}, private=True).as_dict(private=False)
    check_metadata(metadata(jwks={"keys": [rsa]}), sandbox=True)
    assert "jwks" in problems(metadata(jwks={"keys": [rsa]}, token_endpoint_auth_signing_alg="ES256"))


def test_the_strict_profile_takes_private_key_jwt_alone():
    strict = metadata(prajak_profile="fapi2-security", token_endpoint_auth_method="client_secret_basic", jwks=None)
    assert set(problems(strict)) == {"token_endpoint_auth_method"}
    assert set(problems(metadata(prajak_profile="fapi2-security", token_endpoint_auth_signing_alg="RS256"))) >= {
        "token_endpoint_auth_signing_alg"
    }


@requirement("OIDC Core", "8.1", "MUST")
def test_several_hosts_need_a_sector_document():
    """OpenID Connect Core section 8.1."""
    hosts = metadata(redirect_uris=["https://a.example/cb", "https://b.example/cb"])
    assert set(problems(hosts)) == {"sector_identifier_uri"}
    check_metadata(hosts | {"subject_type": "public"}, sandbox=True)


def test_outside_the_sandbox_purposes_and_a_name_are_needed():
    assert set(problems(metadata(prajak_claims=None, client_name=None), sandbox=False)) == {
        "client_name",
        "prajak_claims",
    }
    check_metadata(metadata(prajak_claims=None, client_name=None), sandbox=True)


@requirement("RFC 7591", "3.2.2", "MUST")
def test_the_problems_travel_as_the_registered_codes():
    """RFC 7591 section 3.2.2."""
    for field, error in (("redirect_uris", "invalid_redirect_uri"), ("subject_type", "invalid_client_metadata")):
        with pytest.raises(InvalidMetadata) as refused:
            check_metadata(metadata(**{field: ["x"]}), sandbox=True)
        answer = refused.value.as_oauth()
        assert answer.error == error
        assert answer.description.startswith(field)
