"""RFC 7638, with the example of its section 3.1, and RFC 8037, appendix A.3."""

from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from hypothesis import given
from hypothesis import strategies as st
from joserfc.jwk import ECKey, RSAKey

from keys.jwks import jwk_thumbprint, public_jwk, thumbprint

RFC_7638_KEY = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
    "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL"
    "5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
    "e": "AQAB",
    "alg": "RS256",
    "kid": "2011-04-29",
}
RFC_8037_X = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"


def test_the_key_of_rfc_7638_has_its_thumbprint():
    assert jwk_thumbprint(RFC_7638_KEY) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_same_key_as_an_object_has_the_same_thumbprint():
    n, e = (int.from_bytes(urlsafe_b64decode(RFC_7638_KEY[name] + "=="), "big") for name in ("n", "e"))
    assert thumbprint(rsa.RSAPublicNumbers(e, n).public_key()) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_key_of_rfc_8037_has_its_thumbprint():
    key = ed25519.Ed25519PublicKey.from_public_bytes(urlsafe_b64decode(RFC_8037_X + "="))
    assert thumbprint(key) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_a_jwk_says_its_use_its_algorithm_and_its_kid_and_nothing_private():
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    jwk = public_jwk(key, algorithm="ES256")
    assert set(jwk) == {"kty", "crv", "x", "y", "use", "alg", "kid"}
    assert (jwk["use"], jwk["alg"], jwk["kid"]) == ("sig", "ES256", thumbprint(key))


@given(st.integers(min_value=1, max_value=2**64))
def test_coordinates_stand_at_full_length_even_with_leading_zeros(scalar):
    key = ec.derive_private_key(scalar, ec.SECP256R1()).public_key()
    jwk = public_jwk(key, algorithm="ES256")
    assert len(jwk["x"]) == len(jwk["y"]) == 43
    assert ECKey.import_key(dict(jwk)).thumbprint() == jwk["kid"]


def test_an_independent_library_computes_the_same_thumbprint_for_rsa():
    key = rsa.generate_private_key(public_exponent=65537, key_size=3072).public_key()
    jwk = public_jwk(key, algorithm="RS256")
    assert RSAKey.import_key(dict(jwk)).thumbprint() == jwk["kid"]


def test_a_key_of_another_kind_has_no_jwk():
    with pytest.raises(TypeError, match="no JWK"):
        thumbprint(object())
