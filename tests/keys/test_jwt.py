"""RFC 7515, with the example of RFC 8037 appendix A.4, and RFC 8725 section 3.11."""

import json
from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import ECKey

from keys.algorithms import ALGORITHMS, AlgorithmName
from keys.jwks import base64url, public_jwk
from keys.jwt import sign_jwt
from keys.software_signer import SoftwareSigner

SIGNER = SoftwareSigner(ALGORITHMS[AlgorithmName.ES256].generate(), ALGORITHMS[AlgorithmName.ES256])
KEY = ECKey.import_key(public_jwk(SIGNER.public_key, algorithm="ES256"))
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=8,
)


def test_the_signature_of_rfc_8037_appendix_a_4():
    private_key = Ed25519PrivateKey.from_private_bytes(
        urlsafe_b64decode("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
    )
    signer = SoftwareSigner(private_key, ALGORITHMS[AlgorithmName.EDDSA])
    signature = signer.sign(b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc")
    expected = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    assert base64url(signature) == expected


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), JSON_VALUES, max_size=5))
def test_whatever_the_claims_are_they_arrive_as_they_were(claims):
    verified = jws.deserialize_compact(sign_jwt(SIGNER, claims, typ="JWT"), KEY, algorithms=["ES256"])
    assert json.loads(verified.payload) == claims


def test_the_type_is_explicit_and_thai_stands_as_itself():
    token = sign_jwt(SIGNER, {"name": "สมชาย"}, typ="at+jwt")
    header, payload, _ = token.split(".")
    assert json.loads(urlsafe_b64decode(header + "=="))["typ"] == "at+jwt"
    assert "สมชาย".encode() in urlsafe_b64decode(payload + "==")


def test_what_is_no_json_is_refused():
    with pytest.raises(ValueError, match="Out of range float"):
        sign_jwt(SIGNER, {"auth_time": float("nan")}, typ="JWT")
