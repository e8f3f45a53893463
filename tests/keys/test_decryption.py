"""RFC 7518 sections 4.3 and 4.6: the private halves, with the example of its Appendix C, and how long a key opens."""

from base64 import urlsafe_b64decode
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from keys.decryption import KEY_MANAGEMENT, OAEP_256, KeyManagementName, SoftwareDecrypter, key_management_named
from keys.errors import DecryptionError, KeystoreError
from keys.keystore import Keystore
from keys.purposes import OVERLAP, Purpose

REQUEST_OBJECT = Purpose.REQUEST_OBJECT
ECDH, RSA = KEY_MANAGEMENT[KeyManagementName.ECDH_ES], KEY_MANAGEMENT[KeyManagementName.RSA_OAEP_256]


def number(text):
    return int.from_bytes(urlsafe_b64decode(text + "="), "big")


def test_the_agreement_of_rfc_7518_appendix_c():
    """Bob's static key, Alice's ephemeral one; Z as the appendix has it."""
    bob = ec.derive_private_key(number("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw"), ec.SECP256R1())
    alice = ec.EllipticCurvePublicNumbers(
        number("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0"),
        number("SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"),
        ec.SECP256R1(),
    ).public_key()
    z = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156]
    z += [251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196]
    assert list(SoftwareDecrypter(bob, ECDH).agree(alice)) == z


def test_what_was_wrapped_for_the_key_opens_and_nothing_else():
    decrypter = SoftwareDecrypter(RSA.generate(), RSA)
    assert decrypter.unwrap(decrypter.public_key.encrypt(b"k" * 32, OAEP_256)) == b"k" * 32
    for wrong in (b"", b"x" * 384, RSA.generate().public_key().encrypt(b"k" * 32, OAEP_256)):
        with pytest.raises(DecryptionError, match="the encrypted key does not open"):
            decrypter.unwrap(wrong)


def test_a_key_does_only_what_it_is_for():
    agreeing, unwrapping = SoftwareDecrypter(ECDH.generate(), ECDH), SoftwareDecrypter(RSA.generate(), RSA)
    with pytest.raises(DecryptionError):
        agreeing.unwrap(b"x" * 384)
    with pytest.raises(DecryptionError):
        unwrapping.agree(ECDH.generate().public_key())
    with pytest.raises(DecryptionError):
        agreeing.agree(ec.generate_private_key(ec.SECP384R1()).public_key())


def test_weak_keys_and_other_algorithms_are_refused():
    with pytest.raises(KeystoreError, match="too weak"):
        SoftwareDecrypter(rsa.generate_private_key(public_exponent=65537, key_size=2048), RSA)
    for name in ("RSA1_5", "RSA-OAEP", "dir", "PBES2-HS256+A128KW", ""):
        with pytest.raises(KeystoreError, match="no such algorithm"):
            key_management_named(name)


def test_both_keys_are_published_for_encryption(trust):
    published = trust.keystore.published([REQUEST_OBJECT])
    assert {(jwk["alg"], jwk["use"], jwk["kty"]) for jwk in published} == {
        ("ECDH-ES", "enc", "EC"),
        ("RSA-OAEP-256", "enc", "RSA"),
    }


@pytest.mark.both_custodies
def test_another_worker_opens_with_the_same_key(ground, keystore):
    kid = keystore.ensure(REQUEST_OBJECT)
    peer = ECDH.generate()
    mine = keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES", kid=kid).agree(peer.public_key())
    assert Keystore(ground).decrypter(REQUEST_OBJECT, algorithm="ECDH-ES").agree(peer.public_key()) == mine


@pytest.mark.both_custodies
def test_after_a_rotation_the_new_key_alone_is_published_and_the_old_one_opens_for_a_day(keystore, clock):
    old = keystore.ensure(REQUEST_OBJECT)
    new = keystore.rotate(REQUEST_OBJECT).kid
    assert [jwk["kid"] for jwk in keystore.published([REQUEST_OBJECT])] == [new]
    assert keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES").kid == new
    assert keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES", kid=old).kid == old
    clock.advance(OVERLAP + timedelta(seconds=1))
    with pytest.raises(DecryptionError, match="not encrypted to a key that is in use"):
        keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES", kid=old)


def test_whatever_is_published_opens(keystore, monkeypatch):
    """A worker may die between announcing a successor and putting it to use."""
    keystore.ensure(REQUEST_OBJECT)
    monkeypatch.setattr(Keystore, "_succeed", lambda *_, **__: None)
    keystore.rotate(REQUEST_OBJECT)
    published = keystore.published([REQUEST_OBJECT])
    assert len(published) == 2
    for jwk in published:
        assert keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES", kid=jwk["kid"]).kid == jwk["kid"]


@pytest.mark.both_custodies
def test_a_compromised_key_opens_nothing_more(keystore):
    old = keystore.ensure(REQUEST_OBJECT)
    keystore.compromise(old)
    with pytest.raises(DecryptionError):
        keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES", kid=old)


def test_a_signing_key_does_not_decrypt(keystore):
    keystore.ensure(REQUEST_OBJECT)
    kid = keystore.ensure(Purpose.ID_TOKEN)
    with pytest.raises(DecryptionError):
        keystore.decrypter(REQUEST_OBJECT, algorithm="ECDH-ES", kid=kid)
    with pytest.raises(KeystoreError, match="has no key for ES256"):
        keystore.decrypter(REQUEST_OBJECT, algorithm="ES256")
