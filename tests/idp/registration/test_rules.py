"""What must be together in client metadata, and what each profile asks."""

from __future__ import annotations

from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from idp.registration.client_metadata import check_metadata
from idp.registration.rules import CIBA, DEVICE_CODE, TOKEN_EXCHANGE
from tests.idp.registration.test_client_metadata import PUBLIC, metadata, problems
from tests.protocol.requirement import requirement

ENC = ECKey.generate_key("P-256", {"kid": "e1", "use": "enc"}, private=True).as_dict(private=False)
RSA = RSAKey.generate_key(2048, {"kid": "r1"}, private=True).as_dict(private=False)
BOTH = {"keys": [PUBLIC, ENC]}


def checked(**changed: Any) -> dict[str, Any]:
    return check_metadata(metadata(**changed), sandbox=True)


class TestProfiles:
    """FAPI 2.0: what the profile says holds, whatever was asked for."""

    @requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
    @pytest.mark.parametrize("profile", ["fapi2-security", "fapi2-message-signing"])
    @pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
    def test_only_strong_client_authentication(self, profile, method):
        given = metadata(prajak_profile=profile, token_endpoint_auth_method=method, application_type="native")
        assert "token_endpoint_auth_method" in problems(given | {"redirect_uris": ["https://agency.example/cb"]})

    @requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
    def test_tokens_are_bound_by_dpop_or_by_the_certificate(self):
        assert checked(prajak_profile="fapi2-security")["dpop_bound_access_tokens"] is True
        assert checked(prajak_profile="fapi2-security", dpop_bound_access_tokens=False)["dpop_bound_access_tokens"]
        by_certificate = checked(
            prajak_profile="fapi2-security", token_endpoint_auth_method="tls_client_auth",
            tls_client_auth_san_dns="client.agency.example",
        )  # fmt: skip
        assert by_certificate["tls_client_certificate_bound_access_tokens"] is True
        assert "dpop_bound_access_tokens" not in by_certificate

    @requirement("FAPI 2.0 SP", "5.3.2.2", "MUST")
    def test_requests_are_pushed(self):
        wanted = checked(prajak_profile="fapi2-security", require_pushed_authorization_requests=False)
        assert wanted["require_pushed_authorization_requests"] is True

    @requirement("FAPI 2.0 SP", "5.4.1", "MUST")
    @pytest.mark.parametrize(
        "field",
        [
            "token_endpoint_auth_signing_alg", "id_token_signed_response_alg", "userinfo_signed_response_alg",
            "authorization_signed_response_alg", "introspection_signed_response_alg", "request_object_signing_alg",
        ],
    )  # fmt: skip
    def test_rs256_is_no_algorithm_of_fapi(self, field):
        keys = {"jwks": {"keys": [PUBLIC, RSA]}}
        assert field in problems(metadata(prajak_profile="fapi2-security", **{field: "RS256"}, **keys))
        assert checked(**{field: "RS256"}, **keys)[field] == "RS256"
        assert checked(prajak_profile="fapi2-security", **{field: "PS256"}, **keys)[field] == "PS256"

    @requirement("FAPI 2.0 MS", "5.3.1", "MUST")
    @requirement("FAPI 2.0 MS", "5.4.1", "MUST")
    @requirement("FAPI 2.0 MS", "5.5.1", "MUST")
    def test_message_signing_signs_all_three(self):
        found = checked(prajak_profile="fapi2-message-signing", require_signed_request_object=False)
        assert found["require_signed_request_object"] is True
        assert found["authorization_signed_response_alg"] == "ES256"
        assert found["introspection_signed_response_alg"] == "ES256"

    @requirement("FAPI 2.0 MS", "5.3.1", "MUST")
    def test_message_signing_needs_a_key_to_sign_with(self):
        given = metadata(
            prajak_profile="fapi2-message-signing", token_endpoint_auth_method="tls_client_auth",
            tls_client_auth_san_dns="client.agency.example", jwks=None,
        )  # fmt: skip
        assert set(problems(given)) == {"jwks"}

    @requirement("OIDC Registration", "2", "MUST")
    def test_the_default_of_a_basic_client_is_rs256_and_of_a_strict_one_es256(self):
        assert checked()["id_token_signed_response_alg"] == "RS256"
        assert checked(prajak_profile="fapi2-security")["id_token_signed_response_alg"] == "ES256"


