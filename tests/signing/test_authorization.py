"""The signing module as a client: what it sends to the provider and what it believes of the answers.

OpenID Connect Discovery, RFC 9126, RFC 7523, RFC 7636 with the example of its Appendix B.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from joserfc.jwk import ECKey

from signing.authorization import Provider, client_metadata, new_code_verifier, s256
from signing.refusals import ProviderRefused, ProviderUnavailable
from signing.tokens import verify_id_token

CLIENT = "prajak-signing"
PUSHED = {"scope": "openid", "redirect_uri": "http://localhost:8080/sign/callback"}


def an_id_token(double):
    return double.signed(double.claims(aud=CLIENT, nonce="the nonce"), "JWT")


def test_the_verifier_of_appendix_b_gives_its_challenge():
    assert s256("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_code_verifier_is_as_long_as_rfc_7636_demands():
    assert 43 <= len(new_code_verifier()) <= 128


def test_the_metadata_names_what_the_provider_must_register(settings):
    metadata = client_metadata(settings, [{"kty": "EC", "kid": "k"}])
    assert metadata["redirect_uris"] == [
        "http://localhost:8080/sign/callback",
        "http://localhost:8080/sign/authorized",
    ]
    assert metadata["token_endpoint_auth_method"] == "private_key_jwt"
    assert metadata["backchannel_logout_uri"] == "http://localhost:8080/sign/backchannel-logout"
    assert metadata["jwks"] == {"keys": [{"kty": "EC", "kid": "k"}]}


def test_a_pushed_request_comes_back_as_an_address_with_a_reference_only(services, double):
    url = services.provider.push(PUSHED, state="s", nonce="n", code_verifier=new_code_verifier())
    (request_uri,) = double.pushed
    address = httpx.URL(url)
    assert address.path == "/authorize"
    assert dict(address.params) == {"client_id": CLIENT, "request_uri": request_uri}


def test_a_code_is_redeemed_with_its_verifier_only(services, double):
    services.provider.push(PUSHED, state="s", nonce="n", code_verifier="v" * 43)
    (request_uri,) = double.pushed
    code = httpx.URL(double.authorize(request_uri)).params["code"]
    with pytest.raises(ProviderRefused) as refusal:
        services.provider.redeem(code, code_verifier="w" * 43, redirect_uri=PUSHED["redirect_uri"])
    assert refusal.value.error == "invalid_grant"


def test_a_token_after_a_key_rotation_is_verified_with_the_new_key(double, services, clock):
    """An unknown `kid` makes the keys be fetched again, though not at every call."""
    verify_id_token(an_id_token(double), services.issuer, client_id=CLIENT, nonce="the nonce")
    double.key = ECKey.generate_key("P-256", {"use": "sig", "alg": "ES256"}, auto_kid=True)
    clock.advance(timedelta(seconds=30))
    verify_id_token(an_id_token(double), services.issuer, client_id=CLIENT, nonce="the nonce")


def test_a_discovery_document_of_another_issuer_is_not_believed(services, double):
    """OpenID Connect Discovery section 4.3: the mix-up of two issuers."""
    honest = double.discovery
    double.discovery = lambda request: honest(request) | {"issuer": "https://elsewhere.example"}
    with pytest.raises(ProviderUnavailable):
        services.provider.metadata()


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(500, json={"error": "server_error"}),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"issuer": "http://localhost:8080"}),
    ],
)
def test_a_provider_that_answers_nonsense_is_unavailable(ground, trust_services, answer):
    provider = Provider(ground.settings, ground.clock, trust_services.keystore, httpx.MockTransport(lambda _: answer))
    with pytest.raises(ProviderUnavailable):
        provider.push(PUSHED, state="s", nonce="n", code_verifier="v" * 43)
    provider.close()


def test_a_provider_that_cannot_be_reached_is_unavailable(ground, trust_services):
    settings = replace(ground.settings, outbound_timeout=timedelta(milliseconds=200), issuer="http://127.0.0.1:9")
    provider = Provider(settings, ground.clock, trust_services.keystore)
    with pytest.raises(ProviderUnavailable):
        provider.metadata()
    provider.close()


def test_no_cookie_of_one_officers_call_travels_with_anothers(ground, trust_services):
    seen = []

    def answer(request):
        seen.append(request.headers.get("cookie"))
        return httpx.Response(200, json={"issuer": "x"}, headers={"set-cookie": "session=theirs; Path=/"})

    provider = Provider(ground.settings, ground.clock, trust_services.keystore, httpx.MockTransport(answer))
    for _ in range(2):
        with pytest.raises(ProviderUnavailable):
            provider.metadata()
    provider.close()
    assert seen == [None, None]
