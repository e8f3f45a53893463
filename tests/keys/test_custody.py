"""What every custody does, shown over each: keys in encrypted files, and keys on a PKCS #11 token."""

from base64 import urlsafe_b64encode
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from json import dumps
from secrets import token_hex

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from joserfc import jws
from joserfc.jwk import import_key

from core.settings import SettingsError
from keys.algorithms import ALGORITHMS, AlgorithmName
from keys.decryption import KEY_MANAGEMENT, OAEP_256, KeyManagementName
from keys.errors import DecryptionError, KeystoreError
from keys.jwks import public_jwk, thumbprint
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.secret import SecretName
from keys.signer import open_custody

pytestmark = pytest.mark.both_custodies

ECDH, RSA = KEY_MANAGEMENT[KeyManagementName.ECDH_ES], KEY_MANAGEMENT[KeyManagementName.RSA_OAEP_256]
CLASSICAL = (AlgorithmName.ES256, AlgorithmName.ES384, AlgorithmName.PS256, AlgorithmName.RS256, AlgorithmName.EDDSA)
NONCE = b"nonce-of-12b"


@pytest.fixture
def custody(settings):
    return open_custody(settings)


@pytest.fixture
def name():
    """Of a secret: tests share the token."""
    return token_hex(8)


@pytest.fixture(params=CLASSICAL)
def algorithm(request):
    return ALGORITHMS[request.param]


@pytest.mark.filterwarnings("ignore:EdDSA is deprecated via RFC 9864")
def test_a_key_that_was_made_signs_when_it_is_loaded_and_others_can_verify(custody, algorithm):
    made = custody.create_signer(algorithm)
    loaded = custody.load_signer(made.kid, algorithm)
    algorithm.verify_x509(made.public_key, loaded.sign_x509(b"data"), b"data")
    with pytest.raises(InvalidSignature):
        algorithm.verify_x509(made.public_key, loaded.sign_x509(b"data"), b"other data")
    jwk = import_key(public_jwk(made.public_key, algorithm=algorithm.name))
    verify_jws(jwk, algorithm.name, loaded)


def verify_jws(jwk, name, signer):
    """The outside party is joserfc: the raw form of RFC 7518 section 3.4, or it says no."""
    parts = [urlsafe_b64encode(each).rstrip(b"=") for each in (dumps({"alg": name}).encode(), b"payload")]
    token = b".".join([*parts, urlsafe_b64encode(signer.sign(b".".join(parts))).rstrip(b"=")])
    assert jws.deserialize_compact(token, jwk, algorithms=[name]).payload == b"payload"


def test_the_kid_is_the_thumbprint_of_the_public_key(custody):
    made = custody.create_signer(ALGORITHMS[AlgorithmName.ES256])
    assert made.kid == thumbprint(made.public_key)
    assert (made.algorithm, repr(made).rpartition(" ")[2]) == ("ES256", f"{made.kid}>")


def test_long_and_empty_data_are_signed_alike(custody):
    algorithm = ALGORITHMS[AlgorithmName.ES256]
    made = custody.create_signer(algorithm)
    for data in (b"", b"x" * 3_000_000):
        algorithm.verify_x509(made.public_key, made.sign_x509(data), data)


def test_a_key_of_another_algorithm_is_refused(custody):
    made = custody.create_signer(ALGORITHMS[AlgorithmName.ES256])
    for other in (AlgorithmName.ES384, AlgorithmName.PS256, AlgorithmName.EDDSA):
        with pytest.raises(KeystoreError):
            custody.load_signer(made.kid, ALGORITHMS[other])


def test_a_key_that_is_not_there_is_named(custody):
    with pytest.raises(KeystoreError, match="no-such-kid.* is missing from"):
        custody.load_signer("no-such-kid", ALGORITHMS[AlgorithmName.ES256])
    with pytest.raises(KeystoreError, match="no-such-kid.* is missing from"):
        custody.load_secret("no-such-kid", SecretName.HS256)


def test_what_was_encrypted_to_a_key_opens_after_it_is_loaded(custody):
    agreeing = custody.load_decrypter(custody.create_decrypter(ECDH).kid, ECDH)
    for _ in range(20):
        peer = ec.generate_private_key(ec.SECP256R1())
        assert agreeing.agree(peer.public_key()) == peer.exchange(ec.ECDH(), agreeing.public_key)
    unwrapping = custody.load_decrypter(custody.create_decrypter(RSA).kid, RSA)
    for content in (b"", b"k" * 32, b"\0\1" * 16):
        assert unwrapping.unwrap(unwrapping.public_key.encrypt(content, OAEP_256)) == content


