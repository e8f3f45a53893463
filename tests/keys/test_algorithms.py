"""RFC 7518 section 3.1 and RFC 8037: what is in the table works, what is not does not exist."""

from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from joserfc import jws
from joserfc.jwk import JWKRegistry

from keys.algorithms import ALGORITHMS, AlgorithmName, algorithm_named, check_new_public_key, x509_identifier
from keys.decryption import KEY_MANAGEMENT, KeyManagementName
from keys.errors import KeystoreError
from keys.jwks import public_jwk
from keys.jwt import sign_jwt
from keys.keystore import LOOK_AGAIN, Keystore
from keys.own_jws import NotSigned, verified_claims
from keys.purposes import Purpose
from keys.signer import open_custody
from keys.software_signer import SoftwareSigner

ML_DSA = ALGORITHMS[AlgorithmName.ML_DSA_65]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")  # the name that clients know
@pytest.mark.parametrize("name", [name for name in AlgorithmName if name != AlgorithmName.ML_DSA_65])
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


class TestMlDsa:
    """FIPS 204, as JOSE has it (RFC 9964) and X.509 (RFC 9881): for records that must verify for decades."""

    @pytest.fixture
    def opted_in(self, settings):
        return open_custody(replace(settings, ml_dsa=True))

    def test_no_key_is_made_unless_the_settings_say_so(self, settings):
        custody = open_custody(settings)
        assert not custody.offers("ML-DSA-65")
        with pytest.raises(KeystoreError, match="ML-DSA-65 is off: PRAJAK_ML_DSA=1"):
            custody.create_signer(ML_DSA)

    def test_a_key_that_was_made_signs_on_after_the_setting_was_taken_back(self, settings, opted_in):
        made = opted_in.create_signer(ML_DSA)
        loaded = open_custody(settings).load_signer(made.kid, ML_DSA)
        made.public_key.verify(loaded.sign(b"data"), b"data")
        with pytest.raises(InvalidSignature):
            made.public_key.verify(loaded.sign(b"data"), b"other data")

    def test_its_jwk_is_of_the_type_akp_and_its_name_depends_on_key_and_algorithm_alone(self, opted_in):
        made = opted_in.create_signer(ML_DSA)
        jwk = public_jwk(made.public_key, algorithm=made.algorithm)
        assert {name: jwk[name] for name in ("kty", "alg", "use", "kid")} == {
            "kty": "AKP",
            "alg": "ML-DSA-65",
            "use": "sig",
            "kid": made.kid,
        }
        assert len(jwk["pub"]) == 2603  # 1952 bytes
        required = f'{{"alg":"ML-DSA-65","kty":"AKP","pub":"{jwk["pub"]}"}}'
        assert made.kid == urlsafe_b64encode(sha256(required.encode()).digest()).rstrip(b"=").decode()

    def test_what_it_signed_is_read_back_and_a_changed_byte_is_found(self, opted_in):
        made = opted_in.create_signer(ML_DSA)
        keys = {made.kid: public_jwk(made.public_key, algorithm=made.algorithm)}
        token = sign_jwt(made, {"number": 1}, typ="record+jwt")
        assert verified_claims(token, keys, typ="record+jwt") == {"number": 1}
        head, payload, signature = token.split(".")
        for changed in (f"{head}.{payload}.{signature[:100]}AAAA{signature[104:]}", f"{head}.{payload}.AAAA"):
            with pytest.raises(NotSigned, match="does not verify|cannot be used"):
                verified_claims(changed, keys, typ="record+jwt")

    def test_it_does_not_decrypt_and_certifies_nobody(self, opted_in):
        made = opted_in.create_signer(ML_DSA)
        with pytest.raises(KeystoreError, match="cannot decrypt"):
            opted_in.load_decrypter(made.kid, KEY_MANAGEMENT[KeyManagementName.ECDH_ES])
        with pytest.raises(KeystoreError, match="must be EC"):
            check_new_public_key(made.public_key)

    def test_its_x509_identifier_is_that_of_rfc_9881(self):
        assert x509_identifier("ML-DSA-65") == bytes.fromhex("300b0609608648016503040312")

    def test_a_token_refuses_it_in_a_sentence(self, token_url, settings):
        custody = open_custody(replace(settings, keys_url=token_url, ml_dsa=True))
        assert not custody.offers("ML-DSA-65")
        with pytest.raises(KeystoreError, match="ML-DSA-65 is for keys in files"):
            custody.create_signer(ML_DSA)

    def test_the_audit_trails_key_moves_to_it_and_to_no_other_purpose(self, ground, clock):
        keystore = Keystore(replace(ground, settings=replace(ground.settings, ml_dsa=True)))
        for purpose in (Purpose.AUDIT, Purpose.METADATA):
            keystore.ensure(purpose)
        clock.advance(keystore.move(Purpose.AUDIT, "ML-DSA-65") - clock.now())
        keystore.advance()
        clock.advance(LOOK_AGAIN)
        assert keystore.active(Purpose.AUDIT).algorithm == "ML-DSA-65"
        assert {jwk["kty"] for jwk in keystore.published([Purpose.AUDIT])} == {"EC", "AKP"}
        with pytest.raises(KeystoreError, match="does not move to ML-DSA-65"):
            keystore.move(Purpose.METADATA, "ML-DSA-65")
