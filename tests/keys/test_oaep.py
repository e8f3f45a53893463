"""RFC 8017 section 7.1: against cryptography's own encryption, and every byte of the padding is looked at."""

import pytest
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from hypothesis import given, settings
from hypothesis import strategies as st

from keys.decryption import OAEP_256
from keys.errors import DecryptionError
from keys.oaep import unpadded

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
NUMBERS = KEY.private_numbers()


def raw(encrypted):
    """RSADP, section 5.1.2: what a token does that knows no OAEP with SHA-256."""
    return pow(int.from_bytes(encrypted, "big"), NUMBERS.d, NUMBERS.public_numbers.n).to_bytes(256, "big")


EMPTY = raw(KEY.public_key().encrypt(b"", OAEP_256))


@settings(max_examples=20)
@given(st.binary(max_size=190))
def test_what_was_padded_by_others_comes_out(message):
    assert unpadded(raw(KEY.public_key().encrypt(message, OAEP_256))) == message


@given(st.integers(min_value=0, max_value=255), st.integers(min_value=1, max_value=255))
def test_a_changed_byte_anywhere_is_one_and_the_same_error(place, change):
    encoded = bytearray(EMPTY)
    encoded[place] ^= change
    with pytest.raises(DecryptionError, match="^the encrypted key does not open$"):
        unpadded(bytes(encoded))


def test_other_hashes_and_other_labels_do_not_open():
    others = [
        padding.OAEP(mgf=padding.MGF1(SHA1()), algorithm=SHA1(), label=None),  # noqa: S303 - JOSE's RSA-OAEP
        padding.OAEP(mgf=padding.MGF1(SHA1()), algorithm=SHA256(), label=None),  # noqa: S303
        padding.OAEP(mgf=padding.MGF1(SHA256()), algorithm=SHA256(), label=b"label"),
        padding.PKCS1v15(),
    ]
    for scheme in others:
        with pytest.raises(DecryptionError):
            unpadded(raw(KEY.public_key().encrypt(b"k" * 32, scheme)))