def test_a_decrypter_opens_nothing_else_and_says_why_to_nobody(custody):
    agreeing, unwrapping = custody.create_decrypter(ECDH), custody.create_decrypter(RSA)
    good = bytearray(unwrapping.public_key.encrypt(b"k" * 32, OAEP_256))
    good[200] ^= 1
    for wrong in (b"", b"x" * 383, b"x" * 385, b"\xff" * 384, b"\0" * 384, bytes(good)):
        with pytest.raises(DecryptionError, match="^the encrypted key does not open$"):
            unwrapping.unwrap(wrong)
    with pytest.raises(DecryptionError):
        unwrapping.agree(ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(DecryptionError):
        agreeing.unwrap(b"x" * 384)
    with pytest.raises(DecryptionError):
        agreeing.agree(ec.generate_private_key(ec.SECP384R1()).public_key())


def test_a_secret_opens_what_it_sealed_after_it_is_loaded(custody, name):
    custody.create_secret(name, SecretName.A256GCM)
    secret = custody.load_secret(name, SecretName.A256GCM)
    for plaintext in (b"", b"name", b"x" * 100_000):
        sealed = secret.encrypt(NONCE, plaintext, b"row 1")
        assert len(sealed) == len(plaintext) + 16
        assert secret.decrypt(NONCE, sealed, b"row 1") == plaintext


def test_what_was_changed_cut_or_moved_does_not_open_and_what_is_whole_still_does(custody, name):
    secret = custody.create_secret(name, SecretName.A256GCM)
    sealed = secret.encrypt(NONCE, b"name", b"row 1")
    wrong = [
        (NONCE, sealed, b"row 2"),
        (NONCE, bytes([sealed[0] ^ 1]) + sealed[1:], b"row 1"),
        (NONCE, sealed[:-1], b"row 1"),
        (NONCE, b"", b"row 1"),
        (b"another-nonc", sealed, b"row 1"),
        (b"", sealed, b"row 1"),
    ]
    for nonce, ciphertext, aad in wrong:
        with pytest.raises(DecryptionError, match="changed since it was sealed, or sealed for another place"):
            secret.decrypt(nonce, ciphertext, aad)
    assert secret.decrypt(NONCE, sealed, b"row 1") == b"name"


def test_a_mac_is_the_same_each_time_and_another_for_another_key(custody, name):
    made = custody.create_secret(name, SecretName.HS256)
    loaded, other = custody.load_secret(name, SecretName.HS256), custody.create_secret(f"{name}-2", SecretName.HS256)
    assert made.mac(b"1234567890123") == loaded.mac(b"1234567890123")
    assert len(made.mac(b"")) == 32
    assert other.mac(b"1234567890123") != made.mac(b"1234567890123")


def test_a_secret_does_only_what_it_is_for(custody, name):
    sealing, recognising = (
        custody.create_secret(f"{name}-s", SecretName.A256GCM),
        custody.create_secret(f"{name}-r", SecretName.HS256),
    )
    with pytest.raises(KeystoreError, match="is for A256GCM, not for HS256"):
        sealing.mac(b"data")
    for call in (recognising.encrypt, recognising.decrypt):
        with pytest.raises(KeystoreError, match="is for HS256, not for A256GCM"):
            call(NONCE, b"x" * 32, b"")


def test_a_key_that_was_discarded_is_gone(custody, name):
    made = custody.create_signer(ALGORITHMS[AlgorithmName.ES256])
    custody.create_secret(name, SecretName.HS256)
    for kid in (made.kid, name, "never-there"):
        custody.discard(kid)
    with pytest.raises(KeystoreError, match="is missing from"):
        custody.load_signer(made.kid, ALGORITHMS[AlgorithmName.ES256])
    with pytest.raises(KeystoreError, match="is missing from"):
        custody.load_secret(name, SecretName.HS256)


def test_a_custody_in_the_other_mode_is_refused(settings, custody):
    passphrase = settings.data_dir / "passphrase"
    passphrase.write_text("x" * 40)
    with pytest.raises(SettingsError, match="PRAJAK_SANDBOX|another passphrase"):
        open_custody(replace(settings, sandbox=False, keys_passphrase_file=passphrase))
    custody.check()


def test_threads_sign_at_once_with_one_key_and_with_many(custody):
    es256, eddsa = ALGORITHMS[AlgorithmName.ES256], ALGORITHMS[AlgorithmName.EDDSA]
    signers = [(each, custody.create_signer(each)) for each in (es256, es256, eddsa)]

    def sign(number):
        algorithm, signer = signers[number % 3]
        data = f"data {number}".encode()
        algorithm.verify_x509(signer.public_key, signer.sign_x509(data), data)
        return True

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(sign, range(300)))


def test_a_keystore_rotates_and_its_old_key_verifies(ground):
    keystore = Keystore(ground)
    keystore.ensure(Purpose.ID_TOKEN)
    old = keystore.active(Purpose.ID_TOKEN)
    signature = old.sign_x509(b"data")
    keystore.rotate(Purpose.ID_TOKEN, at_once=True)
    new = Keystore(ground).active(Purpose.ID_TOKEN)
    assert new.kid != old.kid
    ALGORITHMS[AlgorithmName.ES256].verify_x509(old.public_key, signature, b"data")
    assert {jwk["kid"] for jwk in keystore.published([Purpose.ID_TOKEN])} == {old.kid, new.kid}