class TestGrants:
    """RFC 7591 section 2.1."""

    @requirement("RFC 7591", "2.1", "SHOULD")
    @pytest.mark.parametrize(
        ("grants", "responses"),
        [(["authorization_code"], []), (["client_credentials"], ["code"]), ([DEVICE_CODE], ["code"]), ([], ["code"])],
    )
    def test_grants_and_response_types_fit(self, grants, responses):
        assert "response_types" in problems(metadata(grant_types=grants, response_types=responses))

    def test_response_types_follow_the_grants(self):
        assert checked(grant_types=["client_credentials"])["response_types"] == []

    @requirement("OIDC Registration", "2", "MUST")
    def test_only_who_redirects_needs_an_address(self):
        assert "redirect_uris" in problems(metadata(redirect_uris=None))
        machine = checked(grant_types=["client_credentials"], redirect_uris=None)
        assert machine["scope"] == ""
        assert "redirect_uris" not in machine

    @requirement("RFC 6749", "4.4", "MUST")
    @pytest.mark.parametrize("grant", ["client_credentials", CIBA, TOKEN_EXCHANGE])
    def test_a_public_client_has_no_grant_that_its_authentication_guards(self, grant):
        app = metadata(application_type="native", token_endpoint_auth_method="none", jwks=None, redirect_uris=None,
                       grant_types=[grant], backchannel_token_delivery_mode="poll")  # fmt: skip
        assert set(problems(app)) == {"grant_types"}

    def test_a_device_may_be_public(self):
        app = metadata(application_type="native", token_endpoint_auth_method="none", jwks=None, redirect_uris=None)
        assert check_metadata(app | {"grant_types": [DEVICE_CODE, "refresh_token"]}, sandbox=True)

    @requirement("RFC 9101", "10.5", "MUST")
    @pytest.mark.parametrize(
        "must", [{"require_signed_request_object": True}, {"prajak_profile": "fapi2-message-signing"}]
    )
    def test_who_must_sign_requests_has_no_grant_that_signs_none(self, must):
        grants = ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]
        found = problems(metadata(grant_types=grants, **must))
        assert set(found) == {"grant_types"}

    def test_offline_access_is_for_who_may_refresh(self):
        assert set(problems(metadata(scope="openid offline_access"))) == {"scope"}
        refreshing = checked(grant_types=["authorization_code", "refresh_token"])
        assert "offline_access" in refreshing["scope"].split()


