"""RFC 7523 section 3, OpenID Connect Core section 9, FAPI 2.0 section 5.3.2.1: each check refuses by itself."""

from __future__ import annotations

import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from joserfc.jwk import ECKey, OKPKey, RSAKey

from idp.errors import InvalidClient
from idp.oauth2.client_authentication import Presented, Registry
from idp.oauth2.private_key_jwt import ASSERTION_TYPE, authenticate
from tests.idp.clients import registered
from tests.idp.provider import b64, sign_jws
from tests.protocol.requirement import requirement

ISSUER = "https://idp.example"
TOKEN = f"{ISSUER}/token"
NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
KEY = ECKey.generate_key("P-256", {"kid": "k1"}, private=True)
RSA = RSAKey.generate_key(2048, {"kid": "rsa"}, private=True)
ED = OKPKey.generate_key("Ed25519", {"kid": "ed"}, private=True)
JWKS = {"keys": [key.as_dict(private=False) for key in (KEY, RSA, ED)]}


def claims(**changed: Any) -> dict[str, Any]:
    usual = {"iss": "c1", "sub": "c1", "aud": ISSUER, "jti": "j1", "iat": SECONDS, "exp": SECONDS + 60}
    return {name: value for name, value in (usual | changed).items() if value is not None}


def attempt(assertion: str, *, client: Any = None, parameters: Any = None, refreshed: Any = None) -> Any:
    client = client or registered(jwks=JWKS)
    presented = Presented(
        parameters={"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion} | (parameters or {}),
        authorization="",
        issuer=ISSUER,
        token_endpoint=TOKEN,
        now=NOW,
        skew=timedelta(seconds=30),
        longest_assertion=timedelta(minutes=5),
    )
    load = {"c1": client}.get
    return authenticate(presented, Registry(load, lambda before: refreshed or before))


def sign(content: Any = None, key: Any = KEY, **header: Any) -> str:
    return sign_jws(claims() if content is None else content, key, **({"kid": key.kid} | header))


@requirement("RFC 7523", "3", "MAY")
def test_a_good_assertion_authenticates_and_its_jti_is_to_be_spent():
    found = attempt(sign())
    assert found.client.client_id == "c1"
    (spent,) = found.one_time
    assert spent.value == "c1 j1"
    assert spent.expires_at >= NOW + timedelta(seconds=60)


@requirement("RFC 7523", "5", "MUST")
@pytest.mark.parametrize(
    ("key", "alg"), [(KEY, "ES256"), (RSA, "PS256"), (RSA, "RS256"), (ED, "EdDSA"), (ED, "Ed25519")]
)
def test_the_listed_algorithms_are_taken(key, alg):
    attempt(sign(key=key, alg=alg))


@requirement("FAPI 2.0 SP", "5.4.1", "MUST")
def test_rs256_is_not_for_the_strict_profile():
    """FAPI 2.0 section 5.4.1."""
    strict = registered(jwks=JWKS, prajak_profile="fapi2-security")
    with pytest.raises(InvalidClient, match="alg"):
        attempt(sign(key=RSA, alg="RS256"), client=strict)
    attempt(sign(key=RSA, alg="PS256"), client=strict)


@requirement("RFC 7523", "3", "MUST")
@requirement("FAPI 2.0 SP", "5.3.2.1", "MUST")
@pytest.mark.parametrize(
    "aud",
    [[ISSUER], [ISSUER, "https://other.example"], "https://other.example", f"{ISSUER}/", None, 5, f"{ISSUER}/par"],
)
def test_aud_is_the_issuer_as_one_string(aud):
    with pytest.raises(InvalidClient, match="aud"):
        attempt(sign(claims(aud=aud)))


@requirement("FAPI 2.0 SP", "5.3.2.1", "MUST NOT")
def test_only_a_basic_client_may_name_the_token_endpoint():
    attempt(sign(claims(aud=TOKEN)))
    with pytest.raises(InvalidClient, match="aud"):
        attempt(sign(claims(aud=TOKEN)), client=registered(jwks=JWKS, prajak_profile="fapi2-security"))


@requirement("RFC 7523", "3", "MUST")
@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("iss and sub", {"iss": "c2"}),
        ("iss and sub", {"iss": None}),
        ("sub", {"sub": None}),
        ("sub", {"sub": 5}),
        ("not registered", {"iss": "c2", "sub": "c2"}),
        ("jti", {"jti": None}),
        ("jti", {"jti": 7}),
        ("jti", {"jti": ""}),
        ("jti", {"jti": "j" * 256}),
        ("exp", {"exp": None}),
        ("exp", {"exp": "soon"}),
        ("exp", {"exp": True}),
        ("exp is past", {"exp": SECONDS - 31}),
        ("ahead", {"exp": SECONDS + 400}),
        ("ahead", {"exp": 10**10}),
        ("nbf", {"nbf": SECONDS + 31}),
        ("iat", {"iat": SECONDS + 31}),
        ("iat", {"iat": [1]}),
    ],
)  # fmt: skip
def test_wrong_claims_are_refused(what, changed):
    with pytest.raises(InvalidClient, match=what):
        attempt(sign(claims(**changed)))


@requirement("RFC 7523", "3", "MAY")
def test_times_have_the_clocks_leeway():
    attempt(sign(claims(exp=SECONDS - 29, iat=SECONDS + 29)))


