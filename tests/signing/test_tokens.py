"""ID Tokens and logout tokens: OpenID Connect Core section 3.1.3.7, Back-Channel Logout section 2.6.

Access tokens are in test_csc_authorization.py.
"""

from __future__ import annotations

import pytest

from signing.refusals import TokenRefused
from signing.tokens import verify_id_token, verify_logout_token

CLIENT = "prajak-signing"


def id_token(double, **changes):
    claims = double.claims(aud=CLIENT, nonce="the nonce") | changes
    return double.signed({name: value for name, value in claims.items() if value is not None}, "JWT")


def test_an_id_token_for_this_request_is_believed(double, issuer):
    claims = verify_id_token(id_token(double), issuer, client_id=CLIENT, nonce="the nonce")
    assert claims["sub"] == double.sub


@pytest.mark.parametrize(
    "change",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "demo-a"},
        {"aud": [CLIENT, "demo-a"]},
        {"iss": "http://elsewhere.localhost"},
        {"exp": 1},
        {"iat": None},
        {"sub": None},
        {"sub": 7},
    ],
)
def test_an_id_token_for_anything_else_is_refused(double, issuer, change):
    with pytest.raises(TokenRefused):
        verify_id_token(id_token(double, **change), issuer, client_id=CLIENT, nonce="the nonce")


@pytest.mark.parametrize("token", [None, "", "x", "a.b.c", "e30.e30.e30", 7, "ey" * 40_000])
def test_nonsense_is_no_token(issuer, token):
    with pytest.raises(TokenRefused):
        verify_id_token(token, issuer, client_id=CLIENT, nonce="the nonce")


def test_a_logout_token_is_believed(double, issuer):
    assert verify_logout_token(double.logout_token(), issuer, client_id=CLIENT)["sid"] == "sid-1"


@pytest.mark.parametrize(
    "change",
    [
        {"typ": "JWT"},
        {"events": None},
        {"events": {"http://schemas.openid.net/event/backchannel-logout": None}},
        {"events": "x"},
        {"nonce": "n"},
        {"sub": None, "sid": None},
        {"jti": None},
        {"aud": "demo-a"},
        {"exp": 1},
        {"iss": "x"},
    ],
)
def test_a_logout_token_that_breaks_a_rule_is_refused(double, issuer, change):
    with pytest.raises(TokenRefused):
        verify_logout_token(double.logout_token(**change), issuer, client_id=CLIENT)
