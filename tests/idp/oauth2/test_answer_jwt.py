"""What a client registered about the signatures and the encryption of its answers holds for every kind of answer."""

from __future__ import annotations

import json

import pytest
from joserfc import jws
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey, KeySet, RSAKey

from idp.errors import InvalidRequest
from idp.models.jose import ENCRYPTION_METHODS, SIGNING_ALGORITHMS
from idp.oauth2.answer_jwt import encryption_key
from idp.oidc.backchannel_logout import BackchannelLogout
from idp.oidc.id_token import half_hash
from idp.registration.problems import InvalidMetadata
from keys.purposes import Purpose
from tests.idp.clients import registered
from tests.idp.provider import ISSUER, claims_of, header_of, query_of
from tests.protocol.requirement import requirement

SIGNING = ECKey.generate_key("P-256", {"kid": "sig", "use": "sig"}, private=True)
EC = ECKey.generate_key("P-256", {"kid": "ec", "use": "enc"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "rsa", "use": "enc"}, private=True)
JWKS = {"keys": [key.as_dict(private=False) for key in (SIGNING, EC, RSA)]}
ENCRYPTED = [("ECDH-ES", EC), ("ECDH-ES+A128KW", EC), ("ECDH-ES+A256KW", EC), ("RSA-OAEP-256", RSA)]
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")


def secretive(provider, host="secret", **metadata):
    agency = provider.agency(host, jwks=JWKS, **metadata)
    agency.key = SIGNING
    return agency


def verified(agency, token, algorithm):
    keys = KeySet.import_key_set(agency.provider.browser().get("/jwks").json)
    assert header_of(token)["alg"] == algorithm
    jws.deserialize_compact(token, keys, algorithms=[algorithm])
    return claims_of(token)


def opened(token, key, alg, enc="A128CBC-HS256"):
    found = decrypt_compact(token, key, algorithms=[alg, enc])
    assert (found.protected["alg"], found.protected["enc"], found.protected["kid"]) == (alg, enc, key.kid)
    return found


