"""Keys by purpose: one active, successors announced, predecessors published until nobody needs them."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from keys.errors import KeystoreError
from keys.key_states import State
from keys.keystore import LOOK_AGAIN, Keystore
from keys.purposes import OVERLAP, PUBLICATION, RULES, Purpose

ONE_EACH = [purpose for purpose, rules in RULES.items() if not rules.many]
FIXED = [purpose for purpose, rules in RULES.items() if rules.fixed]
SIGNED_IN = [Purpose.ID_TOKEN]


def kids(keystore):
    return [jwk["kid"] for jwk in keystore.published(SIGNED_IN)]


def test_every_purpose_has_its_rules():
    assert set(RULES) == set(Purpose)


@pytest.mark.parametrize("purpose", ONE_EACH)
def test_the_first_start_makes_a_key_and_the_second_finds_it(ground, keystore, purpose):
    kid = keystore.ensure(purpose)
    assert keystore.ensure(purpose) == Keystore(ground).ensure(purpose) == kid


@pytest.mark.both_custodies
def test_the_key_of_another_worker_signs_as_ones_own(ground, keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    assert Keystore(ground).active(Purpose.ID_TOKEN).kid == kid


@pytest.mark.both_custodies
def test_a_secret_is_the_same_on_every_worker_and_differs_by_purpose(ground, keystore):
    purposes = (Purpose.BLIND_INDEX, Purpose.PAIRWISE, Purpose.DPOP_NONCE)
    for purpose in purposes:
        keystore.ensure(purpose)
    other = Keystore(ground)
    assert keystore.secret(Purpose.PAIRWISE).mac(b"data") == other.secret(Purpose.PAIRWISE).mac(b"data")
    assert len({keystore.secret(purpose).mac(b"data") for purpose in purposes}) == len(purposes)


def test_a_purpose_without_a_key_says_so(keystore):
    with pytest.raises(KeystoreError, match="there is no key for id-token"):
        keystore.active(Purpose.ID_TOKEN)


def test_a_purpose_of_one_key_gets_no_second_and_a_holder_gets_an_own_one(keystore):
    with pytest.raises(KeystoreError, match="has one key"):
        keystore.create(Purpose.ID_TOKEN)
    with pytest.raises(KeystoreError, match="has a key for each holder"):
        keystore.ensure(Purpose.OFFICER)
    first, second = (keystore.create(Purpose.OFFICER, label=f"credential-{number}") for number in (1, 2))
    assert first.kid != second.kid
    assert keystore.load(first.kid).public_key == first.public_key


def test_an_unknown_key_is_not_loaded(keystore):
    with pytest.raises(KeystoreError, match="no such key: stranger"):
        keystore.load("stranger")


@pytest.mark.both_custodies
def test_a_successor_is_published_before_it_signs_and_its_predecessor_after(keystore, clock):
    """A client may keep the JWKS for an hour: at no moment does it meet a key that it cannot have."""
    old = keystore.ensure(Purpose.ID_TOKEN)
    new = keystore.rotate(Purpose.ID_TOKEN).kid
    assert keystore.active(Purpose.ID_TOKEN).kid == old
    assert kids(keystore) == [old, new]

    clock.advance(PUBLICATION)
    keystore.advance()
    assert keystore.active(Purpose.ID_TOKEN).kid == new
    assert kids(keystore) == [new, old]

    clock.advance(OVERLAP)
    assert kids(keystore) == [new]


def test_a_rotation_reaches_every_worker_in_five_seconds(ground, keystore, clock):
    keystore.ensure(Purpose.ID_TOKEN)
    other = Keystore(ground)
    other.active(Purpose.ID_TOKEN)
    new = keystore.rotate(Purpose.ID_TOKEN, at_once=True).kid
    assert keystore.active(Purpose.ID_TOKEN).kid == new
    clock.advance(LOOK_AGAIN)
    assert other.active(Purpose.ID_TOKEN).kid == new


def test_rotating_twice_announces_one_successor(keystore):
    keystore.ensure(Purpose.ID_TOKEN)
    assert keystore.rotate(Purpose.ID_TOKEN).kid == keystore.rotate(Purpose.ID_TOKEN).kid


def test_a_rotation_moves_a_purpose_to_another_algorithm(keystore):
    old = keystore.ensure(Purpose.CLIENT_ASSERTION, "ES256")
    keystore.rotate(Purpose.CLIENT_ASSERTION, algorithm="PS256", at_once=True)
    assert keystore.active(Purpose.CLIENT_ASSERTION).algorithm == "PS256"
    assert [(jwk["alg"], jwk["kid"] == old) for jwk in keystore.published([Purpose.CLIENT_ASSERTION])] == [
        ("PS256", False),
        ("ES256", True),
    ]


def test_a_successor_keeps_its_predecessors_algorithm(keystore):
    keystore.ensure(Purpose.CLIENT_ASSERTION, "ES384")
    assert keystore.rotate(Purpose.CLIENT_ASSERTION, at_once=True).algorithm == "ES384"


def test_an_old_key_gets_its_successor_by_itself(keystore, clock):
    old = keystore.ensure(Purpose.ID_TOKEN)
    clock.advance(timedelta(days=90))
    keystore.advance()
    assert [record.state for record in keystore.records(SIGNED_IN)] == [State.ACTIVE, State.PRE_ACTIVATION]
    clock.advance(PUBLICATION)
    keystore.advance()
    assert keystore.active(Purpose.ID_TOKEN).kid != old


def test_a_key_of_another_algorithm_is_made_when_it_is_first_asked_for(ground, keystore):
    own = keystore.ensure(Purpose.ID_TOKEN)
    other = keystore.active(Purpose.ID_TOKEN, "EdDSA")
    assert other.algorithm == "EdDSA"
    assert Keystore(ground).active(Purpose.ID_TOKEN, "EdDSA").kid == other.kid
    assert keystore.active(Purpose.ID_TOKEN, "ES256").kid == keystore.active(Purpose.ID_TOKEN).kid == own
    assert set(kids(keystore)) == {own, other.kid}


@pytest.mark.parametrize("algorithm", ["ES384", "none", "HS256", "RSA-OAEP-256"])
def test_an_algorithm_that_a_purpose_does_not_have_is_refused(keystore, algorithm):
    keystore.ensure(Purpose.ID_TOKEN)
    with pytest.raises(KeystoreError, match=f"id-token has no key for {algorithm}"):
        keystore.active(Purpose.ID_TOKEN, algorithm)
    with pytest.raises(KeystoreError, match="access-token has no key for RS256"):
        keystore.active(Purpose.ACCESS_TOKEN, "RS256")


def test_every_key_that_a_client_may_ask_for_is_made_ahead_one_by_one(ground, keystore):
    wanted = {(purpose, name) for purpose, rules in RULES.items() for name in rules.also}
    for number in range(1, len(wanted) + 1):
        assert keystore.make_ahead()
        assert len(keystore.records()) == number
    assert not keystore.make_ahead()
    assert {(record.purpose, record.algorithm) for record in keystore.records()} == wanted
    assert not Keystore(ground).make_ahead()
    assert len(keystore.published(tuple(Purpose))) == len(wanted)


def test_each_algorithm_of_a_purpose_rotates_by_itself(keystore, clock):
    """The announced key signs when its hour has come, and the other algorithm's key goes on."""
    own, old = keystore.ensure(Purpose.ID_TOKEN), keystore.active(Purpose.ID_TOKEN, "EdDSA").kid
    new = keystore.rotate(Purpose.ID_TOKEN, algorithm="EdDSA")
    assert new.algorithm == "EdDSA"
    assert keystore.active(Purpose.ID_TOKEN, "EdDSA").kid == old
    clock.advance(PUBLICATION)
    keystore.advance()
    assert keystore.active(Purpose.ID_TOKEN, "EdDSA").kid == new.kid
    assert keystore.active(Purpose.ID_TOKEN).kid == own


