"""OpenID Connect Back-Channel Logout 1.0 section 2.6: what a logout token must be before anything ends."""

import time

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet

from demo.agency.logout_token import LOGOUT_EVENT, LogoutTokenError, verify_logout_token
from demo.agency.sessions import Sessions

ISSUER, CLIENT = "http://localhost:8080", "demo-a"
KEY = ECKey.generate_key("P-256", auto_kid=True)
HEADER = {"alg": "ES256", "kid": KEY.kid, "typ": "logout+jwt"}


def logout_token(header=None, key=KEY, **changed):
    claims = {
        "iss": ISSUER,
        "aud": CLIENT,
        "iat": int(time.time()),
        "exp": int(time.time()) + 120,
        "jti": "one",
        "sub": "the person",
        "sid": "the session",
        "events": {LOGOUT_EVENT: {}},
    } | changed
    claims = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(HEADER | (header or {}), claims, key)


def verify(token, sessions=None):
    return verify_logout_token(
        token,
        KeySet([KEY]),
        expected_issuer=ISSUER,
        expected_audience=CLIENT,
        algorithms=["ES256"],
        spend=(sessions or Sessions()).spend_logout_token,
    )


def test_a_good_token_names_the_session():
    assert verify(logout_token())["sid"] == "the session"


@pytest.mark.parametrize("left_out", ["sub", "sid"])
def test_either_sub_or_sid_is_enough(left_out):
    assert verify(logout_token(**{left_out: None}))


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"iss": "http://localhost:9090"}, "iss"),
        ({"aud": "demo-b"}, "aud"),
        ({"aud": ["demo-b"]}, "aud"),
        ({"aud": None}, "aud"),
        ({"iat": None}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": "soon"}, "iat"),
        ({"exp": None}, "exp"),
        ({"exp": int(time.time()) - 600}, "current"),
        ({"iat": int(time.time()) + 600}, "current"),
        ({"exp": int(time.time()) + 86400}, "current"),
        ({"sub": None, "sid": None}, "sub or sid"),
        ({"sid": 7}, "sub or sid"),
        ({"events": None}, "events"),
        ({"events": {LOGOUT_EVENT: True}}, "events"),
        ({"events": {"http://schemas.openid.net/event/other": {}}}, "events"),
        ({"nonce": "n"}, "nonce"),
        ({"jti": None}, "jti"),
    ],
)
def test_a_token_that_breaks_a_rule_is_refused(changed, why):
    with pytest.raises(LogoutTokenError, match=why):
        verify(logout_token(**changed))


@pytest.mark.parametrize("typ", ["JWT", "at+jwt", ""])
def test_another_kind_of_token_is_refused(typ):
    with pytest.raises(LogoutTokenError, match="typ"):
        verify(logout_token({"typ": typ}))


def test_another_key_is_refused():
    stranger = ECKey.generate_key("P-256")
    with pytest.raises(LogoutTokenError, match="signature"):
        verify(logout_token(key=stranger))


def test_an_unsigned_token_is_refused():
    header, claims, _signature = logout_token().split(".")
    for token in (f"{header}.{claims}.", "eyJhbGciOiJub25lIn0." + claims + ".", "", "a.b", "\x00"):
        with pytest.raises(LogoutTokenError):
            verify(token)


def test_a_token_cannot_be_used_twice():
    sessions, token = Sessions(), logout_token()
    verify(token, sessions)
    with pytest.raises(LogoutTokenError, match="used before"):
        verify(token, sessions)
