"""A purpose moves to another algorithm: announced before it is used, refused where nothing could follow."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from keys.errors import KeystoreError
from keys.key_states import State
from keys.keystore import LOOK_AGAIN, Keystore
from keys.purposes import PUBLICATION, RULES, Purpose


def test_a_purpose_of_one_key_moves_with_its_successor(keystore, clock):
    keystore.ensure(Purpose.ACCESS_TOKEN)
    begins_at = keystore.move(Purpose.ACCESS_TOKEN, "EdDSA")
    assert begins_at == clock.now() + PUBLICATION
    assert [jwk["alg"] for jwk in keystore.published([Purpose.ACCESS_TOKEN])] == ["ES256", "EdDSA"]
    assert keystore.active(Purpose.ACCESS_TOKEN).algorithm == "ES256"
    clock.advance(PUBLICATION)
    keystore.advance()
    assert keystore.active(Purpose.ACCESS_TOKEN).algorithm == "EdDSA"
    assert keystore.rotate(Purpose.ACCESS_TOKEN).algorithm == "EdDSA"


def test_a_successor_that_waits_already_keeps_its_algorithm_and_that_is_said(keystore):
    keystore.ensure(Purpose.ACCESS_TOKEN)
    keystore.rotate(Purpose.ACCESS_TOKEN)
    with pytest.raises(KeystoreError, match="a successor of access-token with ES256 waits already"):
        keystore.move(Purpose.ACCESS_TOKEN, "EdDSA")


@pytest.mark.parametrize(
    ("purpose", "algorithm"),
    [
        (Purpose.ACCESS_TOKEN, "RS256"),
        (Purpose.ACCESS_TOKEN, "none"),
        (Purpose.ID_TOKEN, "ES384"),
        (Purpose.TSA, "PS256"),
        (Purpose.PAIRWISE, "PS256"),
        (Purpose.ENVELOPE, "HS256"),
        (Purpose.CA, "PS256"),
    ],
)
def test_nothing_moves_to_what_it_may_not_be(keystore, purpose, algorithm):
    if not RULES[purpose].many:
        keystore.ensure(purpose)
    with pytest.raises(KeystoreError):
        keystore.move(purpose, algorithm)


def test_where_clients_choose_the_move_begins_when_its_key_has_been_published(ground, keystore, clock):
    keystore.ensure(Purpose.ID_TOKEN)
    other = Keystore(ground)
    assert other.own_algorithm(Purpose.ID_TOKEN) == "ES256"
    begins_at = keystore.move(Purpose.ID_TOKEN, "EdDSA")
    assert begins_at == clock.now() + PUBLICATION
    clock.advance(PUBLICATION - LOOK_AGAIN)
    assert other.own_algorithm(Purpose.ID_TOKEN) == "ES256"
    clock.advance(LOOK_AGAIN)
    assert keystore.own_algorithm(Purpose.ID_TOKEN) == other.own_algorithm(Purpose.ID_TOKEN) == "EdDSA"
    assert keystore.move(Purpose.ID_TOKEN, "ES256") == clock.now(), "its key has stood there all the while"
    clock.advance(LOOK_AGAIN)
    assert other.own_algorithm(Purpose.ID_TOKEN) == "ES256"


def test_what_a_client_registered_is_signed_with_as_before(keystore, clock):
    keystore.ensure(Purpose.ID_TOKEN)
    keystore.move(Purpose.ID_TOKEN, "EdDSA")
    clock.advance(PUBLICATION)
    assert keystore.active(Purpose.ID_TOKEN, "ES256").algorithm == "ES256"


@pytest.mark.both_backends
def test_of_workers_that_end_a_key_at_once_one_does_and_one_key_follows(ground):
    workers = [Keystore(ground) for _ in range(4)]
    kid, together = workers[0].ensure(Purpose.ACCESS_TOKEN), Barrier(len(workers))

    def compromise(worker):
        together.wait()
        try:
            worker.compromise(kid, actor="operator", reason="a drill")
        except KeystoreError:
            return "late"
        return "done"

    with ThreadPoolExecutor(len(workers)) as threads:
        outcomes = list(threads.map(compromise, workers))
    states = [each.state for each in workers[0].records([Purpose.ACCESS_TOKEN])]
    assert "done" in outcomes
    assert states.count(State.ACTIVE) == 1
    assert states.count(State.COMPROMISED) == 1