@pytest.mark.parametrize("typ", ["JWT", "client-authentication+jwt"])
def test_the_types_of_assertions_are_taken(typ):
    attempt(sign(typ=typ))


@pytest.mark.parametrize("typ", ["at+jwt", "dpop+jwt", "logout+jwt", 5, ["JWT"]])
def test_a_token_of_another_type_is_refused(typ):
    """RFC 8725 section 3.11."""
    with pytest.raises(InvalidClient, match="typ"):
        attempt(sign(typ=typ))


def test_an_assertion_without_kid_is_tried_with_every_fitting_key():
    attempt(sign_jws(claims(), KEY))


@requirement("RFC 7523", "3", "MUST")
def test_another_key_does_not_verify():
    with pytest.raises(InvalidClient, match="verifies"):
        attempt(sign(key=ECKey.generate_key("P-256", {"kid": "k1"}, private=True)))


def test_an_unknown_kid_is_refused():
    with pytest.raises(InvalidClient, match="no registered key"):
        attempt(sign(kid="k2"))


def test_an_unknown_kid_may_be_new_at_the_clients_address():
    new = ECKey.generate_key("P-256", {"kid": "k2"}, private=True)
    before = registered(jwks=JWKS, jwks_uri="https://agency.example/jwks")
    after = registered(jwks={"keys": [new.as_dict(private=False)]}, jwks_uri="https://agency.example/jwks")
    attempt(sign(key=new), client=before, refreshed=after)


def test_the_public_key_is_no_shared_secret():
    """RFC 8725 section 2.1: HS256 with the public key's bytes."""
    signing_input = sign().rpartition(".")[0].replace(b64(b'{"alg": "ES256", "kid": "k1"}'), b64(b'{"alg":"HS256"}'))
    signature = hmac.digest(KEY.as_pem(private=False), signing_input.encode(), "sha256")
    with pytest.raises(InvalidClient, match="alg"):
        attempt(f"{signing_input}.{b64(signature)}")


@requirement("RFC 7523", "3", "MUST")
def test_an_unsigned_assertion_is_refused():
    unsigned = ".".join([b64(b'{"alg":"none"}'), sign().split(".")[1], ""])
    with pytest.raises(InvalidClient, match="alg"):
        attempt(unsigned)


@pytest.mark.parametrize("header", [{"crit": ["exp"]}, {"b64": False, "crit": ["b64"]}])
def test_critical_headers_are_not_understood(header):
    with pytest.raises(InvalidClient, match="critical"):
        attempt(sign(**header))


HEADERS = (b"[]", b"{", b"[" * 9000, b'{"a":1,"a":2}', b'"text"', b"\xff")
NO_TOKENS = ("", "a", "a.b", "a.b.c.d", "....", "ก.ข.ค", "a" * 20000, *(f"{b64(header)}.e30." for header in HEADERS))


@requirement("RFC 7521", "4.2", "MUST")
@pytest.mark.parametrize("assertion", NO_TOKENS)
def test_what_is_no_assertion_is_refused(assertion):
    with pytest.raises(InvalidClient):
        attempt(assertion)


@requirement("RFC 7523", "2.2", "MUST")
@pytest.mark.parametrize("kind", [None, "", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"])
def test_the_assertion_type_is_jwt_bearer(kind):
    with pytest.raises(InvalidClient, match="client_assertion_type"):
        attempt(sign(), parameters={"client_assertion_type": kind})


@requirement("RFC 7521", "4.2", "MUST")
def test_client_id_must_agree():
    attempt(sign(), parameters={"client_id": "c1"})
    with pytest.raises(InvalidClient, match="client_id"):
        attempt(sign(), parameters={"client_id": "c2"})


@requirement("RFC 6749", "2.3", "MUST NOT")
def test_a_client_of_another_method_is_refused():
    with pytest.raises(InvalidClient, match="private_key_jwt"):
        attempt(sign(), client=registered(jwks=JWKS, token_endpoint_auth_method="client_secret_basic"))


@requirement("OIDC Registration", "2", "MUST")
def test_the_registered_algorithm_is_the_only_one():
    with pytest.raises(InvalidClient, match="PS256"):
        attempt(sign(), client=registered(jwks=JWKS, token_endpoint_auth_signing_alg="PS256"))


@requirement("OIDC Core", "9", "MUST")
@pytest.mark.both_backends
def test_an_assertion_cannot_be_used_twice(agency, browser):
    assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": agency.assertion()}
    first = agency.provider.browser().post("/par", data=agency.request() | assertion)
    again = agency.provider.browser().post("/par", data=agency.request() | assertion)
    assert (first.status_code, again.status_code, again.json["error"]) == (201, 401, "invalid_client")
    token = agency.redeem(agency.code(browser), **assertion)
    assert token.json["error"] == "invalid_client"
    assert "jti" in token.json["error_description"]


def test_an_assertion_that_came_with_a_refused_request_is_spent(agency):
    assertion = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": agency.assertion()}
    assert (
        agency.provider.browser().post("/token", data={"grant_type": "x"} | assertion).json["error"]
        == "unsupported_grant_type"
    )
    again = agency.provider.browser().post("/par", data=agency.request() | assertion)
    assert again.json["error"] == "invalid_client"