class TestMutualTls:
    """RFC 8705 section 2.1.2."""

    @requirement("RFC 8705", "2.1.2", "MUST")
    @pytest.mark.parametrize(
        "subject",
        [
            {"tls_client_auth_subject_dn": "CN=client,O=Agency,C=TH"},
            {"tls_client_auth_san_dns": "client.agency.example"},
            {"tls_client_auth_san_uri": "urn:agency:client"},
            {"tls_client_auth_san_ip": "192.0.2.7"},
            {"tls_client_auth_san_ip": "2001:db8::7"},
            {"tls_client_auth_san_email": "client@agency.example"},
        ],
    )
    def test_each_way_to_name_the_certificate(self, subject):
        found = checked(token_endpoint_auth_method="tls_client_auth", jwks=None, **subject)
        assert subject.items() <= found.items()

    @requirement("RFC 8705", "2.1.2", "MUST")
    def test_exactly_one_of_them(self):
        several = {"tls_client_auth_san_dns": "a.example", "tls_client_auth_san_ip": "192.0.2.7"}
        for subject in ({}, several):
            found = problems(metadata(token_endpoint_auth_method="tls_client_auth", jwks=None, **subject))
            assert "exactly one" in next(iter(found.values()))

    def test_they_go_with_that_method_alone(self):
        assert set(problems(metadata(tls_client_auth_san_dns="a.example"))) == {"tls_client_auth_san_dns"}

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("tls_client_auth_subject_dn", "client"), ("tls_client_auth_subject_dn", ""), ("tls_client_auth_subject_dn", "CN="),
            ("tls_client_auth_subject_dn", "XX=1,,"), ("tls_client_auth_subject_dn", 5), ("tls_client_auth_subject_dn", "CN=a\\"),
            ("tls_client_auth_san_dns", "no dots"), ("tls_client_auth_san_dns", "*.agency.example"), ("tls_client_auth_san_dns", "a.example\n"),
            ("tls_client_auth_san_uri", "nothing"), ("tls_client_auth_san_uri", "urn:a b"), ("tls_client_auth_san_ip", "300.1.1.1"),
            ("tls_client_auth_san_ip", "١.١.١.١"), ("tls_client_auth_san_ip", 7), ("tls_client_auth_san_email", "nobody"),
            ("tls_client_auth_san_email", "a@b@c"),
        ],
    )  # fmt: skip
    def test_a_bad_name_is_refused_at_its_field(self, field, value):
        found = problems(metadata(token_endpoint_auth_method="tls_client_auth", jwks=None, **{field: value}))
        assert set(found) == {field}

    @requirement("RFC 8705", "2.2.2", "MUST")
    def test_a_self_signed_certificate_is_registered_with_its_key(self):
        found = problems(metadata(token_endpoint_auth_method="self_signed_tls_client_auth"))
        assert "x5c" in found["jwks"]

    def test_tokens_have_one_confirmation(self):
        both = {"tls_client_certificate_bound_access_tokens": True, "dpop_bound_access_tokens": True}
        assert set(problems(metadata(**both))) == {"dpop_bound_access_tokens"}


class TestCiba:
    """CIBA Core section 4."""

    @requirement("CIBA Core", "4", "MUST")
    def test_the_delivery_mode_is_named(self):
        assert set(problems(metadata(grant_types=[CIBA]))) == {"backchannel_token_delivery_mode"}

    @requirement("CIBA Core", "4", "MUST")
    def test_ping_needs_an_address_over_tls(self):
        ping = {"grant_types": [CIBA], "backchannel_token_delivery_mode": "ping"}
        field = "backchannel_client_notification_endpoint"
        assert set(problems(metadata(**ping))) == {field}
        assert set(problems(metadata(**ping, **{field: "http://agency.example/cb"}))) == {field}
        assert checked(**ping, **{field: "https://agency.example/cb"})

    @requirement("FAPI-CIBA", "5.2.2", "MUST NOT")
    def test_push_is_not_offered(self):
        given = metadata(grant_types=[CIBA], backchannel_token_delivery_mode="push")
        assert set(problems(given)) == {"backchannel_token_delivery_mode"}

    @requirement("FAPI-CIBA", "5.2.2", "MUST")
    def test_a_strict_client_signs_its_authentication_requests(self):
        field = "backchannel_authentication_request_signing_alg"
        strict = {"grant_types": [CIBA], "backchannel_token_delivery_mode": "poll", "prajak_profile": "fapi2-security"}
        assert set(problems(metadata(**strict))) == {field}
        assert checked(**strict, **{field: "ES256"})

    def test_user_codes_are_not_asked_for(self):
        assert set(problems(metadata(backchannel_user_code_parameter=True))) == {"backchannel_user_code_parameter"}
        assert checked(backchannel_user_code_parameter=False)


