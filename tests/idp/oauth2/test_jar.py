"""RFC 9101: the request as an object that the client signed; FAPI 2.0 Message Signing section 5.3.1 for who is strict."""

from __future__ import annotations

import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwe import encrypt_compact
from joserfc.jwk import ECKey, OKPKey, RSAKey, import_key

from idp.errors import InvalidRequest
from idp.oauth2.compact_jws import BadToken
from idp.oauth2.jar import FETCHES, parameters_of
from keys.purposes import Purpose
from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement

TYP = "oauth-authz-req+jwt"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, private=True)


def request_object(agency, *, key=None, header=None, **claims: Any) -> str:
    """What `agency.request` would send, as claims, with what the JWT itself needs."""
    key = key or agency.key
    usual: dict[str, Any] = agency.request() | {"iss": agency.client_id, "aud": ISSUER}
    usual |= {"nbf": agency.now, "exp": agency.now + 60}
    content = {name: value for name, value in (usual | claims).items() if value is not None}
    return agency.sign(content, key, **({"typ": TYP, "kid": key.kid} | (header or {})))


def asks(agency, browser, **parameters):
    """Only what RFC 9101 section 5 wants outside, and what is named."""
    return browser.get("/authorize?" + urlencode({"client_id": agency.client_id} | parameters))


def pushes(agency, jwt, **more):
    form = {"request": jwt} | agency.authentication() | more
    return agency.provider.browser().post("/par", data=form)


def encrypted(agency, jwt, alg="ECDH-ES", enc="A256GCM"):
    keystore = agency.provider.keystore
    keystore.ensure(Purpose.REQUEST_OBJECT, alg)
    published = agency.provider.browser().get("/jwks").json["keys"]
    (jwk,) = [each for each in published if each["use"] == "enc" and each["alg"] == alg]
    return encrypt_compact({"alg": alg, "enc": enc, "kid": jwk["kid"], "cty": "JWT"}, jwt, import_key(jwk), [alg, enc])


class TestByValue:
    @requirement("RFC 9101", "6.3", "MUST")
    @requirement("OIDC Core", "6.1", "MUST")
    def test_a_signed_request_is_walked_like_any_other(self, agency, browser):
        answer = query_of(agency.walk(browser, asks(agency, browser, request=request_object(agency))))
        assert answer["state"] == "st"
        tokens = agency.redeem(answer["code"]).json
        assert claims_of(tokens["id_token"])["nonce"] == "n-0S6_WzA2Mj"

    @requirement("RFC 9101", "6.3", "MUST")
    def test_what_stands_beside_the_object_does_not_count(self, agency, browser):
        jwt = request_object(agency, scope="openid")
        outside = {"scope": "openid email", "state": "outside", "response_type": "token", "prompt": "none"}
        answer = agency.walk(browser, asks(agency, browser, request=jwt, **outside))
        assert query_of(answer)["state"] == "st"
        assert agency.redeem(query_of(answer)["code"]).json["scope"] == "openid"

    @requirement("RFC 9101", "4", "MUST")
    def test_what_is_not_in_the_object_was_not_asked(self, agency, browser):
        jwt = request_object(agency, scope=None)
        outside = {name: value for name, value in agency.request().items() if name != "client_id"}
        assert query_of(asks(agency, browser, request=jwt, **outside))["error"] == "invalid_scope"

    @requirement("RFC 9101", "4", "MUST")
    def test_numbers_and_json_stand_as_themselves(self, agency, browser):
        jwt = request_object(agency, max_age=600, claims={"id_token": {"given_name": None}})
        answer = query_of(agency.walk(browser, asks(agency, browser, request=jwt)))
        assert "given_name" in claims_of(agency.redeem(answer["code"]).json["id_token"])

    @pytest.mark.parametrize(("key", "alg"), [(RSA, "PS256"), (RSA, "RS256"), (ED, "EdDSA")])
    @pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
    def test_each_algorithm_verifies(self, provider, browser, key, alg):
        agency = provider.agency("signing", jwks={"keys": [key.as_dict(private=False)]})
        jwt = request_object(agency, key=key, header={"alg": alg})
        assert asks(agency, browser, request=jwt).status_code == 303

    @requirement("RFC 9101", "6.1", "MUST")
    @requirement("OIDC Core", "6.1", "MUST")
    @pytest.mark.parametrize("alg", ["ECDH-ES", "RSA-OAEP-256"])
    def test_signed_and_then_encrypted(self, agency, browser, alg):
        jwt = encrypted(agency, request_object(agency), alg)
        assert "code" in query_of(agency.walk(browser, asks(agency, browser, request=jwt)))

    @requirement("RFC 9101", "6.2", "MUST")
    def test_encrypted_and_not_signed_is_nobodys_request(self, agency, browser):
        jwt = encrypted(agency, "e30.e30.")
        assert "invalid_request_object" in asks(agency, browser, request=jwt).text


