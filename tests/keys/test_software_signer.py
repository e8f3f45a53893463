"""Private keys in files: loaded once, never shown, never another than named."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
from cryptography.hazmat.primitives.hashes import SHA256

from keys.algorithms import ALGORITHMS, AlgorithmName
from keys.errors import KeystoreError
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.signer import open_custody

ES256 = ALGORITHMS[AlgorithmName.ES256]


@pytest.fixture
def custody(settings):
    return open_custody(settings)


def test_a_key_that_was_made_signs_the_same_when_it_is_loaded(custody):
    made = custody.create_signer(ES256)
    loaded = custody.load_signer(made.kid, ES256)
    made.public_key.verify(loaded.sign_x509(b"data"), b"data", ECDSA(SHA256()))
    assert len(loaded.sign(b"data")) == 64


def test_a_signer_does_not_show_its_key(custody):
    made = custody.create_signer(ES256)
    assert repr(made) == f"<SoftwareSigner ES256 {made.kid}>"


def test_a_file_in_anothers_place_does_not_sign_under_its_name(custody, tmp_path):
    one, other = custody.create_signer(ES256), custody.create_signer(ES256)
    (tmp_path / f"keys/{one.kid}.pem").rename(tmp_path / f"keys/{other.kid}.pem")
    with pytest.raises(KeystoreError, match="holds another key than its name says"):
        custody.load_signer(other.kid, ES256)


def test_a_damaged_or_a_missing_file_is_named(custody, tmp_path):
    made = custody.create_signer(ES256)
    path = tmp_path / f"keys/{made.kid}.pem"
    path.write_bytes(path.read_bytes().replace(b"A", b"B"))
    with pytest.raises(KeystoreError, match=f"{made.kid}.pem does not open"):
        custody.load_signer(made.kid, ES256)
    path.unlink()
    with pytest.raises(KeystoreError, match=f"{made.kid}.pem is missing"):
        custody.load_signer(made.kid, ES256)


def test_a_key_is_decrypted_once_for_all_threads_and_all_signatures(ground, keystore):
    keystore.ensure(Purpose.ID_TOKEN)
    reading = Keystore(ground)
    loads = []
    load = reading.ring.custody.load_signer
    reading.ring.custody.load_signer = lambda kid, algorithm: loads.append(kid) or load(kid, algorithm)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: reading.active(Purpose.ID_TOKEN).sign(b"data"), range(40)))
    assert len(loads) == 1
