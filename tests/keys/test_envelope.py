"""Personal data at rest: what was changed, cut or moved does not open, and no transaction waits for a keystore."""

import threading
from base64 import urlsafe_b64decode
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, select, update

from core.database import open_database
from core.identifiers import new_id
from core.outbox import Outbox
from core.sealed_column import Erased
from keys.data_key import ACCOUNT, INSTALLATION, Owner, WrappedKey, delete_data_key, load_data_key
from keys.envelope import Envelope, place_of
from keys.errors import EnvelopeError, KeystoreError, TokenAway
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.sealed import DIRECT, WRAPPED, encrypt, header_of

ONE_GROUND = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SOMCHAI, MALEE = Owner(ACCOUNT, "somchai"), Owner(ACCOUNT, "malee")


@pytest.fixture
def envelope(keystore):
    for purpose in (Purpose.ENVELOPE, Purpose.BLIND_INDEX):
        keystore.ensure(purpose)
    return Envelope(keystore)


def as_before(envelope: Envelope, plaintext: bytes, aad: str) -> bytes:
    """Sealed as the first releases did it: under the envelope key itself."""
    key = envelope.keystore.secret(Purpose.ENVELOPE)
    return encrypt(key, header_of(DIRECT, key.kid), plaintext, aad)


@ONE_GROUND
@given(plaintext=st.binary(max_size=300), aad=st.text(st.characters(codec="utf-8"), max_size=40))
def test_what_was_sealed_opens_in_its_place(envelope, plaintext, aad):
    assert envelope.open(envelope.seal(plaintext, aad=aad), aad=aad) == plaintext
    key = envelope.new_key(SOMCHAI)
    assert key.open(key.seal(plaintext, aad=aad), aad=aad) == plaintext