@pytest.mark.both_backends
def test_the_place_with_the_longest_name_has_room(keystore):
    old = keystore.active(Purpose.AUTHORIZATION_RESPONSE, "EdDSA").kid
    announced = keystore.rotate(Purpose.AUTHORIZATION_RESPONSE, algorithm="EdDSA")
    assert announced.slot == "authorization-response:EdDSA:next"
    keystore.rotate(Purpose.AUTHORIZATION_RESPONSE, algorithm="EdDSA", at_once=True)
    assert keystore.active(Purpose.AUTHORIZATION_RESPONSE, "EdDSA").kid == announced.kid != old


def test_a_purpose_rotates_with_all_its_algorithms(keystore):
    before = {keystore.ensure(Purpose.ID_TOKEN), keystore.active(Purpose.ID_TOKEN, "EdDSA").kid}
    rotated = keystore.rotate_all(Purpose.ID_TOKEN, at_once=True)
    assert [record.algorithm for record in rotated] == ["ES256", "EdDSA"]
    assert {record.kid for record in rotated} == {
        keystore.active(Purpose.ID_TOKEN).kid,
        keystore.active(Purpose.ID_TOKEN, "EdDSA").kid,
    }
    assert before <= set(kids(keystore))


def test_a_compromised_key_of_another_algorithm_is_replaced_in_its_own_place(keystore):
    own, old = keystore.ensure(Purpose.ID_TOKEN), keystore.active(Purpose.ID_TOKEN, "EdDSA").kid
    keystore.compromise(old)
    assert keystore.active(Purpose.ID_TOKEN, "EdDSA").kid != old
    assert keystore.active(Purpose.ID_TOKEN).kid == own
    assert old not in kids(keystore)


