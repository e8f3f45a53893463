"""Whatever is sent to the endpoints that clients call: a registered error as JSON, never a failure of ours."""

from __future__ import annotations

import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from idp import errors
from idp.errors import OAuthError
from idp.server import CLIENT_ENDPOINTS, GRANTS
from keys.keystore import Keystore
from tests.idp.provider import Provider, query_of
from tests.protocol.requirement import requirement

FORM = "application/x-www-form-urlencoded"
REGISTERED = {each.error for each in vars(errors).values() if isinstance(each, type) and issubclass(each, OAuthError)}
PATHS = [endpoint.path for endpoint in CLIENT_ENDPOINTS]
KNOWN = ["grant_type", "code", "redirect_uri", "code_verifier", "client_id", "client_secret", "client_assertion",
         "client_assertion_type", "refresh_token", "scope", "resource", "token", "token_type_hint", "device_code",
         "auth_req_id", "subject_token", "subject_token_type", "actor_token", "actor_token_type", "audience",
         "requested_token_type", "request", "request_uri", "claims", "authorization_details", "login_hint", "state",
         "nonce", "response_type", "code_challenge", "code_challenge_method", "max_age", "prompt", "acr_values",
         "id_token_hint", "binding_message", "requested_expiry", "dpop_jkt"]  # fmt: skip

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
odd_texts = st.one_of(
    st.text(max_size=60),
    st.sampled_from(["", " ", "\x00", "\ud800", "๑๒๓", "a\r\nb", "%", "[]", "{}", "null", "-1", "1e999", "a" * 5000]),
    json_values.map(json.dumps),
)


def part(value):
    return urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


tokens = st.builds(
    lambda header, claims, signature: f"{part(header)}.{part(claims)}.{part(signature)}",
    st.dictionaries(st.sampled_from(["alg", "typ", "kid", "crit", "jwk", "b64", "x5c"]), json_values),
    st.dictionaries(
        st.sampled_from(["iss", "sub", "aud", "exp", "iat", "jti", "htm", "htu", "ath", "nonce"]), json_values
    ),
    json_values,
)
forms = st.dictionaries(st.sampled_from(KNOWN) | st.text(max_size=10), odd_texts | tokens, max_size=8)
few = examples(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def check_refused(answer):
    assert answer.status_code in {400, 401, 403, 413}, answer.text
    if answer.status_code != 413:
        assert answer.json["error"] in REGISTERED
        assert answer.headers["Cache-Control"] == "no-store"
    assert len(answer.data) < 2000


def encoded(form):
    return urlencode({key.encode("utf-8", "surrogatepass"): value.encode("utf-8", "surrogatepass")
                      for key, value in form.items()})  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@few
@given(form=forms)
def test_any_form_is_refused_in_the_words_of_the_specification(refusing, path, form):
    check_refused(refusing.provider.browser().post(path, data=encoded(form), content_type=FORM))


@pytest.mark.parametrize("path", PATHS)
@few
@given(body=st.binary(max_size=200))
def test_any_bytes_are_refused(refusing, path, body):
    check_refused(refusing.provider.browser().post(path, data=body, content_type=FORM))


@pytest.mark.parametrize("grant", [grant.name for grant in GRANTS])
@few
@given(form=forms)
def test_any_parameters_of_a_client_that_authenticated_are_refused(refusing, grant, form):
    """Past client authentication, where the grants read them."""
    asked = {**form, "grant_type": grant, **refusing.authentication()}
    for name in ("client_id", "client_secret"):
        asked.pop(name, None)
    check_refused(refusing.provider.browser().post("/token", data=encoded(asked), content_type=FORM))


@few
@given(proof=tokens | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=80))
def test_any_proof_is_refused(refusing, proof):
    form = encoded({"grant_type": "authorization_code", **refusing.authentication()})
    check_refused(refusing.provider.browser().post("/token", data=form, content_type=FORM, headers={"DPoP": proof}))


@few
@given(
    authorization=st.builds(
        lambda scheme, rest: f"{scheme}{rest}",
        st.sampled_from(["Basic ", "Bearer ", "DPoP ", "", "basic", "Negotiate "]),
        tokens | st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=255), max_size=80),
    )
)
@pytest.mark.parametrize("path", ["/token", "/userinfo"])
def test_any_authorization_header_is_refused(refusing, path, authorization):
    answer = refusing.provider.browser().post(path, headers={"Authorization": authorization})
    assert answer.status_code in {400, 401}
    assert answer.status_code == 400 or "WWW-Authenticate" in answer.headers


@requirement("RFC 6749", "3.2", "MUST NOT")
@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_another_method_is_refused(refusing, path, method):
    assert refusing.provider.browser().open(path, method=method).status_code in {404, 405}


@requirement("RFC 6749", "3.2", "MUST NOT")
def test_a_parameter_that_comes_twice_is_refused(refusing):
    body = "grant_type=authorization_code&grant_type=authorization_code&code=x"
    answer = refusing.provider.browser().post("/token", data=body, content_type=FORM)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


@pytest.mark.parametrize("content_type", ["application/json", "multipart/form-data; boundary=x", "text/plain", ""])
def test_a_body_that_is_no_form_is_refused(refusing, content_type):
    answer = refusing.provider.browser().post("/token", data=b'{"grant_type": "x"}', content_type=content_type)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


def test_a_body_that_is_too_large_is_refused(refusing):
    answer = refusing.provider.browser().post("/token", data="a=" + "x" * 300_000, content_type=FORM)
    assert answer.status_code in {400, 413}


@pytest.mark.both_backends
class TestNul:
    """PostgreSQL has no text with U+0000; JSON has, and so has percent-encoding."""

    @pytest.fixture
    def agency(self, ground):
        return Provider(ground, Keystore(ground)).agency()

    @pytest.mark.parametrize("path", PATHS)
    def test_in_an_assertion_it_is_refused(self, agency, path):
        for claims in ({"sub": "a\0", "iss": "a\0"}, {"jti": "a\0"}):
            form = agency.authentication(**claims) | {"grant_type": "client_credentials", "token": "x"}
            answer = agency.provider.browser().post(path, data=form, headers={"Origin": "https://page.example"})
            assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")

    @pytest.mark.parametrize("path", PATHS)
    def test_in_basic_authentication_it_is_refused(self, agency, path):
        basic = b64encode(b"a%00:b").decode()
        headers = {"Authorization": f"Basic {basic}", "Origin": "https://page.example"}
        answer = agency.provider.browser().post(path, data={"token": "x"}, headers=headers)
        assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")

    def test_in_a_token_at_userinfo_it_is_refused(self, agency):
        token = ".".join(part(each) for each in ({"alg": "ES256"}, {"client_id": "a\0"}, ""))
        headers = {"Authorization": f"Bearer {token}", "Origin": "https://page.example"}
        assert agency.provider.browser().get("/userinfo", headers=headers).status_code == 401

    def test_in_what_a_request_names_it_is_told_to_the_client(self, agency):
        claims = json.dumps({"id_token": {"sub": {"value": "a\0"}}})
        answer = agency.authorize(agency.provider.browser(), claims=claims)
        assert query_of(answer)["error"] == "invalid_request"

    def test_in_client_metadata_it_is_refused(self, agency):
        for name in ("client_name", "software_id", "scope", "client_name#th", "prajak_claims"):
            document = {"redirect_uris": ["https://a.example/cb"], name: "a\0"}
            answer = agency.provider.browser().post("/register", json=document)
            assert (answer.status_code, answer.json["error"]) == (400, "invalid_client_metadata")
