"""How keys end by decision: suspended and restored, compromised, destroyed by two people and by nobody alone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from core.audit import AuditEntry
from keys import two_person
from keys.endings import SETTLED
from keys.errors import KeystoreError, NotAgreed
from keys.key_states import State
from keys.keystore import LOOK_AGAIN, Keystore
from keys.models import Key
from keys.purposes import OVERLAP, PUBLICATION, RULES, Purpose
from keys.two_person import Act

TWO_PEOPLE = [purpose for purpose, rules in RULES.items() if rules.two_people and purpose is not Purpose.BLIND_INDEX]


def kids(keystore, purpose=Purpose.ID_TOKEN):
    return [jwk["kid"] for jwk in keystore.published([purpose])]


def agree(keystore, act, kid):
    ground = keystore.ground
    with ground.database.write() as connection:
        asked_id = two_person.ask(connection, ground.clock, act, kid, by="anong", reason="the test's")
        two_person.agree(connection, ground.clock, two_person.load(connection, asked_id), by="boon")


def replaced(keystore, purpose=Purpose.ID_TOKEN):
    """A key that was followed a minute ago."""
    kid = keystore.ensure(purpose)
    keystore.rotate(purpose, at_once=True)
    keystore.ground.clock.advance(SETTLED)
    return kid


def test_a_suspended_key_is_followed_at_once_and_not_believed(keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    keystore.suspend(kid, actor="anong", reason="an odd signature")
    assert keystore.record(kid).state is State.SUSPENDED
    assert keystore.active(Purpose.ID_TOKEN).kid != kid
    assert kid not in kids(keystore)


def test_a_suspicion_that_was_nothing_publishes_the_key_for_another_overlap(keystore, clock):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    keystore.suspend(kid)
    clock.advance(timedelta(days=7))
    assert keystore.restore(kid) is State.DEACTIVATED
    assert kid in kids(keystore)
    clock.advance(OVERLAP)
    assert kid not in kids(keystore)


def test_a_holders_key_rests_and_signs_again(keystore):
    kid = keystore.create(Purpose.OFFICER, label="credential").kid
    keystore.suspend(kid)
    with pytest.raises(KeystoreError, match="is suspended and signs no more"):
        keystore.load(kid)
    assert keystore.restore(kid) is State.ACTIVE
    assert keystore.load(kid).kid == kid


def test_what_cannot_be_followed_is_not_suspended(keystore):
    kid = keystore.ensure(Purpose.BLIND_INDEX)
    with pytest.raises(KeystoreError, match=RULES[Purpose.BLIND_INDEX].fixed):
        keystore.suspend(kid)


def test_only_what_is_suspended_is_restored(keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    with pytest.raises(KeystoreError, match="is active, not suspended"):
        keystore.restore(kid)
    keystore.suspend(kid)
    keystore.compromise(kid)
    with pytest.raises(KeystoreError, match="is compromised, not suspended"):
        keystore.restore(kid)


def test_a_suspended_secret_still_opens(keystore):
    """Section 7.3: what was protected before may be processed."""
    keystore.ensure(Purpose.ENVELOPE)
    secret = keystore.secret(Purpose.ENVELOPE)
    sealed = secret.encrypt(b"n" * 12, b"data", b"")
    keystore.suspend(secret.kid)
    assert keystore.secret_of(secret.kid, Purpose.ENVELOPE).decrypt(b"n" * 12, sealed, b"") == b"data"


def test_a_compromise_takes_effect_on_every_worker_in_five_seconds(ground, keystore, clock):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    other = Keystore(ground)
    assert other.active(Purpose.ID_TOKEN).kid == kid
    keystore.compromise(kid, actor="anong", reason="found in a public repository")
    assert kid not in kids(other)
    clock.advance(LOOK_AGAIN)
    assert other.active(Purpose.ID_TOKEN).kid == keystore.active(Purpose.ID_TOKEN).kid != kid


def test_a_clock_that_was_set_back_keeps_no_worker_at_a_compromised_key(ground, keystore, clock):
    keystore.ensure(Purpose.ID_TOKEN)
    other = Keystore(ground)
    kid, own = other.active(Purpose.ID_TOKEN).kid, other.own_algorithm(Purpose.ID_TOKEN)
    clock.step(timedelta(hours=-1))
    keystore.compromise(kid, actor="anong", reason="found in a public repository")
    assert other.active(Purpose.ID_TOKEN).kid != kid
    assert other.own_algorithm(Purpose.ID_TOKEN) == own


def test_an_announced_successor_takes_the_place_of_a_compromised_key(keystore, clock):
    """Clients that fetched within the hour have it already."""
    kid = keystore.ensure(Purpose.ID_TOKEN)
    announced = keystore.rotate(Purpose.ID_TOKEN).kid
    clock.advance(PUBLICATION / 2)
    keystore.compromise(kid)
    assert keystore.active(Purpose.ID_TOKEN).kid == announced


@pytest.mark.parametrize("purpose", TWO_PEOPLE)
@pytest.mark.parametrize("act", [Act.COMPROMISE_KEY, Act.RETIRE_KEY])
def test_nobody_alone_ends_what_nothing_can_replace(keystore, purpose, act):
    many = RULES[purpose].many
    kid = keystore.ensure_holder(purpose, "g1").kid if many else keystore.ensure(purpose)
    end = keystore.compromise if act is Act.COMPROMISE_KEY else keystore.retire
    if act is Act.RETIRE_KEY and not many:
        with pytest.raises(KeystoreError, match="rotate"):
            end(kid)
        return
    with pytest.raises(NotAgreed):
        end(kid)
    assert keystore.record(kid).state is State.ACTIVE
    agree(keystore, act, kid)
    end(kid, actor="boon")
    assert keystore.record(kid).state is (State.COMPROMISED if act is Act.COMPROMISE_KEY else State.DEACTIVATED)


def test_not_even_two_people_replace_what_people_are_found_by(keystore):
    """Everybody could enrol a second time."""
    kid = keystore.ensure(Purpose.BLIND_INDEX)
    agree(keystore, Act.COMPROMISE_KEY, kid)
    with pytest.raises(KeystoreError, match="every look-up made with it would find nothing"):
        keystore.compromise(kid)
    assert keystore.record(kid).state is State.ACTIVE


def test_an_agreement_about_one_key_ends_no_other(keystore):
    first, second = (keystore.ensure_holder(Purpose.CA, name).kid for name in ("g1", "g2"))
    agree(keystore, Act.COMPROMISE_KEY, first)
    with pytest.raises(NotAgreed):
        keystore.compromise(second)


@pytest.mark.parametrize("purpose", [purpose for purpose, rules in RULES.items() if rules.verifies_for_ever])
def test_nobody_takes_back_the_key_of_records_that_must_verify_for_years(keystore, purpose):
    """No receipt and no checkpoint of its time would be believed any more."""
    kid = replaced(keystore, purpose)
    with pytest.raises(KeystoreError, match="must verify for years"):
        keystore.retire(kid)
    assert kid in kids(keystore, purpose)


@pytest.mark.parametrize("end", ["suspend", "compromise"])
def test_a_rotation_that_comes_between_is_told_and_nothing_looks_done(keystore, monkeypatch, end):
    """It would stay in the JWKS for the overlap, while somebody believes that it was withdrawn."""
    kid = keystore.ensure(Purpose.ID_TOKEN)
    seen = keystore.record(kid)
    keystore.rotate(Purpose.ID_TOKEN, at_once=True)
    with monkeypatch.context() as patched:
        patched.setattr(keystore, "record", lambda _kid: seen)
        with pytest.raises(KeystoreError, match="no longer active: look again"):
            getattr(keystore, end)(kid)
    keystore.compromise(kid)
    assert kid not in kids(keystore)


def test_an_agreement_is_not_spent_on_what_did_not_happen(ground, keystore, monkeypatch):
    kid = keystore.ensure_holder(Purpose.CA, "g1").kid
    seen = keystore.record(kid)
    agree(keystore, Act.COMPROMISE_KEY, kid)
    keystore.suspend(kid)
    with monkeypatch.context() as patched:
        patched.setattr(keystore, "record", lambda _kid: seen)
        with pytest.raises(KeystoreError, match="look again"):
            keystore.compromise(kid)
    with ground.database.read() as connection:
        assert two_person.load_open(connection, Act.COMPROMISE_KEY, kid).is_agreed(ground.clock.now())
    keystore.compromise(kid)
    assert keystore.record(kid).state is State.COMPROMISED


def test_two_people_destroy_a_key_and_custody_has_it_no_more(ground, keystore, tmp_path):
    kid = replaced(keystore)
    with pytest.raises(NotAgreed):
        keystore.destroy(kid, actor="anong")
    assert (tmp_path / f"keys/{kid}.pem").exists()
    agree(keystore, Act.DESTROY_KEY, kid)
    keystore.destroy(kid, actor="boon", reason="its time is over")
    assert not (tmp_path / f"keys/{kid}.pem").exists()
    record = keystore.record(kid)
    assert (record.state, record.destroyed_at) == (State.DESTROYED, ground.clock.now())
    with pytest.raises(KeystoreError, match="cannot go from destroyed to destroyed"):
        keystore.destroy(kid)


def test_what_a_destroyed_key_signed_is_verified_as_long_as_before(keystore, clock):
    kid = replaced(keystore)
    agree(keystore, Act.DESTROY_KEY, kid)
    keystore.destroy(kid)
    assert kid in kids(keystore)
    clock.advance(OVERLAP - SETTLED)
    assert kid not in kids(keystore)


def test_a_compromised_key_is_believed_no_more_when_it_is_destroyed(keystore):
    """SP 800-57 part 1 section 7.6: that it was compromised is kept with what is left of it."""
    kid = keystore.ensure(Purpose.CONSENT_RECEIPT)
    keystore.compromise(kid)
    keystore.ground.clock.advance(SETTLED)
    agree(keystore, Act.DESTROY_KEY, kid)
    keystore.destroy(kid)
    assert keystore.record(kid).compromised_at is not None
    assert kid not in kids(keystore, Purpose.CONSENT_RECEIPT)


def test_a_key_in_use_is_not_destroyed_whatever_two_agreed(keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    agree(keystore, Act.DESTROY_KEY, kid)
    with pytest.raises(KeystoreError, match="cannot go from active to destroyed"):
        keystore.destroy(kid)


def test_a_key_that_was_in_use_a_moment_ago_is_not_destroyed(keystore, clock):
    """Another worker may have sealed something under it within the last seconds."""
    kid = keystore.ensure(Purpose.CODE)
    keystore.rotate(Purpose.CODE)
    agree(keystore, Act.DESTROY_KEY, kid)
    with pytest.raises(KeystoreError, match="in use a moment ago"):
        keystore.destroy(kid)
    clock.advance(SETTLED)
    keystore.destroy(kid)


def test_a_key_that_is_still_needed_is_not_destroyed(keystore, tmp_path):
    kid = replaced(keystore, Purpose.ENVELOPE)
    agree(keystore, Act.DESTROY_KEY, kid)
    keystore.needs = (lambda record: "12 rows are sealed under it" if record.kid == kid else "",)
    with pytest.raises(KeystoreError, match="12 rows are sealed under it"):
        keystore.destroy(kid)
    assert (tmp_path / f"keys/{kid}.secret").exists()
    keystore.needs = (lambda _record: "",)
    keystore.destroy(kid)


def test_a_worker_lets_go_of_what_another_destroyed(ground, keystore):
    kid = replaced(keystore, Purpose.CODE)
    other = Keystore(ground)
    other.secret_of(kid, Purpose.CODE)
    agree(keystore, Act.DESTROY_KEY, kid)
    keystore.destroy(kid)
    other.tend()
    for worker in (keystore, other):
        with pytest.raises(KeystoreError, match=f"{kid} was destroyed"):
            worker.secret_of(kid, Purpose.CODE)


def test_an_envelope_key_is_not_destroyed_where_nobody_can_tell_what_is_under_it(keystore):
    kid = replaced(keystore, Purpose.ENVELOPE)
    agree(keystore, Act.DESTROY_KEY, kid)
    with pytest.raises(KeystoreError, match="nobody can tell what is sealed under it"):
        keystore.destroy(kid)


def test_a_destruction_that_a_power_cut_stopped_is_completed(ground, keystore, tmp_path):
    """The row comes first, so that nothing that is gone is ever believed to be there."""
    kid = replaced(keystore)
    with ground.database.write() as connection:
        connection.execute(update(Key).where(Key.kid == kid).values(state=State.DESTROYED, slot=None))
    assert (tmp_path / f"keys/{kid}.pem").exists()
    Keystore(ground).advance()
    assert not (tmp_path / f"keys/{kid}.pem").exists()
    assert keystore.record(kid).destroyed_at == ground.clock.now()


def test_every_ending_is_in_the_audit_trail_with_who_and_why(ground, keystore):
    kid = keystore.ensure(Purpose.ID_TOKEN)
    keystore.suspend(kid, actor="anong", reason="odd")
    keystore.restore(kid, actor="boon", reason="nothing")
    ground.clock.advance(SETTLED)
    agree(keystore, Act.DESTROY_KEY, kid)
    keystore.destroy(kid, actor="boon", reason="over")
    with ground.database.read() as connection:
        columns = (AuditEntry.event, AuditEntry.actor, AuditEntry.reason)
        mine = connection.execute(select(*columns).where(AuditEntry.subject == kid).order_by(AuditEntry.number))
        assert [tuple(row) for row in mine if row.event.startswith("key.")] == [
            ("key.created", "system", ""),
            ("key.suspended", "anong", "odd"),
            ("key.restored", "boon", "nothing"),
            ("key.destroyed", "boon", "over"),
            ("key.removed", "system", ""),
        ]
