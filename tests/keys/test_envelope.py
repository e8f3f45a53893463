"""Personal data at rest: what was changed, cut or moved does not open."""

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from keys.envelope import Envelope
from keys.errors import EnvelopeError
from keys.keystore import Keystore
from keys.purposes import Purpose

ONE_GROUND = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture
def envelope(keystore):
    for purpose in (Purpose.ENVELOPE, Purpose.BLIND_INDEX):
        keystore.ensure(purpose)
    return Envelope(keystore)


@ONE_GROUND
@given(plaintext=st.binary(max_size=300), aad=st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_was_sealed_opens_in_its_place(envelope, plaintext, aad):
    assert envelope.open(envelope.seal(plaintext, aad=aad), aad=aad) == plaintext


@ONE_GROUND
@given(plaintext=st.binary(min_size=1, max_size=80), where=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_found_wherever_it_is(envelope, plaintext, where, bit):
    sealed = bytearray(envelope.seal(plaintext, aad="account:1"))
    sealed[where % len(sealed)] ^= 1 << bit
    with pytest.raises(EnvelopeError):
        envelope.open(bytes(sealed), aad="account:1")


@ONE_GROUND
@given(data=st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(envelope, data):
    key = envelope.new_data_key()
    with pytest.raises(EnvelopeError):
        envelope.open(data, aad="")
    with pytest.raises(EnvelopeError):
        envelope.open_for(key, data, "")


@ONE_GROUND
@given(length=st.integers(0, 60))
def test_what_was_cut_does_not_open(envelope, length):
    sealed = envelope.seal(b"x" * 40, aad="a")
    with pytest.raises(EnvelopeError):
        envelope.open(sealed[: min(length, len(sealed) - 1)], aad="a")


def test_the_bytes_of_one_row_do_not_open_in_another(envelope):
    sealed = envelope.seal(b"1 1000 00000 00 1", aad="account:1:attributes")
    with pytest.raises(EnvelopeError, match="sealed for another place"):
        envelope.open(sealed, aad="account:2:attributes")


def test_one_persons_key_does_not_open_anothers_data(envelope):
    mine, yours = envelope.new_data_key(), envelope.new_data_key()
    sealed = envelope.seal_for(mine, b"data", "account:1")
    assert envelope.open_for(mine, sealed, "account:1") == b"data"
    with pytest.raises(EnvelopeError):
        envelope.open_for(yours, sealed, "account:1")
    with pytest.raises(EnvelopeError):
        envelope.open_for(mine, sealed, "account:2")


def test_a_data_key_is_no_data_and_data_is_no_data_key(envelope):
    with pytest.raises(EnvelopeError):
        envelope.seal_for(envelope.seal(b"k" * 32, aad="account:1"), b"data", "account:1")


def test_the_same_data_sealed_twice_looks_different(envelope):
    assert envelope.seal(b"data", aad="a") != envelope.seal(b"data", aad="a")


def test_rotation_leaves_old_rows_readable_and_seals_new_ones_under_the_new_key(ground, keystore, envelope):
    key = envelope.new_data_key()
    before = envelope.seal_for(key, b"data", "a")
    keystore.rotate(Purpose.ENVELOPE)
    other_worker = Envelope(Keystore(ground))
    assert other_worker.open_for(key, before, "a") == b"data"
    assert other_worker.new_data_key()[:17] != key[:17]


def test_without_its_key_file_it_says_so(ground, envelope, tmp_path):
    sealed = envelope.seal(b"data", aad="a")
    for file in (tmp_path / "keys").glob("*.secret"):
        file.unlink()
    with pytest.raises(EnvelopeError, match="a key that is not here"):
        Envelope(Keystore(ground)).open(sealed, aad="a")


@ONE_GROUND
@given(
    pairs=st.lists(
        st.tuples(st.text(st.characters(codec="utf-8")), st.text(st.characters(codec="utf-8"))), min_size=2, max_size=2
    )
)
def test_a_blind_index_is_equal_for_equal_values_of_one_kind_only(envelope, pairs):
    assume(pairs[0] != pairs[1])
    one, other = (envelope.blind_index(kind, value) for kind, value in pairs)
    assert one != other
    assert envelope.blind_index(*pairs[0]) == one
    assert len(one) == 32