REFUSED = [
    ({}, {"alg": "none"}, "alg must be one of"),
    ({}, {"alg": "HS256"}, "alg must be one of"),
    ({}, {"typ": "client-authentication+jwt"}, "typ must be"),
    ({}, {"typ": "dpop+jwt"}, "typ must be"),
    ({}, {"typ": "at+jwt"}, "typ must be"),
    ({}, {"kid": "unknown"}, "no registered key"),
    ({}, {"crit": ["b64"]}, "critical"),
    ({"client_id": None}, {}, "client_id must be in it"),
    ({"client_id": "another"}, {}, "client_id must be in it"),
    ({"iss": "another"}, {}, "iss must be the client_id"),
    ({"aud": "https://other.example"}, {}, "aud must be"),
    ({"aud": ["https://other.example"]}, {}, "aud must be"),
    ({"aud": 5}, {}, "aud must be"),
    ({"exp": 1}, {}, "exp is past"),
    ({"exp": "soon"}, {}, "exp must be a time"),
    ({"exp": True}, {}, "exp must be a time"),
    ({"nbf": 4000000000}, {}, "nbf is in the future"),
    ({"iat": 4000000000}, {}, "iat is in the future"),
    ({"request": "a.b.c"}, {}, "must not be in it"),
    ({"request_uri": "https://agency-a.example/r"}, {}, "must not be in it"),
    ({"scope": True}, {}, "scope must be a text"),
    ({"scope": 1.5}, {}, "scope must be a text"),
    ({"state": "a\0b"}, {}, "NUL"),
]


@requirement("RFC 9101", "6.2", "MUST")
@requirement("RFC 9101", "4", "MUST NOT")
@pytest.mark.parametrize(("claims", "header", "why"), REFUSED)
def test_an_object_that_does_not_count_is_told_to_the_client_it_names(refusing, claims, header, why):
    """At the registered redirect_uri that stands beside it; section 7 has the code."""
    key = refusing.key
    jwt = request_object(refusing, **claims)
    if header:
        content = claims_of(jwt)
        wanted = {"typ": TYP, "kid": key.kid} | header
        jwt = refusing.sign(content, key, **(wanted | {"alg": "ES256"}))
        if "alg" in header:
            jwt = with_header(jwt, wanted)
    answer = query_of(asks(refusing, refusing.provider.browser(), request=jwt, redirect_uri=refusing.redirect_uri))
    assert answer["error"] == "invalid_request_object"
    assert why in answer["error_description"]
    assert answer["iss"] == ISSUER


def with_header(jwt, header):
    import json

    from tests.idp.provider import b64

    return ".".join([b64(json.dumps(header).encode()), *jwt.split(".")[1:]])


@pytest.mark.parametrize("jwt", ["a.b.c", "x", "....", "a.b.c.d.e", "e30.e30.", "." * 50, "ก.ข.ค", "x" * 40000])
def test_what_is_no_object_is_refused(refusing, jwt):
    answer = refusing.provider.browser().get(
        "/authorize?" + urlencode({"client_id": refusing.client_id, "request": jwt[:12000]})
    )
    assert answer.status_code == 400
    assert "invalid_request_object" in answer.text


@requirement("RFC 9101", "6.2", "MUST")
def test_a_changed_claim_breaks_the_signature(agency, browser):
    header, payload, signature = request_object(agency).split(".")
    _, other, _ = request_object(agency, scope="openid email").split(".")
    assert payload != other
    answer = asks(agency, browser, request=f"{header}.{other}.{signature}")
    assert "invalid_request_object" in answer.text


