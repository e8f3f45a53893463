"""Uses are counted where they happen and written by each worker; a kill loses seconds of counts and no more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy.exc import SQLAlchemyError

from keys.errors import DecryptionError
from keys.key_states import State
from keys.key_use import MOST_SEALS
from keys.keystore import Keystore
from keys.purposes import RULES, Purpose
from keys.use_count import Uses, add_uses


def used(keystore, kid):
    return keystore.uses().get(kid, Uses())


def test_a_signature_is_counted_and_a_failure_is_not(keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    signer = keystore.active(Purpose.ID_TOKEN)
    signer.sign(b"data")
    signer.sign_x509(b"data")
    with pytest.raises(TypeError):
        signer.sign(None)
    assert used(keystore, kid) == Uses()
    keystore.tend()
    assert used(keystore, kid) == Uses(applied=2, processed=0, last_used_at=keystore.ground.clock.now())


def test_what_opens_is_told_from_what_seals(keystore):
    kid = keystore.ensure(Purpose.ENVELOPE)
    secret = keystore.secret(Purpose.ENVELOPE)
    sealed = secret.encrypt(b"n" * 12, b"data", b"")
    secret.decrypt(b"n" * 12, sealed, b"")
    secret.decrypt(b"n" * 12, sealed, b"")
    with pytest.raises(DecryptionError):
        secret.decrypt(b"n" * 12, sealed, b"elsewhere")
    keystore.tend()
    assert (used(keystore, kid).applied, used(keystore, kid).processed) == (1, 2)


def test_a_decryption_key_only_opens(keystore):
    kid = keystore.ensure(Purpose.REQUEST_OBJECT)
    decrypter = keystore.decrypter(Purpose.REQUEST_OBJECT, algorithm="ECDH-ES")
    decrypter.agree(ec.generate_private_key(ec.SECP256R1()).public_key())
    keystore.tend()
    assert (used(keystore, kid).applied, used(keystore, kid).processed) == (0, 1)


@pytest.mark.both_backends
def test_workers_and_their_threads_add_up(ground, keystore):
    kid = keystore.ensure(Purpose.DPOP_NONCE)
    workers = [keystore, Keystore(ground), Keystore(ground)]

    def work(number):
        worker = workers[number % len(workers)]
        for _ in range(50):
            worker.secret(Purpose.DPOP_NONCE).mac(b"data")
        worker.tend()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    for worker in workers:
        worker.close()
    assert used(keystore, kid).applied == 300


def test_a_database_that_is_away_loses_no_count(ground, keystore, monkeypatch):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    keystore.active(Purpose.ID_TOKEN).sign(b"data")
    with monkeypatch.context() as away:
        away.setattr(ground.database, "write", refuse)
        with pytest.raises(SQLAlchemyError):
            keystore.tend()
        keystore.close()
    keystore.active(Purpose.ID_TOKEN).sign(b"data")
    keystore.close()
    assert used(keystore, kid).applied == 2


def refuse():
    raise SQLAlchemyError("the database is away")


def test_an_idle_worker_writes_nothing(ground, keystore, monkeypatch):
    monkeypatch.setattr(ground.database, "write", refuse)
    keystore.tend()


def test_a_sealing_key_is_followed_before_its_nonces_could_meet(ground, keystore):
    """SP 800-38D section 8.3: at most 2^32 random nonces under one key."""
    kid = keystore.ensure(Purpose.ENVELOPE)
    with ground.database.write() as connection:
        add_uses(connection, {kid: MOST_SEALS // 2 - 1}, {}, ground.clock.now())
    keystore.advance()
    assert keystore.record(kid).state is State.ACTIVE
    keystore.secret(Purpose.ENVELOPE).encrypt(b"n" * 12, b"data", b"")
    keystore.tend()
    keystore.advance()
    ground.clock.advance(RULES[Purpose.ENVELOPE].publication)
    keystore.advance()
    assert keystore.record(kid).state is State.DEACTIVATED
