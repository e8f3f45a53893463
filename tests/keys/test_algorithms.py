"""RFC 7518 section 3.1 and RFC 8037: what is in the table works, what is not does not exist."""

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws
from joserfc.jwk import JWKRegistry

from keys.algorithms import ALGORITHMS, AlgorithmName, algorithm_named, check_new_public_key
from keys.errors import KeystoreError
from keys.jwks import public_jwk
from keys.jwt import sign_jwt
from keys.software_signer import SoftwareSigner


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")  # the name that clients know
@pytest.mark.parametrize("name", list(AlgorithmName))
def test_an_independent_library_verifies_each_algorithm(name):
    signer = SoftwareSigner(ALGORITHMS[name].generate(), ALGORITHMS[name])
    key = JWKRegistry.import_key(public_jwk(signer.public_key, algorithm=name))
    token = sign_jwt(signer, {"sub": "x"}, typ="JWT")
    verified = jws.deserialize_compact(token, key, algorithms=[name])
    assert verified.headers() == {"alg": name, "kid": signer.kid, "typ": "JWT"}


@pytest.mark.parametrize("name", ["none", "HS256", "RS1", "ES512", "es256", "EdDSA\n", ""])
def test_what_is_not_in_the_table_is_refused(name):
    with pytest.raises(KeystoreError, match="no such algorithm"):
        algorithm_named(name)


@pytest.mark.parametrize("name", [AlgorithmName.RS256, AlgorithmName.PS256])
def test_a_new_rsa_key_has_3072_bits_and_a_shorter_one_is_refused(name):
    assert ALGORITHMS[name].generate().key_size == 3072
    with pytest.raises(KeystoreError, match="too weak"):
        SoftwareSigner(rsa.generate_private_key(public_exponent=65537, key_size=2048), ALGORITHMS[name])


def test_no_certificate_is_made_for_a_weak_key_or_a_strange_curve():
    for weak in (
        rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
    ):
        with pytest.raises(KeystoreError, match="too weak or on another curve"):
            check_new_public_key(weak)
    with pytest.raises(KeystoreError, match="must be EC"):
        check_new_public_key(object())


def test_a_key_is_not_used_for_another_algorithm():
    with pytest.raises(KeystoreError, match="not one for ES384"):
        SoftwareSigner(ALGORITHMS[AlgorithmName.ES256].generate(), ALGORITHMS[AlgorithmName.ES384])
