"""RFC 9449: the published proof, every check of section 4.3, and bound tokens at the endpoints."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from joserfc.jwk import ECKey, OctKey

from idp.errors import InvalidDpopProof
from idp.oauth2.dpop import ALGORITHMS, access_token_hash, verify_proof
from tests.idp.provider import b64, claims_of, sign_jws
from tests.protocol.requirement import requirement

# Section 4.2, the example proof; section 7.1, the one with ath
PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
    "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHR"
    "tIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRM"
    "UvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
)
RESOURCE_PROOF = (
    "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCR"
    "nMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHR"
    "tIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM"
    "0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
)
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
JKT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"  # section 6.1
AT = datetime.fromtimestamp(1562262616, UTC)
SKEW = timedelta(seconds=30)
TOKEN = "https://server.example.com/token"


def verify(proof=PROOF, *, method="POST", uri=TOKEN, now=AT, access_token=None):
    return verify_proof(
        [proof], method=method, uri=uri, now=now, skew=SKEW, check_nonce=any_nonce, access_token=access_token
    )


def any_nonce(_claims):
    """What the server does where it asks for none."""


@requirement("RFC 9449", "6.1", "MUST")
def test_the_proof_of_section_4_2_verifies_and_gives_the_thumbprint_of_section_6_1():
    assert verify().jkt == JKT


@requirement("RFC 9449", "4.2", "MUST")
def test_the_proof_of_section_7_1_is_of_its_access_token():
    uri = "https://resource.example.org/protectedresource"
    assert verify(RESOURCE_PROOF, method="GET", uri=uri, access_token=ACCESS_TOKEN).jkt == JKT
    assert access_token_hash(ACCESS_TOKEN) == claims_of(RESOURCE_PROOF)["ath"]


@requirement("RFC 9449", "4.3", "SHOULD")
@pytest.mark.parametrize(
    "uri",
    [
        "HTTPS://Server.example.com:443/token",
        "https://server.example.com/%74oken",
        "https://server.example.com/token?a=b#c",
    ],
)
def test_htu_is_compared_after_normalization(uri):
    verify(uri=uri)


@requirement("RFC 9449", "4.3", "MUST")
@requirement("RFC 9449", "7", "MUST")
@pytest.mark.parametrize(
    ("what", "changed"),
    [
        ("htm", {"method": "GET"}),
        ("htu", {"uri": "https://server.example.com/token2"}),
        ("htu", {"uri": "http://server.example.com/token"}),
        ("iat", {"now": AT + timedelta(seconds=91)}),
        ("iat", {"now": AT - timedelta(seconds=31)}),
        ("ath", {"access_token": "another"}),
        ("signature", {"proof": PROOF[:-4] + "AAAA"}),
        ("JWS", {"proof": "abc"}),
        ("base64url", {"proof": PROOF + "="}),
    ],
)
def test_a_proof_of_something_else_is_refused(what, changed):
    with pytest.raises(InvalidDpopProof, match=what):
        verify(**changed)


@requirement("RFC 9449", "4.3", "MUST")
@pytest.mark.parametrize("headers", [[], [PROOF, PROOF]])
def test_there_is_one_proof(headers):
    with pytest.raises(InvalidDpopProof, match="one DPoP header"):
        verify_proof(headers, method="POST", uri=TOKEN, now=AT, skew=SKEW, check_nonce=any_nonce)


class TestHeaders:
    KEY = ECKey.generate_key("P-256", private=True)

    @pytest.fixture
    def proof(self):
        def made(key=None, claims=None, **header):
            key = key or self.KEY
            content = {"jti": "j", "htm": "POST", "htu": TOKEN, "iat": int(AT.timestamp())} | (claims or {})
            content = {name: value for name, value in content.items() if value is not None}
            return sign_jws(content, key, **({"typ": "dpop+jwt", "jwk": key.as_dict(private=False)} | header))

        return made

    def test_a_good_one_verifies(self, proof):
        verify(proof())

    @requirement("RFC 9449", "4.2", "MUST")
    @pytest.mark.parametrize("typ", ["JWT", "at+jwt", "DPOP+JWT", ""])
    def test_typ_is_dpop_jwt(self, proof, typ):
        with pytest.raises(InvalidDpopProof, match="typ"):
            verify(proof(typ=typ))

    @requirement("RFC 9449", "4.2", "MUST NOT")
    def test_a_private_key_in_the_header_is_refused(self, proof):
        with pytest.raises(InvalidDpopProof, match="private"):
            verify(proof(jwk=self.KEY.as_dict(private=True)))

    @requirement("RFC 9449", "4.2", "MUST NOT")
    def test_a_symmetric_algorithm_is_refused(self, proof):
        key = OctKey.generate_key(256)
        with pytest.raises(InvalidDpopProof, match="alg"):
            verify(proof(key, alg="HS256", jwk=key.as_dict(private=False)))

    @requirement("RFC 9449", "11.6", "SHOULD")
    def test_a_weak_key_is_refused(self, proof):
        weak = {"kty": "RSA", "e": "AQAB", "n": b64(b"\xff" * 128)}
        with pytest.raises(InvalidDpopProof, match="2048"):
            verify(proof(jwk=weak))

    def test_another_curve_is_refused(self, proof):
        key = ECKey.generate_key("P-384")
        with pytest.raises(InvalidDpopProof, match="P-256"):
            verify(proof(jwk=key.as_dict(private=False)))

    @requirement("RFC 9449", "4.3", "MUST")
    @pytest.mark.parametrize(
        "jwk", [None, 5, [], {}, {"kty": []}, {"kty": "EC"}, {"kty": "EC", "crv": "P-256", "x": 1, "y": []}]
    )
    def test_what_is_no_key_is_refused(self, proof, jwk):
        with pytest.raises(InvalidDpopProof):
            verify(proof(jwk=jwk))

    @requirement("RFC 9449", "4.2", "MUST")
    @pytest.mark.parametrize(
        "claims",
        [
            {"jti": None},
            {"jti": ""},
            {"jti": 5},
            {"jti": "x" * 256},
            {"iat": None},
            {"iat": "1"},
            {"iat": True},
            {"htu": 5},
            {"htu": "https://[", "iat": 1},
            {"iat": 1e300},
        ],
    )
    def test_required_claims_are_there_and_well_formed(self, proof, claims):
        with pytest.raises(InvalidDpopProof):
            verify(proof(claims=claims))


@requirement("RFC 9449", "5", "MUST")
@requirement("RFC 9449", "6.1", "MUST")
@requirement("RFC 9449", "7.1", "MUST")
def test_a_token_is_bound_and_served_with_a_proof_alone(agency, browser):
    code = agency.code(browser)
    tokens = agency.redeem(code, dpop=agency.proof("POST", "/token"))
    assert tokens.json["token_type"] == "DPoP"
    token = tokens.json["access_token"]
    assert claims_of(token)["cnf"] == {"jkt": agency.dpop_key.thumbprint()}
    assert agency.userinfo(token, dpop=agency.proof("GET", "/userinfo", access_token=token)).status_code == 200


@requirement("RFC 9449", "7.2", "MUST")
def test_a_bound_token_is_no_bearer_token(agency, browser):
    token = agency.redeem(agency.code(browser), dpop=agency.proof("POST", "/token")).json["access_token"]
    answer = agency.userinfo(token)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@requirement("RFC 9449", "7.1", "MUST NOT")
def test_a_bearer_token_is_no_bound_token(agency, browser):
    token = agency.sign_in(browser)["access_token"]
    proof = agency.proof("GET", "/userinfo", access_token=token)
    assert agency.userinfo(token, dpop=proof).status_code == 401


@requirement("RFC 9449", "7", "MUST")
@requirement("RFC 9449", "7.1", "MUST")
def test_a_thief_with_another_key_is_refused(agency, browser):
    token = agency.redeem(agency.code(browser), dpop=agency.proof("POST", "/token")).json["access_token"]
    proof = agency.proof("GET", "/userinfo", access_token=token, key=ECKey.generate_key("P-256", private=True))
    answer = agency.userinfo(token, dpop=proof)
    assert answer.status_code == 401
    assert 'DPoP error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]
    assert 'algs="ES256' in answer.headers["WWW-Authenticate"]


@requirement("RFC 9449", "11.1", "MUST")
@pytest.mark.both_backends
def test_a_proof_cannot_be_replayed_at_the_resource(agency, browser):
    token = agency.redeem(agency.code(browser), dpop=agency.proof("POST", "/token")).json["access_token"]
    proof = agency.proof("GET", "/userinfo", access_token=token)
    assert agency.userinfo(token, dpop=proof).status_code == 200
    assert "jti was used" in agency.userinfo(token, dpop=proof).json["error_description"]


@requirement("RFC 9449", "11.1", "MUST")
def test_a_proof_cannot_be_replayed_at_the_token_endpoint(agency, browser):
    proof = agency.proof("POST", "/token")
    assert agency.redeem(agency.code(browser), dpop=proof).status_code == 200
    again = agency.redeem(agency.code(browser), dpop=proof)
    assert again.status_code == 400
    assert again.json["error"] == "invalid_dpop_proof"


def test_a_proof_that_was_refused_once_is_spent(agency, browser):
    proof = agency.proof("POST", "/token")
    assert agency.redeem("nonsense", dpop=proof).json["error"] == "invalid_grant"
    assert agency.redeem(agency.code(browser), dpop=proof).json["error"] == "invalid_dpop_proof"


@requirement("RFC 9449", "10", "MUST")
def test_dpop_jkt_binds_the_code(agency, browser):
    """Section 10."""
    jkt = agency.dpop_key.thumbprint()
    code = agency.code(browser, dpop_jkt=jkt)
    assert agency.redeem(code).json["error"] == "invalid_dpop_proof"
    other = ECKey.generate_key("P-256", private=True)
    assert agency.redeem(code, dpop=agency.proof("POST", "/token", key=other)).json["error"] == "invalid_dpop_proof"
    assert agency.redeem(code, dpop=agency.proof("POST", "/token")).status_code == 200


@requirement("RFC 9449", "10.1", "MUST")
def test_a_proof_at_par_binds_the_code(agency, browser):
    """Section 10.1."""
    pushed = agency.push({"DPoP": agency.proof("POST", "/par")}).json["request_uri"]
    url = f"/authorize?client_id={agency.client_id}&request_uri={pushed}"
    answer = agency.walk(browser, browser.get(url)).location
    code = answer.split("code=")[1].split("&")[0]
    assert agency.redeem(code).json["error"] == "invalid_dpop_proof"
    assert agency.redeem(code, dpop=agency.proof("POST", "/token")).status_code == 200


@requirement("RFC 9449", "10.1", "MUST")
def test_dpop_jkt_must_agree_with_the_proof_at_par(agency):
    answer = agency.push({"DPoP": agency.proof("POST", "/par")}, dpop_jkt="A" * 43)
    assert answer.status_code == 400
    assert "dpop_jkt" in answer.json["error_description"]


@pytest.mark.parametrize("jkt", ["short", "A" * 44, "A" * 42 + "="])
def test_dpop_jkt_is_a_thumbprint(refusing, jkt):
    assert refusing.push(dpop_jkt=jkt).json["error"] == "invalid_request"


@requirement("RFC 9449", "5.2", "MUST")
def test_a_client_that_registered_bound_tokens_gets_no_others(provider, browser):
    """Section 5.2."""
    agency = provider.agency("bound", dpop_bound_access_tokens=True)
    code = agency.code(browser)
    assert agency.redeem(code).json["error"] == "invalid_request"
    assert agency.redeem(code, dpop=agency.proof("POST", "/token")).status_code == 200


@requirement("RFC 9449", "5.1", "MAY")
def test_discovery_lists_the_algorithms_that_are_taken_and_no_symmetric_one(provider):
    listed = provider.browser().get("/.well-known/openid-configuration").json["dpop_signing_alg_values_supported"]
    assert listed == list(ALGORITHMS)
    assert not [each for each in listed if each.startswith("HS") or each == "none"]