class TestIdToken:
    @requirement("OIDC Registration", "2", "MUST")
    @requirement("OIDC Core", "3.1.3.6", "MUST")
    @pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
    def test_it_is_signed_as_registered_and_hashes_accordingly(self, provider, browser, algorithm):
        agency = provider.agency(f"by-{algorithm}".lower(), id_token_signed_response_alg=algorithm)
        tokens = agency.sign_in(browser)
        claims = verified(agency, tokens["id_token"], algorithm)
        assert claims["at_hash"] == half_hash(tokens["access_token"], algorithm)
        assert claims["s_hash"] == half_hash("st", algorithm)
        assert len(claims["s_hash"]) == (43 if algorithm == "EdDSA" else 22)

    @requirement("OIDC Core", "15.1", "MUST")
    @requirement("OIDC Registration", "2", "MUST")
    def test_rs256_is_what_a_client_gets_that_said_nothing(self, provider, browser):
        agency = provider.agency("silent", id_token_signed_response_alg=None)
        verified(agency, agency.sign_in(browser)["id_token"], "RS256")

    @requirement("FAPI 2.0 SP", "5.4.1", "MUST NOT")
    def test_the_strict_profile_has_no_rs256(self, provider):
        strict = {"prajak_profile": "fapi2-security", "id_token_signed_response_alg": "RS256"}
        with pytest.raises(InvalidMetadata):
            provider.agency("strict", **strict)
        agency = provider.agency("strict", prajak_profile="fapi2-security", id_token_signed_response_alg=None)
        assert agency.registered["id_token_signed_response_alg"] == "ES256"

    def test_without_a_state_there_is_no_hash_of_one(self, agency, browser):
        assert "s_hash" not in claims_of(agency.sign_in(browser, state=None)["id_token"])

    @requirement("OIDC Core", "2", "MUST")
    @requirement("OIDC Core", "10.2", "MUST")
    @pytest.mark.parametrize(("alg", "key"), ENCRYPTED)
    def test_it_is_signed_and_then_encrypted_where_registered(self, provider, browser, alg, key):
        agency = secretive(provider, id_token_encrypted_response_alg=alg)
        found = opened(agency.sign_in(browser)["id_token"], key, alg)
        assert found.protected["cty"] == "JWT"
        claims = verified(agency, found.plaintext.decode(), "ES256")
        assert claims["aud"] == agency.client_id

    @pytest.mark.parametrize("enc", ENCRYPTION_METHODS)
    def test_by_each_content_encryption(self, provider, browser, enc):
        agency = secretive(provider, id_token_encrypted_response_alg="ECDH-ES", id_token_encrypted_response_enc=enc)
        opened(agency.sign_in(browser)["id_token"], EC, "ECDH-ES", enc)

    @requirement("OIDC Core", "3.1.2.1", "MUST")
    def test_what_was_within_is_a_hint(self, provider, browser):
        """The client decrypts it before it sends it back."""
        agency = secretive(provider, id_token_encrypted_response_alg="ECDH-ES")
        hint = opened(agency.sign_in(browser)["id_token"], EC, "ECDH-ES").plaintext.decode()
        answer = query_of(agency.authorize(browser, prompt="none", id_token_hint=hint))
        assert "code" in answer

    @pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
    def test_a_hint_of_any_algorithm_is_known_again(self, provider, browser, algorithm):
        agency = provider.agency(f"by-{algorithm}".lower(), id_token_signed_response_alg=algorithm)
        hint = agency.sign_in(browser)["id_token"]
        assert "code" in query_of(agency.authorize(browser, prompt="none", id_token_hint=hint))

    def test_a_hint_by_another_algorithm_than_its_keys_is_refused(self, provider, browser):
        agency = provider.agency("by-rs256", id_token_signed_response_alg="RS256")
        hint = agency.sign_in(browser)["id_token"]
        from tests.idp.provider import b64

        header = header_of(hint) | {"alg": "PS256"}
        bent = ".".join([b64(json.dumps(header).encode()), *hint.split(".")[1:]])
        assert query_of(agency.authorize(browser, id_token_hint=bent))["error"] == "invalid_request"


class TestUserinfo:
    @requirement("OIDC Core", "5.3.2", "MUST")
    @pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
    def test_it_is_a_jwt_where_the_client_registered_one(self, provider, browser, algorithm):
        agency = provider.agency(f"by-{algorithm}".lower(), userinfo_signed_response_alg=algorithm)
        answer = agency.userinfo(agency.sign_in(browser)["access_token"])
        assert answer.headers["Content-Type"].split(";")[0] == "application/jwt"
        assert answer.headers["Cache-Control"] == "no-store"
        claims = verified(agency, answer.text, algorithm)
        assert (claims["iss"], claims["aud"]) == (ISSUER, agency.client_id)
        assert claims["name"] == "Mr. Somchai Sommutwong"
        assert claims["sub"]

    @requirement("OIDC Core", "5.3.2", "MUST")
    def test_it_is_json_where_none_was_registered(self, agency, browser):
        answer = agency.userinfo(agency.sign_in(browser)["access_token"])
        assert answer.headers["Content-Type"] == "application/json"
        assert "iss" not in answer.json

    @requirement("OIDC Core", "5.3.2", "MUST")
    @pytest.mark.parametrize(("alg", "key"), ENCRYPTED)
    def test_signed_and_then_encrypted(self, provider, browser, alg, key):
        agency = secretive(provider, userinfo_signed_response_alg="PS256", userinfo_encrypted_response_alg=alg)
        answer = agency.userinfo(agency.sign_in(browser)["access_token"])
        assert answer.headers["Content-Type"].split(";")[0] == "application/jwt"
        found = opened(answer.text, key, alg)
        assert found.protected["cty"] == "JWT"
        assert verified(agency, found.plaintext.decode(), "PS256")["aud"] == agency.client_id

    @requirement("OIDC Core", "5.3.2", "MAY")
    def test_encrypted_and_not_signed(self, provider, browser):
        agency = secretive(
            provider, userinfo_encrypted_response_alg="RSA-OAEP-256", userinfo_encrypted_response_enc="A256GCM"
        )
        answer = agency.userinfo(agency.sign_in(browser)["access_token"])
        claims = json.loads(opened(answer.text, RSA, "RSA-OAEP-256", "A256GCM").plaintext)
        assert claims["name#th"] == "นายสมชาย สมมติวงศ์"
        assert "iss" not in claims

    def test_it_is_no_id_token(self, provider, browser):
        agency = provider.agency("signed", userinfo_signed_response_alg="ES256")
        answer = agency.userinfo(agency.sign_in(browser)["access_token"])
        assert query_of(agency.authorize(browser, id_token_hint=answer.text))["error"] == "invalid_request"

    def test_a_refusal_is_never_a_jwt(self, provider):
        agency = provider.agency("signed", userinfo_signed_response_alg="ES256")
        assert agency.userinfo("no token").json["error"] == "invalid_token"