@requirement("RFC 9101", "10.8", "MUST NOT")
def test_a_client_assertion_is_no_request(agency, browser):
    """The cross-JWT confusion of section 10.8: signed by the client too, and for us."""
    assert "invalid_request_object" in asks(agency, browser, request=agency.assertion()).text
    jwt = request_object(agency, sub=agency.client_id)
    answer = query_of(asks(agency, browser, request=jwt, redirect_uri=agency.redirect_uri))
    assert "sub must not be the client_id" in answer["error_description"]


@requirement("RFC 9101", "5", "MUST")
def test_another_clients_object_does_not_count(provider, agency, browser):
    thief = provider.agency("thief")
    assert "invalid_request_object" in asks(thief, browser, request=request_object(agency)).text


@requirement("RFC 9101", "5", "MUST NOT")
def test_value_and_reference_exclude_each_other(agency, browser):
    parameters = {"request": request_object(agency), "request_uri": "https://agency-a.example/r"}
    answer = query_of(asks(agency, browser, redirect_uri=agency.redirect_uri, **parameters))
    assert answer["error"] == "invalid_request"


@requirement("RFC 9101", "5", "MUST")
def test_without_client_id_outside_nobody_is_known(agency, browser):
    answer = browser.get("/authorize?" + urlencode({"request": request_object(agency)}))
    assert answer.status_code == 400
    assert "client_id is missing" in answer.text


@requirement("RFC 6749", "3.1.2.4", "MUST NOT")
def test_a_refused_object_sends_nobody_to_an_unregistered_address(agency, browser):
    answer = asks(agency, browser, request="a.b.c", redirect_uri="https://evil.example/")
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_a_redirect_uri_within_is_checked_like_one_outside(agency, browser):
    jwt = request_object(agency, redirect_uri="https://evil.example/")
    answer = asks(agency, browser, request=jwt, redirect_uri=agency.redirect_uri)
    assert answer.status_code == 400
    assert "redirect_uri is not one of those" in answer.text


@requirement("OIDC Registration", "2", "MUST")
def test_the_registered_algorithm_alone_counts(provider, browser):
    agency = provider.agency(
        "one-alg",
        jwks={"keys": [ED.as_dict(private=False), RSA.as_dict(private=False)]},
        request_object_signing_alg="PS256",
    )
    good = request_object(agency, key=RSA, header={"alg": "PS256"})
    assert asks(agency, browser, request=good).status_code == 303
    bad = request_object(agency, key=RSA, header={"alg": "RS256"})
    assert "invalid_request_object" in asks(agency, browser, request=bad).text


@requirement("RFC 9101", "10.5", "MUST")
def test_a_client_that_must_sign_cannot_do_otherwise(provider, browser):
    agency = provider.agency("signing", require_signed_request_object=True)
    answer = query_of(agency.authorize(browser))
    assert answer["error"] == "invalid_request"
    assert "must sign" in answer["error_description"]
    assert agency.push().json["error"] == "invalid_request"
    assert asks(agency, browser, request=request_object(agency)).status_code == 303
    assert pushes(agency, request_object(agency)).status_code == 201


class TestPushed:
    @requirement("RFC 9126", "3", "MUST")
    def test_the_object_may_be_pushed(self, agency, browser):
        pushed = pushes(agency, request_object(agency))
        assert pushed.status_code == 201
        answer = agency.walk(browser, asks(agency, browser, request_uri=pushed.json["request_uri"]))
        assert agency.redeem(query_of(answer)["code"]).status_code == 200

    @requirement("RFC 9126", "3", "MUST")
    def test_an_encrypted_object_too(self, agency):
        assert pushes(agency, encrypted(agency, request_object(agency))).status_code == 201

    @requirement("RFC 9126", "3", "MUST")
    def test_another_clients_object_is_refused(self, provider, agency):
        thief = provider.agency("thief")
        answer = pushes(thief, request_object(agency))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request_object")

    @requirement("RFC 9126", "3", "MUST")
    def test_what_is_pushed_beside_the_object_does_not_count(self, agency, browser):
        jwt = request_object(agency, scope="openid")
        pushed = pushes(agency, jwt, scope="openid email", redirect_uri="https://evil.example/")
        answer = agency.walk(browser, asks(agency, browser, request_uri=pushed.json["request_uri"]))
        assert answer.location.startswith(agency.redirect_uri)
        assert agency.redeem(query_of(answer)["code"]).json["scope"] == "openid"

    @requirement("RFC 9126", "2.1", "MUST NOT")
    def test_a_reference_is_not_pushed(self, agency):
        form = {"request_uri": "https://agency-a.example/r"} | agency.authentication()
        answer = agency.provider.browser().post("/par", data=form)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request")


