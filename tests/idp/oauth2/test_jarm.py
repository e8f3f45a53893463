"""JARM: the answer as one JWT, by every way that it may travel, for its client alone."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jws
from joserfc.jwe import decrypt_compact
from joserfc.jwk import ECKey, KeySet, RSAKey
from sqlalchemy import update

from idp.models.client import Client
from keys.purposes import Purpose
from tests.idp.provider import ISSUER, claims_of, header_of, query_of
from tests.protocol.requirement import requirement


def fragment_of(response):
    assert response.status_code == 303, response.text
    return dict(parse_qsl(urlsplit(str(response.location)).fragment))


def fields_of(response):
    """The hidden fields of a form_post answer."""
    (form,) = re.findall(r'<form[^>]* action="https://agency-a[^>]*>(.*?)</form>', response.text, re.DOTALL)
    return dict(re.findall(r'name="([^"]+)" value="([^"]*)"', form))


def verified(agency, token, *, algorithm="RS256"):
    """As the client would: with the keys that are published."""
    keys = KeySet.import_key_set(agency.provider.browser().get("/jwks").json)
    jws.deserialize_compact(token, keys, algorithms=[algorithm])
    assert header_of(token)["alg"] == algorithm
    return claims_of(token)


@requirement("JARM", "2.3.1", "MUST")
@requirement("JARM", "2.3.4", "MUST")
@pytest.mark.parametrize("mode", ["jwt", "query.jwt"])
def test_the_answer_is_one_jwt_in_the_query(agency, browser, mode):
    answer = query_of(agency.walk(browser, agency.authorize(browser, response_mode=mode)))
    assert set(answer) == {"response"}
    claims = verified(agency, answer["response"])
    assert set(claims) == {"iss", "aud", "exp", "code", "state"}
    assert (claims["iss"], claims["aud"], claims["state"]) == (ISSUER, agency.client_id, "st")
    assert agency.redeem(claims["code"]).status_code == 200


@requirement("JARM", "2.1", "MUST")
def test_it_expires_within_ten_minutes(agency, browser):
    answer = query_of(agency.walk(browser, agency.authorize(browser, response_mode="jwt")))
    assert 0 < claims_of(answer["response"])["exp"] - agency.now <= 600


@requirement("JARM", "2.3.2", "MUST")
def test_it_travels_in_the_fragment(agency, browser):
    answer = agency.walk(browser, agency.authorize(browser, response_mode="fragment.jwt"))
    assert "code" in verified(agency, fragment_of(answer)["response"])
    assert not urlsplit(str(answer.location)).query


@requirement("JARM", "2.3.3", "MUST")
def test_it_travels_in_a_form(agency, browser):
    answer = agency.walk(browser, agency.authorize(browser, response_mode="form_post.jwt"))
    fields = fields_of(answer)
    assert set(fields) == {"response"}
    assert "code" in verified(agency, fields["response"])
    assert f'action="{agency.redirect_uri}"' in answer.text


@requirement("JARM", "2.1", "MUST")
def test_an_error_travels_so_too(agency, browser):
    answer = query_of(agency.authorize(browser, response_mode="jwt", prompt="none"))
    claims = verified(agency, answer["response"])
    assert claims["error"] == "login_required"
    assert (claims["iss"], claims["aud"], claims["state"]) == (ISSUER, agency.client_id, "st")


@requirement("JARM", "3", "MUST")
@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "RS256"])
@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
def test_it_is_signed_as_the_client_registered(provider, browser, algorithm):
    agency = provider.agency(f"by-{algorithm}".lower(), authorization_signed_response_alg=algorithm)
    answer = query_of(agency.authorize(browser, response_mode="jwt", prompt="none"))
    assert verified(agency, answer["response"], algorithm=algorithm)["error"] == "login_required"


@requirement("JARM", "2.2", "MUST")
@pytest.mark.parametrize(
    ("alg", "enc", "key"),
    [
        ("ECDH-ES", "A256GCM", ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}, private=True)),
        ("ECDH-ES+A128KW", None, ECKey.generate_key("P-256", {"kid": "enc", "use": "enc"}, private=True)),
        ("RSA-OAEP-256", "A128GCM", RSAKey.generate_key(2048, {"kid": "enc", "use": "enc"}, private=True)),
    ],
)
def test_it_is_signed_and_then_encrypted_where_the_client_registered_so(provider, browser, alg, enc, key):
    signing = ECKey.generate_key("P-256", {"kid": "sig", "use": "sig"}, private=True)
    metadata = {"authorization_encrypted_response_alg": alg} | (
        {"authorization_encrypted_response_enc": enc} if enc else {}
    )
    jwks = {"keys": [signing.as_dict(private=False), key.as_dict(private=False)]}
    agency = provider.agency("secret", jwks=jwks, **metadata)
    token = query_of(agency.authorize(browser, response_mode="jwt", prompt="none"))["response"]
    enc = enc or "A128CBC-HS256"  # the default of section 3
    opened = decrypt_compact(token, key, algorithms=[alg, enc])
    assert opened.protected["enc"] == enc
    assert opened.protected["kid"] == "enc"
    assert opened.protected["cty"] == "JWT"
    assert verified(agency, opened.plaintext.decode())["error"] == "login_required"


class TestMessageSigning:
    """FAPI 2.0 Message Signing section 5.4.1."""

    @pytest.fixture
    def strict(self, provider):
        return provider.agency("strict", prajak_profile="fapi2-message-signing")

    @requirement("FAPI 2.0 MS", "5.4.1", "MUST")
    def test_every_answer_is_signed_and_that_a_request_was_refused_too(self, strict, browser):
        answer = query_of(strict.authorize(browser, response_mode=None))
        claims = verified(strict, answer["response"], algorithm="ES256")
        assert claims["error"] == "invalid_request"

    @requirement("FAPI 2.0 MS", "5.4.1", "MUST")
    @pytest.mark.parametrize("mode", ["query", "fragment", "form_post", "other"])
    def test_a_plain_answer_is_not_given(self, strict, browser, mode):
        claims = verified(
            strict, query_of(strict.authorize(browser, response_mode=mode))["response"], algorithm="ES256"
        )
        assert claims["error"] == "invalid_request"
        assert "response_mode must be one of" in claims["error_description"]


@requirement("FAPI 2.0 MS", "5.4", "MUST")
def test_a_client_that_registered_its_response_modes_is_held_to_them(provider, browser):
    agency = provider.agency("modes", response_modes=["jwt"])
    assert query_of(agency.authorize(browser, response_mode="query"))["error"] == "invalid_request"
    assert set(query_of(agency.authorize(browser, response_mode="jwt", prompt="none"))) == {"response"}


def test_its_key_is_for_nothing_else(agency, browser):
    """An answer is no ID token: as an id_token_hint it is refused."""
    response = query_of(agency.authorize(browser, response_mode="jwt", prompt="none"))["response"]
    assert query_of(agency.authorize(browser, id_token_hint=response))["error"] == "invalid_request"
    kid = header_of(response)["kid"]
    assert kid not in {jwk["kid"] for jwk in agency.provider.keystore.published([Purpose.ID_TOKEN])}


class TestFragment:
    @requirement("OAuth Multiple Response Types", "2.1", "MUST")
    def test_a_code_travels_in_the_fragment_where_it_was_asked_to(self, agency, browser):
        answer = agency.walk(browser, agency.authorize(browser, response_mode="fragment"))
        fields = fragment_of(answer)
        assert (fields["state"], fields["iss"]) == ("st", ISSUER)
        assert not urlsplit(str(answer.location)).query
        assert agency.redeem(fields["code"]).status_code == 200

    @requirement("OAuth Multiple Response Types", "2.1", "MUST")
    def test_its_errors_too(self, agency, browser):
        assert (
            fragment_of(agency.authorize(browser, response_mode="fragment", prompt="none"))["error"] == "login_required"
        )


def test_an_answer_that_cannot_be_encrypted_is_a_page_and_never_plain(provider, browser):
    """The key was taken away at the client's jwks_uri, say."""
    keys = [ECKey.generate_key("P-256", {"kid": use, "use": use}, private=True) for use in ("sig", "enc")]
    jwks = {"keys": [key.as_dict(private=False) for key in keys]}
    agency = provider.agency("careless", jwks=jwks, authorization_encrypted_response_alg="ECDH-ES")
    with provider.ground.database.write() as connection:
        connection.execute(update(Client).values(jwks=json.dumps({"keys": jwks["keys"][:1]})))
    answer = agency.authorize(browser, response_mode="jwt", prompt="none")
    assert answer.status_code == 400
    assert "has no key for it" in answer.text
    assert "Location" not in answer.headers