@ONE_GROUND
@given(plaintext=st.binary(min_size=1, max_size=80), where=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_single_changed_bit_is_found_wherever_it_is(envelope, plaintext, where, bit):
    key = envelope.new_key(SOMCHAI)
    for seal, opened in ((envelope.seal, envelope.open), (key.seal, key.open)):
        sealed = bytearray(seal(plaintext, aad="account:1"))
        sealed[where % len(sealed)] ^= 1 << bit
        with pytest.raises(EnvelopeError):
            opened(bytes(sealed), aad="account:1")


@ONE_GROUND
@given(where=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_changed_bit_of_a_wrapped_key_is_found(envelope, where, bit):
    wrapped = bytearray(envelope.new_key(SOMCHAI).wrapped)
    wrapped[where % len(wrapped)] ^= 1 << bit
    with pytest.raises(EnvelopeError):
        envelope.unwrap(SOMCHAI, bytes(wrapped))


@ONE_GROUND
@given(data=st.binary(max_size=60))
def test_what_was_never_sealed_does_not_open(envelope, data):
    with pytest.raises(EnvelopeError):
        envelope.open(data, aad="")
    with pytest.raises(EnvelopeError):
        envelope.new_key(SOMCHAI).open(data, aad="")


@ONE_GROUND
@given(length=st.integers(0, 60))
def test_what_was_cut_does_not_open(envelope, length):
    sealed = envelope.seal(b"x" * 40, aad="a")
    with pytest.raises(EnvelopeError):
        envelope.open(sealed[: min(length, len(sealed) - 1)], aad="a")


def test_the_bytes_of_one_row_do_not_open_in_another(envelope):
    key = envelope.new_key(SOMCHAI)
    sealed = key.seal(b"1 1000 00000 00 1", aad="account:1:attributes")
    with pytest.raises(EnvelopeError, match="sealed for another place"):
        key.open(sealed, aad="account:2:attributes")


def test_one_persons_key_does_not_open_anothers_data(envelope):
    mine, yours = envelope.new_key(SOMCHAI), envelope.new_key(MALEE)
    sealed = mine.seal(b"data", aad="account:1")
    with pytest.raises(EnvelopeError):
        yours.open(sealed, aad="account:1")


@pytest.mark.both_custodies
def test_a_wrapped_key_opens_in_its_own_row_alone(envelope):
    wrapped = envelope.new_key(SOMCHAI).wrapped
    assert envelope.unwrap(SOMCHAI, wrapped)
    for other in (MALEE, Owner("desk", "somchai"), Owner(ACCOUNT, "somcha")):
        with pytest.raises(EnvelopeError, match="sealed for another place"):
            envelope.unwrap(other, wrapped)


def test_a_data_key_is_no_data_and_data_is_no_data_key(envelope):
    wrapped = envelope.new_key(SOMCHAI).wrapped
    with pytest.raises(EnvelopeError):
        envelope.open(wrapped, aad=place_of(SOMCHAI))
    with pytest.raises(EnvelopeError):
        envelope.unwrap(SOMCHAI, envelope.seal(b"k" * 32, aad=place_of(SOMCHAI)))


def test_the_same_data_sealed_twice_looks_different(envelope):
    assert envelope.seal(b"data", aad="a") != envelope.seal(b"data", aad="a")


def test_the_envelope_key_wraps_data_keys_and_nothing_else(ground, envelope):
    kid = urlsafe_b64decode(envelope.keystore.secret(Purpose.ENVELOPE).kid + "==")
    assert envelope.new_key(SOMCHAI).wrapped[:17] == WRAPPED + kid
    assert not envelope.seal(b"data", aad="a").startswith(DIRECT)
    with ground.database.read() as connection:
        owners = connection.execute(select(WrappedKey.owner_kind, WrappedKey.owner_id)).all()
    assert [tuple(each) for each in owners] == [(INSTALLATION, envelope.keystore.secret(Purpose.ENVELOPE).kid)]


def test_what_earlier_releases_sealed_still_opens(envelope):
    old_key = as_before(envelope, b"k" * 32, "data-key")
    assert envelope.open(as_before(envelope, b"a letter", "outbox:1"), aad="outbox:1") == b"a letter"
    key = replace_wrapped(envelope, old_key)
    assert key.open(key.seal(b"data", aad="a"), aad="a") == b"data"
    assert key.open(as_before(envelope, b"a title", "signing-document:1"), aad="signing-document:1") == b"a title"


def replace_wrapped(envelope, wrapped):
    key = envelope.new_key(SOMCHAI)
    key.wrapped, key._secret = wrapped, None
    return key.ready()


def test_a_data_key_of_an_earlier_release_is_bound_to_its_owner_when_it_is_wrapped_anew(envelope):
    old = as_before(envelope, b"k" * 32, "data-key")
    sealed = replace_wrapped(envelope, old).seal(b"data", aad="a")
    new = envelope.rewrapped(SOMCHAI, old)
    assert replace_wrapped(envelope, new).open(sealed, aad="a") == b"data"
    with pytest.raises(EnvelopeError):
        envelope.unwrap(MALEE, new)
    assert envelope.rewrapped(SOMCHAI, new) is None


@pytest.mark.both_custodies
def test_rotation_leaves_old_rows_readable_and_wraps_new_keys_under_the_new_one(ground, keystore, envelope):
    key, letter = envelope.new_key(SOMCHAI), envelope.seal(b"letter", aad="b")
    before = key.seal(b"data", aad="a")
    keystore.rotate(Purpose.ENVELOPE, at_once=True)
    other_worker = Envelope(Keystore(ground))
    assert other_worker.open(letter, aad="b") == b"letter"
    assert other_worker.unwrap(SOMCHAI, key.wrapped)
    assert key.open(before, aad="a") == b"data"
    assert other_worker.new_key(SOMCHAI).wrapped[:17] != key.wrapped[:17]
    assert other_worker.seal(b"letter", aad="b")[:17] != letter[:17]
    assert envelope.seal(b"letter", aad="b")[:17] == other_worker.seal(b"letter", aad="b")[:17]


def test_a_worker_opens_what_another_sealed_under_a_key_it_has_not_met(ground, keystore, envelope):
    other_worker = Envelope(Keystore(ground))
    other_worker.seal(b"", aad="")
    keystore.rotate(Purpose.ENVELOPE, at_once=True)
    assert other_worker.open(envelope.seal(b"letter", aad="b"), aad="b") == b"letter"


def test_without_its_key_file_it_says_so(ground, envelope, tmp_path):
    wrapped = envelope.new_key(SOMCHAI).wrapped
    for file in (tmp_path / "keys").glob("*.secret"):
        file.unlink()
    with pytest.raises(EnvelopeError, match="a key that is not here"):
        Envelope(Keystore(ground)).unwrap(SOMCHAI, wrapped)


def test_before_there_is_an_envelope_key_it_says_so(keystore):
    with pytest.raises(KeystoreError, match="the first start makes it|there is no key for envelope"):
        Envelope(keystore).seal(b"data", aad="a")


@pytest.mark.both_backends
def test_who_deletes_the_data_key_has_erased_what_it_sealed(ground, envelope):
    key = envelope.ensure_key(SOMCHAI)
    sealed = key.seal(b"data", aad="a")
    assert envelope.ensure_key(SOMCHAI).open(sealed, aad="a") == b"data"
    with ground.database.write() as connection:
        assert delete_data_key(connection, SOMCHAI)
        assert not delete_data_key(connection, SOMCHAI)
    erased = envelope.load_key(SOMCHAI)
    assert erased.is_erased
    with pytest.raises(Erased):
        erased.open(sealed, aad="a")
    with pytest.raises(Erased):
        erased.seal(b"data", aad="a")
    with pytest.raises(EnvelopeError):  # a new key of the same owner is another key
        envelope.ensure_key(SOMCHAI).open(sealed, aad="a")


@pytest.mark.both_backends
def test_of_many_at_once_one_makes_the_owners_key(ground, envelope):
    with ground.database.write() as connection:
        kept = [envelope.keep(connection, envelope.new_key(SOMCHAI)) for _ in range(3)]
        assert kept == [True, False, False]
        assert load_data_key(connection, SOMCHAI)


@pytest.mark.both_backends
def test_eight_threads_write_at_once_on_two_connections_while_the_keys_rotate(ground, clock, envelope):
    """Each takes its time within its transaction, in which the keys are due to be looked at again."""
    two = replace(ground.settings, database_pool=2)
    database = open_database(two)
    try:
        narrow = replace(ground, settings=two, database=database)
        crowded = Envelope(Keystore(narrow))
        key, outbox, failed = envelope.ensure_key(SOMCHAI), Outbox(narrow, crowded, {}), []

        def write(number: int) -> None:
            try:
                for turn in range(4):
                    with database.write() as connection:
                        clock.advance(timedelta(seconds=6))  # every look is stale now
                        letter = {"channel": "email", "recipient": "r", "subject": str(number), "body": str(turn)}
                        outbox.enqueue(connection, **letter)
                        outbox.enqueue(connection, **letter, key=key)
            except Exception as error:  # noqa: BLE001 - told by the assertion
                failed.append(error)

        threads = [threading.Thread(target=write, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        envelope.keystore.rotate(Purpose.ENVELOPE, at_once=True)
        for thread in threads:
            thread.join(timeout=60)
        assert failed == []
        assert len(outbox.messages()) == 64
    finally:
        database.close()


def test_within_a_transaction_no_second_connection_is_taken(ground, clock, envelope):
    key, outbox, taken = envelope.ensure_key(SOMCHAI), Outbox(ground, envelope, {}), []
    with ground.database.write() as connection:
        event.listen(ground.database.engine, "checkout", lambda *_: taken.append(1))
        clock.advance(timedelta(minutes=5))
        outbox.enqueue(connection, channel="email", recipient="r", subject="s", body="b", key=key)
        outbox.enqueue(connection, channel="email", recipient="r", subject="s", body="b")
        envelope.blind_index("contact", "r")
        assert taken == []
    with ground.database.write() as connection:
        connection.execute(update(WrappedKey).values(created_at=clock.now()))
    assert taken


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


def test_a_key_says_whose_it_is_and_not_what_it_is(envelope):
    key = envelope.new_key(Owner(ACCOUNT, new_id()))
    assert str(key.owner) in repr(key)
    assert "AESGCM" not in repr(key)


class TestWithATokenThatGoesAway:
    """Only unwrapping asks the token: what is at work goes on, and who must wait is told so."""

    @pytest.fixture
    def keys_url(self, token_url):
        return token_url

    @pytest.fixture(autouse=True)
    def without_pauses(self, monkeypatch):
        monkeypatch.setattr("keys.pkcs11_token.FIRST_PAUSE", 0.0)

    def test_letters_are_still_written_and_read(self, ground, clock, envelope, soft_tokens):
        key, outbox = envelope.ensure_key(SOMCHAI), Outbox(ground, envelope, {})
        with soft_tokens.away():
            clock.advance(timedelta(minutes=5))
            with ground.database.write() as connection:
                letter = {"channel": "email", "recipient": "r", "subject": "s", "body": "b"}
                outbox.enqueue(connection, **letter)
                outbox.enqueue(connection, **letter, key=key)
            with pytest.raises(TokenAway):
                envelope.load_key(SOMCHAI)
        assert [each.body for each in outbox.messages()] == ["b", "b"]

    def test_a_letter_that_cannot_be_opened_now_is_not_lost(self, ground, clock, envelope, soft_tokens):
        key, taken = envelope.ensure_key(SOMCHAI), []
        outbox = Outbox(ground, envelope, {"email": taken.append})
        with ground.database.write() as connection:
            outbox.enqueue(connection, channel="email", recipient="r", subject="s", body="b", key=key)
        with soft_tokens.away():
            assert outbox.deliver_due() == 0
        clock.advance(timedelta(seconds=2))
        assert outbox.deliver_due() == 1
        assert [each.body for each in taken] == ["b"]

    def test_a_process_that_begins_without_it_says_why_and_heals(self, ground, envelope, soft_tokens):
        envelope.seal(b"data", aad="a")
        with soft_tokens.away():
            late = Envelope(Keystore(ground, envelope.keystore.ring.custody))
            with pytest.raises(TokenAway):
                late.seal(b"data", aad="a")
        assert late.open(late.seal(b"data", aad="a"), aad="a") == b"data"
