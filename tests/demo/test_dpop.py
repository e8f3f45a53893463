"""RFC 9449 sections 4.2 and 4.3, as the agencies do it: what one makes the other takes, and nothing that is bent."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from joserfc import jws
from joserfc.jwk import ECKey

from demo.agency.dpop import ProofError, check_proof, hash_of, make_proof
from demo.agency.record_api import SpentProofs
from tests.idp.provider import sign_jws

URL = "http://agency-a.localhost:8081/api/entitlements"
KEY = ECKey.generate_key("P-256", private=True)
OTHER = ECKey.generate_key("P-256", private=True)


def check(proof: str, **changed: Any) -> None:
    usual = {"method": "GET", "url": URL, "access_token": "token", "expected_jkt": KEY.thumbprint()}
    check_proof(proof, **(usual | {"spend": SpentProofs().spend} | changed))


def bent(header: dict[str, Any] | None = None, signer: ECKey = KEY, **claims: Any) -> str:
    usual = {"jti": "j1", "htm": "GET", "htu": URL, "iat": int(time.time()), "ath": hash_of("token")}
    found = {name: value for name, value in (usual | claims).items() if value is not None}
    public = {"typ": "dpop+jwt", "alg": "ES256", "jwk": KEY.as_dict(private=False)} | (header or {})
    return sign_jws(found, signer, **public)


def test_a_proof_that_one_makes_the_other_takes():
    check(make_proof(KEY, "GET", URL, access_token="token"))


def test_a_nonce_is_in_the_proof_where_one_was_given():
    claims = jws.extract_compact(make_proof(KEY, "POST", URL, nonce="n1").encode()).payload
    assert json.loads(claims)["nonce"] == "n1"


def test_a_proof_counts_once():
    spend, proof = SpentProofs().spend, make_proof(KEY, "GET", URL, access_token="token")
    check(proof, spend=spend)
    with pytest.raises(ProofError, match="used before"):
        check(proof, spend=spend)


@pytest.mark.parametrize(
    "make",
    [
        lambda: "",
        lambda: "nothing",
        lambda: make_proof(OTHER, "GET", URL, access_token="token"),
        lambda: make_proof(KEY, "POST", URL, access_token="token"),
        lambda: make_proof(KEY, "GET", URL + "/x", access_token="token"),
        lambda: make_proof(KEY, "GET", URL, access_token="another"),
        lambda: make_proof(KEY, "GET", URL),
        lambda: bent(signer=OTHER),
        lambda: bent({"typ": "jwt"}),
        lambda: bent({"jwk": KEY.as_dict(private=True)}),
        lambda: bent({"jwk": "nothing"}),
        lambda: bent(iat=int(time.time()) - 300),
        lambda: bent(iat=int(time.time()) + 300),
        lambda: bent(iat="now"),
        lambda: bent(jti=None),
        lambda: bent(jti=""),
        lambda: bent(jti="x" * 201),
    ],
)
def test_a_proof_that_is_bent_is_refused(make):
    with pytest.raises(ProofError):
        check(make())