class TestMessageSigning:
    """FAPI 2.0 Message Signing section 5.3.1."""

    @pytest.fixture
    def strict(self, provider):
        return provider.agency("strict", prajak_profile="fapi2-message-signing")

    @requirement("FAPI 2.0 MS", "5.3.1", "MUST")
    def test_a_signed_request_is_taken_and_a_plain_one_is_not(self, strict):
        assert pushes(strict, request_object(strict)).status_code == 201
        assert strict.push().json["error"] == "invalid_request"

    @requirement("FAPI 2.0 MS", "5.3.1", "MUST")
    def test_the_typ_of_rfc_9101_is_taken(self, strict):
        assert pushes(strict, request_object(strict, header={"typ": TYP})).status_code == 201

    @requirement("FAPI 2.0 MS", "5.3.1", "MUST")
    @pytest.mark.parametrize("aud", [ISSUER, [ISSUER], [ISSUER, "https://other.example"]])
    def test_the_audience_is_the_issuer_or_a_list_with_it(self, strict, aud):
        assert pushes(strict, request_object(strict, aud=aud)).status_code == 201

    @requirement("FAPI 2.0 MS", "5.3.1", "MUST")
    @pytest.mark.parametrize(
        ("changed", "why"),
        [
            ({"aud": None}, "aud must be"),
            ({"aud": f"{ISSUER}/par"}, "aud must be"),
            ({"nbf": None}, "nbf must be there"),
            ({"exp": None}, "exp must be there"),
            ({"nbf": -3700}, "nbf must be there"),
            ({"exp": 3700}, "exp must be there"),
        ],
    )
    def test_it_is_for_us_and_for_an_hour_at_most(self, strict, changed, why):
        found = {name: strict.now + value if isinstance(value, int) else value for name, value in changed.items()}
        answer = pushes(strict, request_object(strict, **found))
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_request_object")
        assert why in answer.json["error_description"]

    @requirement("FAPI 2.0 SP", "5.4.1", "MUST NOT")
    def test_rs256_is_refused(self, provider):
        strict = provider.agency(
            "rsa",
            prajak_profile="fapi2-message-signing",
            jwks={"keys": [RSA.as_dict(private=False)]},
            token_endpoint_auth_signing_alg="PS256",
        )
        jwt = request_object(strict, key=RSA, header={"alg": "RS256"})
        form = {"request": jwt, "client_assertion_type": strict.authentication()["client_assertion_type"]}
        assertion = strict.sign(claims_of(strict.assertion()), RSA, alg="PS256", kid="rsa")
        answer = strict.provider.browser().post("/par", data=form | {"client_assertion": assertion})
        assert answer.json["error"] == "invalid_request_object"


class Publisher(BaseHTTPRequestHandler):
    """The agency's own server with its request objects."""

    def do_GET(self):
        self.server.asked.append(self.path)
        status, body = self.server.objects.get(self.path, (404, b""))
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/object")
        self.send_header("Content-Type", "application/oauth-authz-req+jwt")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def publisher():
    server = HTTPServer(("127.0.0.1", 0), Publisher)
    server.objects, server.asked = {}, []
    server.origin = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def publishing(provider, publisher):
    names = ("object", "missing", "moved", "large", "object#v1")
    return provider.agency("publishing", request_uris=[f"{publisher.origin}/{name}" for name in names])