def test_an_old_key_of_another_algorithm_gets_its_successor_by_itself(keystore, clock):
    old = keystore.active(Purpose.USERINFO, "EdDSA").kid
    clock.advance(timedelta(days=90))
    keystore.advance()
    clock.advance(PUBLICATION)
    keystore.advance()
    assert keystore.active(Purpose.USERINFO, "EdDSA").kid != old


@pytest.mark.parametrize("purpose", FIXED)
def test_what_must_not_change_does_not_rotate_and_says_why(keystore, purpose):
    if not RULES[purpose].many:
        keystore.ensure(purpose)
    with pytest.raises(KeystoreError, match=RULES[purpose].fixed):
        keystore.rotate(purpose)


def test_consent_receipts_verify_for_ever(keystore, clock):
    old = keystore.ensure(Purpose.CONSENT_RECEIPT)
    keystore.rotate(Purpose.CONSENT_RECEIPT, at_once=True)
    clock.advance(timedelta(days=3650))
    assert old in [jwk["kid"] for jwk in keystore.published([Purpose.CONSENT_RECEIPT])]


def test_what_is_for_no_client_is_in_no_jwks(keystore):
    for purpose in ONE_EACH:
        keystore.ensure(purpose)
    published = {jwk["kid"] for jwk in keystore.published(tuple(Purpose))}
    inside = [purpose for purpose in ONE_EACH if not RULES[purpose].published]
    assert not published & {keystore.ensure(purpose) for purpose in inside}


@pytest.mark.both_custodies
def test_a_compromised_key_is_replaced_and_leaves_the_jwks_at_once(keystore):
    old = keystore.ensure(Purpose.ID_TOKEN)
    keystore.compromise(old, actor="administrator", reason="found in a public repository")
    assert keystore.record(old).state is State.COMPROMISED
    assert keystore.active(Purpose.ID_TOKEN).kid != old
    assert old not in kids(keystore)


@pytest.mark.both_custodies
def test_a_retired_holders_key_signs_no_more(keystore):
    signer = keystore.create(Purpose.SEAL, label="agency")
    keystore.retire(signer.kid)
    with pytest.raises(KeystoreError, match="is deactivated and signs no more"):
        keystore.load(signer.kid)
    keystore.compromise(signer.kid)
    with pytest.raises(KeystoreError, match="is compromised"):
        keystore.retire(signer.kid)


def test_the_one_key_of_a_purpose_is_rotated_not_retired(keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    with pytest.raises(KeystoreError, match="rotate id-token instead"):
        keystore.retire(kid)
    keystore.rotate(Purpose.ID_TOKEN, at_once=True)
    keystore.retire(kid)
    assert kid not in kids(keystore)


@pytest.mark.both_custodies
def test_a_secret_out_of_use_still_opens(keystore):
    keystore.ensure(Purpose.ENVELOPE)
    secret = keystore.secret(Purpose.ENVELOPE)
    sealed = secret.encrypt(b"n" * 12, b"data", b"place")
    keystore.rotate(Purpose.ENVELOPE, at_once=True)
    assert keystore.secret(Purpose.ENVELOPE).kid != secret.kid
    assert keystore.secret_of(secret.kid, Purpose.ENVELOPE).decrypt(b"n" * 12, sealed, b"place") == b"data"


def test_a_secret_of_one_purpose_does_nothing_for_another(keystore):
    keystore.ensure(Purpose.ENVELOPE)
    keystore.ensure(Purpose.CODE)
    with pytest.raises(KeystoreError, match="no key of code"):
        keystore.secret_of(keystore.secret(Purpose.ENVELOPE).kid, Purpose.CODE)
    with pytest.raises(KeystoreError, match="for A256GCM, not for HS256"):
        keystore.secret(Purpose.ENVELOPE).mac(b"data")


def test_every_change_is_in_the_audit_trail_without_anything_secret(ground, keystore):
    old = keystore.ensure(Purpose.ID_TOKEN, actor="first-start")
    new = keystore.rotate(Purpose.ID_TOKEN, at_once=True, actor="anan").kid
    with ground.database.read() as connection:
        rows = connection.execute(
            select(AuditEntry.event, AuditEntry.actor, AuditEntry.subject).order_by(AuditEntry.number)
        )
        assert [tuple(row) for row in rows] == [
            ("key.created", "first-start", old),
            ("key.created", "anan", new),
            ("key.deactivated", "anan", old),
            ("key.activated", "anan", new),
        ]


def test_a_missing_key_file_is_named_and_no_new_key_hides_the_loss(ground, keystore, tmp_path):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    (tmp_path / f"keys/{kid}.pem").unlink()
    restarted = Keystore(ground)
    assert restarted.ensure(Purpose.ID_TOKEN) == kid
    with pytest.raises(KeystoreError, match=f"{kid}.pem is missing"):
        restarted.active(Purpose.ID_TOKEN)
