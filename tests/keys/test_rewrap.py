"""The envelope key rotates: everything is wrapped anew beside the work, from wherever it was left."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import cast

import pytest
from sqlalchemy import LargeBinary, Table, insert, select, update

import signing.sealed
from core.clock import SetClock
from core.ground import Ground
from core.identifiers import new_id
from core.outbox import SEALED as LETTER
from core.outbox import Outbox, OutboxMessage
from core.sealed_column import DECLARED
from idp.app import METADATA
from keys import two_person
from keys.data_key import ACCOUNT, DESK, Owner, WrappedKey, delete_data_key
from keys.envelope import Envelope
from keys.errors import KeystoreError
from keys.keystore import Keystore
from keys.purposes import RULES, Purpose
from keys.rewrap import SETTLED, Lift, Rewrap
from keys.sealed import DIRECT, encrypt, header_of
from keys.two_person import Act
from signing.models.session import DeskSession

both_backends = pytest.mark.both_backends
PEOPLE = 250  # two batches


@pytest.fixture
def envelope(keystore: Keystore) -> Envelope:
    for purpose in (Purpose.ENVELOPE, Purpose.BLIND_INDEX):
        keystore.ensure(purpose)
    return Envelope(keystore)


@pytest.fixture
def rewrap(envelope: Envelope) -> Rewrap:
    made = Rewrap(envelope)
    made.ground.clock.advance(SETTLED)  # type: ignore[attr-defined]
    envelope.keystore.needs = (made.need,)
    return made


def person(number: int) -> Owner:
    return Owner(ACCOUNT, f"person-{number:04}")


def people(ground: Ground, envelope: Envelope, many: int = PEOPLE) -> dict[Owner, bytes]:
    """So many with a data key, and something sealed under each."""
    keys = [envelope.new_key(person(number)) for number in range(many)]
    with ground.database.write() as connection:
        for key in keys:
            envelope.keep(connection, key)
    return {key.owner: key.seal(key.owner.id.encode(), aad="a") for key in keys}


def check_opens(ground: Ground, sealed: Mapping[Owner, bytes]) -> None:
    """To a worker that has just begun; one in forty, the first and the last among them."""
    fresh, owners = Envelope(Keystore(ground)), list(sealed)
    for owner in {*owners[::40], owners[-1]}:
        assert fresh.load_key(owner).open(sealed[owner], aad="a") == owner.id.encode()


def rotated(envelope: Envelope) -> str:
    """The kid of before."""
    before = envelope.keystore.secret(Purpose.ENVELOPE).kid
    envelope.keystore.rotate(Purpose.ENVELOPE, at_once=True)
    cast("SetClock", envelope.ground.clock).advance(SETTLED + timedelta(minutes=1))
    return before


@both_backends
def test_after_a_rotation_all_data_keys_are_wrapped_anew_and_open_what_they_sealed(ground, envelope, rewrap):
    sealed = people(ground, envelope)
    before = rotated(envelope)
    assert rewrap.progress().left == PEOPLE + 1  # the installation's own
    rewrap.run()
    progress = rewrap.progress()
    assert progress.left == 0
    assert progress.is_finished
    assert progress.wrapped == PEOPLE + 2
    envelope.keystore.ring.discard(before)  # as if it were destroyed
    check_opens(ground, sealed)


def test_nothing_is_wrapped_anew_before_every_worker_knows_the_new_key(ground, envelope, rewrap, clock):
    people(ground, envelope, 3)
    envelope.keystore.rotate(Purpose.ENVELOPE, at_once=True)
    assert rewrap.run() == 0
    clock.advance(SETTLED)
    assert rewrap.run() >= 4


def test_it_goes_on_after_a_restart_from_where_it_was_left(ground, envelope, rewrap):
    people(ground, envelope)
    rotated(envelope)
    assert rewrap.step() == (200, 200)
    another = Rewrap(Envelope(Keystore(ground)))
    assert another.progress().left == PEOPLE + 1 - 200
    another.run()
    assert another.progress().left == 0


@both_backends
def test_two_workers_at_once_do_it_once(ground, envelope, rewrap):
    sealed = people(ground, envelope)
    rotated(envelope)
    workers = [Rewrap(Envelope(Keystore(ground))) for _ in range(2)]
    done: list[int] = []
    threads = [threading.Thread(target=lambda one=one: done.append(one.run())) for one in workers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    rewrap.run()
    assert sum(done) <= PEOPLE + 1 + len(rewrap.columns)
    assert rewrap.progress().left == 0
    check_opens(ground, sealed)


@both_backends
def test_who_is_erased_while_it_runs_stays_erased(ground, envelope, rewrap):
    people(ground, envelope, 5)
    rotated(envelope)
    batch = rewrap._load(envelope_kids(ground)[0], Owner("", ""))
    with ground.database.write() as connection:
        delete_data_key(connection, person(3))
    rewrap._wrap_anew(batch, envelope.keystore.secret(Purpose.ENVELOPE).kid)
    assert envelope.load_key(person(3)).is_erased
    assert not envelope.load_key(person(4)).is_erased


def envelope_kids(ground: Ground) -> list[str]:
    with ground.database.read() as connection:
        return list(connection.execute(select(WrappedKey.kid).where(WrappedKey.owner_kind == ACCOUNT)).scalars())


def test_a_key_that_does_not_open_stops_nobody_else_and_keeps_its_envelope_key(ground, envelope, rewrap):
    people(ground, envelope, 5)
    with ground.database.write() as connection:
        broken = update(WrappedKey).where(WrappedKey.owner_id == person(0).id)
        wrapped = connection.execute(select(WrappedKey.wrapped).where(WrappedKey.owner_id == person(0).id)).scalar_one()
        connection.execute(broken.values(wrapped=wrapped[:-1] + bytes([wrapped[-1] ^ 1])))
    before = rotated(envelope)
    rewrap.run()
    assert rewrap.progress().left == 1
    assert not rewrap.progress().is_finished
    with pytest.raises(KeystoreError, match="1 data keys are still to be wrapped anew"):
        envelope.keystore.check_destroyable(envelope.keystore.record(before))


@pytest.mark.both_custodies
def test_an_envelope_key_is_destroyed_when_nothing_is_left_under_it_and_two_agree(ground, envelope, rewrap, clock):
    sealed = people(ground, envelope, 3)
    before = rotated(envelope)
    with pytest.raises(KeystoreError, match="4 data keys are still to be wrapped anew"):
        envelope.keystore.destroy(before)
    rewrap.run()
    with ground.database.write() as connection:
        two_person.ask(connection, clock, Act.DESTROY_KEY, before, by="anan", reason="its year is over")
    with ground.database.write() as connection:
        asked = two_person.load_open(connection, Act.DESTROY_KEY, before)
        assert asked is not None
        assert two_person.agree(connection, clock, asked, by="malee")
    envelope.keystore.destroy(before, actor="malee", reason="its year is over")
    check_opens(ground, sealed)


def test_the_envelope_key_is_followed_by_itself_when_its_time_is_over(ground, envelope, rewrap, clock):
    people(ground, envelope, 3)
    before = envelope.keystore.secret(Purpose.ENVELOPE).kid
    clock.advance(RULES[Purpose.ENVELOPE].cryptoperiod or timedelta())
    envelope.keystore.advance()  # announced
    assert envelope.keystore.secret(Purpose.ENVELOPE).kid == before
    clock.advance(timedelta(minutes=1))
    envelope.keystore.advance()
    clock.advance(SETTLED)
    assert envelope.keystore.secret(Purpose.ENVELOPE).kid != before
    rewrap.run()
    assert rewrap.progress().left == 0


# ------------------------------------------------------------ what earlier releases sealed


def direct(envelope: Envelope, plaintext: bytes, aad: str) -> bytes:
    key = envelope.keystore.secret(Purpose.ENVELOPE)
    return encrypt(key, header_of(DIRECT, key.kid), plaintext, aad)


def letter(envelope: Envelope, number: int) -> Mapping[str, object]:
    now, message_id = envelope.ground.clock.now(), f"letter-{number:04}"
    text = b'{"recipient": "r", "subject": "s", "body": "b"}'
    row = {"id": message_id, "channel": "email", "account_id": "", "created_at": now, "next_attempt_at": now}
    return row | {"sealed": direct(envelope, text, LETTER.aad(id=message_id)), "attempts": 0}


def desk_session(envelope: Envelope, number: int, sub: str) -> Mapping[str, object]:
    now, session_id = envelope.ground.clock.now(), f"session-{number:04}"
    row = {"id": session_id, "secret_hash": f"{number:032}".encode(), "sub": sub, "sid": "", "created_at": now}
    names = direct(envelope, b'["", ""]', signing.sealed.NAMES.aad(id=session_id))
    return row | {"name_sealed": names, "last_seen_at": now}


@both_backends
def test_what_was_sealed_under_the_envelope_key_itself_is_lifted_to_its_owner(ground, envelope, rewrap):
    letters = [letter(envelope, number) for number in range(250)]
    sessions = [desk_session(envelope, number, f"sub-{number % 2}") for number in range(4)]
    with ground.database.write() as connection:
        connection.execute(insert(OutboxMessage), letters)
        connection.execute(insert(DeskSession), sessions)
    before = rotated(envelope)
    with pytest.raises(KeystoreError, match=r"what earlier releases sealed: outbox_message\.sealed"):
        while rewrap.need(envelope.keystore.record(before)).find("data keys") > 0:
            rewrap.step()
        envelope.keystore.check_destroyable(envelope.keystore.record(before))
    rewrap.run()
    rewrap.run()
    assert rewrap.progress().is_finished
    assert rewrap.need(envelope.keystore.record(before)) == ""
    with ground.database.read() as connection:
        kept = connection.execute(select(OutboxMessage.sealed)).scalars().all()
        names = connection.execute(select(DeskSession.__table__)).mappings().all()
        assert sum(connection.execute(select(Lift.lifted)).scalars()) == 254
    assert not any(each.startswith(DIRECT) for each in kept)
    assert len(Outbox(ground, envelope, {}).messages(limit=300)) == 250
    for row in names:
        key = envelope.load_key(Owner(DESK, row["sub"]))
        assert row["name_sealed"][:1] != DIRECT
        assert key.open(row["name_sealed"], aad=signing.sealed.NAMES.aad(id=row["id"])) == b'["", ""]'


@both_backends
def test_what_somebody_writes_while_it_is_lifted_stays_as_they_wrote_it(ground, envelope, rewrap, monkeypatch):
    with ground.database.write() as connection:
        connection.execute(insert(OutboxMessage), letter(envelope, 1))
    newer = envelope.seal(b"newer", aad=LETTER.aad(id="letter-0001"))
    lifted = rewrap._lifted

    def and_somebody_writes(column, row):
        made = lifted(column, row)
        with ground.database.write() as connection:
            connection.execute(update(OutboxMessage).values(sealed=newer))
        return made

    monkeypatch.setattr(rewrap, "_lifted", and_somebody_writes)
    rewrap.run()
    with ground.database.read() as connection:
        assert connection.execute(select(OutboxMessage.sealed)).scalar_one() == newer


def test_a_row_that_does_not_open_is_counted_and_keeps_the_old_key(ground, envelope, rewrap):
    broken = dict(letter(envelope, 1))
    broken["sealed"] = bytes(broken["sealed"][:-1]) + bytes([broken["sealed"][-1] ^ 1])
    with ground.database.write() as connection:
        connection.execute(insert(OutboxMessage), [broken, letter(envelope, 2)])
    before = rotated(envelope)
    rewrap.run()
    rewrap.run()
    assert rewrap.progress().unreadable == 1
    assert "1 rows that did not open" in rewrap.need(envelope.keystore.record(before))


# ------------------------------------------------------------ every sealed column is declared

NOT_SEALED = {
    "hash": "a digest",
    "index": "a keyed digest",
    "der": "public: a certificate, a list, an answer",
    "public_key": "public",
    "passkey_id": "public: an identifier that browsers show to the site",
    "passkey_public_key": "public",
    "digest": "of a document",
    "signature_value": "public: it stands in the signed document",
    "imprint": "a digest",
    "time_stamp": "public: over a digest",
    "proof": "a keyed digest",
    "chain": "public: certificates",
    "holder": "a digest",
    "logo": "a picture that everybody sees",
    "successor": "a token sealed by the token before it, which is not kept (idp/oauth2/refresh_token.py)",
    "wrapped": "a data key: what re-wrapping is about",
    "value": "ephemeral: gone within the hour; personal values are sealed under the person's key",
}


def binary_columns() -> list[str]:
    found = []
    for table in METADATA.sorted_tables:
        found += [f"{table.name}.{column.name}" for column in table.columns if isinstance(column.type, LargeBinary)]
    return found


@pytest.mark.parametrize("name", binary_columns())
def test_every_column_of_bytes_is_declared_sealed_or_known_not_to_be(name):
    column = name.partition(".")[2]
    plain = any(column == known or column.endswith(f"_{known}") for known in NOT_SEALED)
    assert (name in DECLARED) != plain, f"{name}: declare it beside its row (core/sealed_column.py), or say why not"


def test_each_declared_place_names_its_row():
    for column in DECLARED.values():
        table = cast("Table", column.table)
        row = {each.name: new_id() for each in table.columns}
        assert row[column.column] not in column.aad(**row)
        assert column.aad(**row) != column.aad(**{name: new_id() for name in row})