class TestEncryption:
    """OpenID Connect Registration section 2, JARM section 3, RFC 9701 section 6."""

    @requirement("OIDC Registration", "2", "MUST")
    @pytest.mark.parametrize("response", ["id_token", "userinfo", "authorization", "introspection"])
    def test_an_enc_stands_beside_its_alg(self, response):
        alg, enc = f"{response}_encrypted_response_alg", f"{response}_encrypted_response_enc"
        assert set(problems(metadata(**{enc: "A256GCM"}, jwks=BOTH))) == {enc}
        assert checked(**{alg: "ECDH-ES"}, jwks=BOTH)[enc] == "A128CBC-HS256"
        assert checked(**{alg: "ECDH-ES", enc: "A256GCM"}, jwks=BOTH)[enc] == "A256GCM"

    @pytest.mark.parametrize(("alg", "keys"), [("RSA-OAEP-256", BOTH), ("ECDH-ES", {"keys": [RSA]})])
    def test_there_is_a_key_to_encrypt_to(self, alg, keys):
        found = problems(metadata(id_token_encrypted_response_alg=alg, jwks=keys))
        assert alg in found["jwks"]

    def test_a_key_without_a_use_serves_for_both(self):
        assert checked(id_token_encrypted_response_alg="ECDH-ES")
        signing = {"keys": [PUBLIC | {"use": "sig"}]}
        assert "jwks" in problems(metadata(id_token_encrypted_response_alg="ECDH-ES", jwks=signing))

    def test_a_client_with_a_secret_needs_keys_to_be_encrypted_to(self):
        given = metadata(
            token_endpoint_auth_method="client_secret_basic", jwks=None, userinfo_encrypted_response_alg="ECDH-ES"
        )  # fmt: skip
        assert set(problems(given)) == {"jwks"}

    @pytest.mark.parametrize("field", ["userinfo_signed_response_alg", "introspection_signed_response_alg"])
    def test_none_asks_for_plain_json(self, field):
        assert field not in checked(**{field: "none"})


class TestAddresses:
    @requirement("OIDC Front-Channel Logout", "2", "MUST")
    @pytest.mark.parametrize(
        ("uri", "fits"),
        [
            ("https://agency.example/logout?x=1", True), ("https://agency.example:443/logout", True),
            ("https://other.example/logout", False), ("https://agency.example:8443/logout", False),
        ],
    )  # fmt: skip
    def test_front_channel_logout_is_where_the_redirects_are(self, uri, fits):
        given = metadata(frontchannel_logout_uri=uri, frontchannel_logout_session_required=True)
        if fits:
            assert check_metadata(given, sandbox=True)["frontchannel_logout_uri"] == uri
        else:
            assert set(problems(given)) == {"frontchannel_logout_uri"}

    @requirement("OIDC Core", "6.2", "MAY")
    def test_a_request_uri_may_hold_its_hash(self):
        assert checked(request_uris=["https://agency.example/request.jwt#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM"])

    @requirement("RFC 9101", "5.2", "MUST")
    def test_a_request_uri_is_fetched_over_tls(self):
        assert set(problems(metadata(request_uris=["http://agency.example/r"]))) == {"request_uris"}
        assert checked(request_uris=["http://agency-a.localhost:9/r"])
        assert set(problems(metadata(request_uris=["http://localhost:9/r"]), sandbox=False)) == {"request_uris"}

    @requirement("OIDC Core", "4", "MUST")
    def test_third_party_login_begins_over_tls(self):
        assert set(problems(metadata(initiate_login_uri="http://agency.example/login"))) == {"initiate_login_uri"}

    def test_response_modes_are_named(self):
        assert checked(response_modes=["jwt", "form_post"])["response_modes"] == ["jwt", "form_post"]
        assert set(problems(metadata(response_modes=["web_message"]))) == {"response_modes"}

    @requirement("FAPI 2.0 MS", "5.4.1", "MUST")
    def test_message_signing_needs_a_mode_that_signs(self):
        signing = {"prajak_profile": "fapi2-message-signing"}
        assert set(problems(metadata(**signing, response_modes=["query"]))) == {"response_modes"}
        assert checked(**signing, response_modes=["query.jwt"])