class TestByReference:
    @requirement("RFC 9101", "5.2.3", "MUST")
    @requirement("OIDC Core", "6.2", "MUST")
    def test_a_registered_object_is_fetched_and_counts(self, publishing, publisher, browser):
        publisher.objects["/object"] = (200, request_object(publishing).encode())
        answer = asks(publishing, browser, request_uri=f"{publisher.origin}/object")
        assert "code" in query_of(publishing.walk(browser, answer))
        assert publisher.asked == ["/object"]

    def test_a_fragment_names_a_version_and_is_not_sent(self, publishing, publisher, browser):
        publisher.objects["/object"] = (200, request_object(publishing).encode())
        assert asks(publishing, browser, request_uri=f"{publisher.origin}/object#v1").status_code == 303
        assert publisher.asked == ["/object"]

    @requirement("OIDC Registration", "2", "MUST")
    @pytest.mark.parametrize("path", ["/other", "/object?x=1", "/object/", "/Object", "/object#v2"])
    def test_what_was_not_registered_is_never_fetched(self, publishing, publisher, browser, path):
        answer = asks(
            publishing, browser, request_uri=f"{publisher.origin}{path}", redirect_uri=publishing.redirect_uri
        )
        assert query_of(answer)["error"] == "invalid_request_uri"
        assert publisher.asked == []

    @requirement("RFC 9101", "7", "MUST")
    @pytest.mark.parametrize("path", ["/missing", "/moved", "/large"])
    def test_what_cannot_be_fetched_is_an_invalid_request_uri(self, publishing, publisher, browser, path):
        publisher.objects["/moved"] = (302, b"")
        publisher.objects["/large"] = (200, b"x" * 100_000)
        answer = asks(publishing, browser, request_uri=f"{publisher.origin}{path}")
        assert answer.status_code == 400
        assert "invalid_request_uri" in answer.text

    def test_what_is_fetched_is_checked_like_what_is_sent(self, publishing, publisher, browser):
        publisher.objects["/object"] = (200, b"e30.e30.")
        answer = asks(publishing, browser, request_uri=f"{publisher.origin}/object")
        assert "invalid_request_object" in answer.text

    @requirement("RFC 9101", "10.4.1", "MUST")
    def test_nobody_can_make_us_fetch_without_end_nor_lock_others_out(self, publishing, publisher, browser, clock):
        publisher.objects["/object"] = (200, b"x")
        for _ in range(FETCHES):
            asks(publishing, browser, request_uri=f"{publisher.origin}/object")
        answer = asks(publishing, browser, request_uri=f"{publisher.origin}/object")
        assert "temporarily_unavailable" in answer.text
        assert len(publisher.asked) == FETCHES
        query = urlencode({"client_id": publishing.client_id, "request_uri": f"{publisher.origin}/object"})
        elsewhere = browser.get(f"/authorize?{query}", environ_base={"REMOTE_ADDR": "203.0.113.7"})
        assert "invalid_request_object" in elsewhere.text
        assert publisher.asked.pop()
        clock.advance(timedelta(minutes=2))
        asks(publishing, browser, request_uri=f"{publisher.origin}/object")
        assert len(publisher.asked) == FETCHES + 1


def test_an_old_key_of_ours_still_opens(agency, browser):
    """A rotation between the client's look at our JWKS and its request strands nobody."""
    jwt = encrypted(agency, request_object(agency))
    agency.provider.keystore.rotate(Purpose.REQUEST_OBJECT, at_once=True)
    assert asks(agency, browser, request=jwt).status_code == 303


def test_keys_of_other_kinds_in_the_set_do_no_harm(provider, browser):
    key = ECKey.generate_key("P-256", {"kid": "mine"}, private=True)
    keys = [RSA.as_dict(private=False), key.as_dict(private=False)]
    agency = provider.agency("several", jwks={"keys": keys})
    assert asks(agency, browser, request=request_object(agency, key=key)).status_code == 303


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["scope", "claims", "max_age", "resource", "aud", "request", "state"]) | st.text(max_size=12)


@given(st.dictionaries(NAMES, JSON_VALUES, max_size=5))
def test_whatever_is_in_the_object_becomes_text_or_is_refused(claims):
    try:
        found = parameters_of(claims)
    except (BadToken, InvalidRequest):
        return
    assert set(found) <= set(claims) - {"aud", "request"}
    assert all(isinstance(value, str) and value for value in found.values())


@pytest.mark.parametrize(
    "request_object", ["a.b.c", "....", "e30.e30.e30", "bm9qc29u.e30.", "x" * 5000, "\U0001f600.b.c"]
)
def test_odd_objects_are_refused_at_both_endpoints_and_break_nothing(refusing, request_object):
    browser = refusing.provider.browser()
    assert asks(refusing, browser, request=request_object).status_code == 400
    answer = pushes(refusing, request_object)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_request_object")