class TestLogoutToken:
    def told(self, agency):
        provider = agency.provider
        backchannel = BackchannelLogout(provider.ground, provider.keystore, provider.outbox.enqueue)
        return backchannel.logout_token({"aud": agency.client_id, "sub": "s", "sid": "i", "jti": "j"})

    @requirement("OIDC Back-Channel Logout", "2.4", "MUST")
    @pytest.mark.parametrize("algorithm", SIGNING_ALGORITHMS)
    def test_it_is_signed_as_the_clients_id_tokens_are(self, provider, algorithm):
        agency = provider.agency(f"by-{algorithm}".lower(), id_token_signed_response_alg=algorithm)
        token = self.told(agency)
        assert verified(agency, token, algorithm)["aud"] == agency.client_id
        assert header_of(token)["typ"] == "logout+jwt"

    @requirement("OIDC Back-Channel Logout", "2.4", "MAY")
    def test_it_is_encrypted_as_the_clients_id_tokens_are(self, provider):
        agency = secretive(provider, id_token_encrypted_response_alg="ECDH-ES")
        found = opened(self.told(agency), EC, "ECDH-ES")
        assert verified(agency, found.plaintext.decode(), "ES256")["sid"] == "i"


class TestKeys:
    def test_a_key_for_encryption_goes_before_one_that_says_nothing(self):
        mute = ECKey.generate_key("P-256", {"kid": "mute"}, private=True)
        client = registered(jwks={"keys": [mute.as_dict(private=False), EC.as_dict(private=False)]})
        assert encryption_key(client, "ECDH-ES").kid == "ec"

    @requirement("OIDC Registration", "2", "MUST NOT")
    def test_a_signing_key_encrypts_nothing(self):
        client = registered(jwks={"keys": [SIGNING.as_dict(private=False)]})
        with pytest.raises(InvalidRequest, match="has no key for it"):
            encryption_key(client, "ECDH-ES")

    def test_a_key_for_another_algorithm_encrypts_nothing(self):
        key = ECKey.generate_key("P-256", {"kid": "kw", "use": "enc", "alg": "ECDH-ES+A128KW"}, private=True)
        client = registered(jwks={"keys": [key.as_dict(private=False)]})
        assert encryption_key(client, "ECDH-ES+A128KW").kid == "kw"
        with pytest.raises(InvalidRequest):
            encryption_key(client, "ECDH-ES")

    def test_each_kind_of_answer_has_a_key_of_its_own(self, provider):
        """A JWT of one kind never verifies as one of another: not by its key either."""
        purposes = (Purpose.ID_TOKEN, Purpose.USERINFO, Purpose.LOGOUT, Purpose.AUTHORIZATION_RESPONSE)
        assert len({provider.keystore.active(purpose, "ES256").kid for purpose in purposes}) == len(purposes)
