"""SP 800-57 part 1 section 7, as a state machine over the real keystore: whatever operators do, in whatever order."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.clock import SetClock
from core.database import open_database
from core.ephemeral import open_ephemeral
from core.ground import Ground
from core.outbound import Outbound
from core.settings import Settings
from keys import two_person
from keys.endings import SETTLED
from keys.errors import KeystoreError
from keys.key_states import TRANSITIONS, State, check_transition
from keys.keystore import Keystore
from keys.purposes import Purpose
from keys.two_person import Act
from tests.backends import EMBEDDED, backend_of


@pytest.mark.parametrize("after", list(State))
@pytest.mark.parametrize("before", list(State))
def test_only_the_arrows_of_the_standard_are_taken(before, after):
    if after in TRANSITIONS[before]:
        check_transition(before, after)
    else:
        with pytest.raises(KeystoreError, match="cannot go from"):
            check_transition(before, after)


def test_only_what_was_suspended_comes_back_to_active():
    assert [before for before in State if State.ACTIVE in TRANSITIONS[before]] == [
        State.PRE_ACTIVATION,
        State.SUSPENDED,
    ]


def test_nothing_leads_out_of_destroyed_and_everything_can_lead_there():
    assert not TRANSITIONS[State.DESTROYED]
    reached = {State.DESTROYED}
    for _ in State:
        reached |= {before for before in State if TRANSITIONS[before] & reached}
    assert reached == set(State)


class LifeOfKeys(RuleBasedStateMachine):
    """One published purpose, two workers, time that passes."""

    def __init__(self):
        super().__init__()
        self.folder = TemporaryDirectory()
        path = Path(self.folder.name)
        self.backend = backend_of(EMBEDDED, path)
        url = self.backend.__enter__().database_url
        settings = Settings(
            issuer="http://localhost:8080", rp_id="localhost", database_url=url, keys_url=f"file:{path}/keys",
            sandbox=True, data_dir=path,
        )  # fmt: skip
        self.clock = SetClock(datetime(2026, 11, 22, tzinfo=UTC))
        self.database, self.outbound = open_database(settings), Outbound(settings)
        ground = Ground(
            settings, self.clock, self.database, open_ephemeral(settings, self.database, self.clock), self.outbound
        )
        self.workers = [Keystore(ground), Keystore(ground)]
        self.workers[0].ensure(Purpose.ID_TOKEN)
        self.seen, self.disbelieved = {}, set()
        self.known = set(self.published())  # what a client that fetches now has in its cache
        self.fetched_at = self.clock.now()

    def published(self):
        return [jwk["kid"] for jwk in self.workers[0].published([Purpose.ID_TOKEN])]

    @rule(worker=st.sampled_from([0, 1]))
    def rotate(self, worker):
        self.workers[worker].rotate(Purpose.ID_TOKEN)

    @rule(worker=st.sampled_from([0, 1]), hours=st.sampled_from([0, 0.5, 1, 24]))
    def time_passes_and_the_job_runs(self, worker, hours):
        self.clock.advance(timedelta(hours=hours))
        self.workers[worker].advance()

    def one_of(self, number):
        records = self.workers[0].records([Purpose.ID_TOKEN])
        return records[number % len(records)]

    def clients_fetch(self):
        """An emergency is told to clients."""
        self.known, self.fetched_at = set(self.published()), self.clock.now()

    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20))
    def retire(self, worker, number):
        record = self.one_of(number)
        if record.slot is None and record.state in (State.DEACTIVATED, State.SUSPENDED):
            self.workers[worker].retire(record.kid)
        else:
            with pytest.raises(KeystoreError):
                self.workers[worker].retire(record.kid)

    @precondition(lambda self: len(self.workers[0].records([Purpose.ID_TOKEN])) < 12)
    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20))
    def compromise(self, worker, number):
        record = self.one_of(number)
        if State.COMPROMISED not in TRANSITIONS[record.state]:
            with pytest.raises(KeystoreError, match="cannot go from"):
                self.workers[worker].compromise(record.kid)
        else:
            self.workers[worker].compromise(record.kid)
            self.disbelieved.add(record.kid)
            self.clients_fetch()

    @precondition(lambda self: len(self.workers[0].records([Purpose.ID_TOKEN])) < 12)
    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20))
    def suspend(self, worker, number):
        record = self.one_of(number)
        if record.state is not State.ACTIVE:
            with pytest.raises(KeystoreError, match="cannot go from"):
                self.workers[worker].suspend(record.kid)
        else:
            self.workers[worker].suspend(record.kid)
            self.clients_fetch()

    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20))
    def restore(self, worker, number):
        record = self.one_of(number)
        if record.state is not State.SUSPENDED:
            with pytest.raises(KeystoreError, match="not suspended"):
                self.workers[worker].restore(record.kid)
        else:
            assert self.workers[worker].restore(record.kid) is State.DEACTIVATED

    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20), people=st.integers(0, 2))
    def destroy(self, worker, number, people):
        record, keystore = self.one_of(number), self.workers[worker]
        agreed = self.agree(record.kid, people)
        settled = record.deactivated_at is None or self.clock.now() >= record.deactivated_at + SETTLED
        if agreed and settled and State.DESTROYED in TRANSITIONS[record.state]:
            keystore.destroy(record.kid)
        else:
            with pytest.raises(KeystoreError):
                keystore.destroy(record.kid)

    def agree(self, kid, people):
        """True when two agreed, now or at a step before that did nothing yet."""
        with self.database.write() as connection:
            asked = two_person.load_open(connection, Act.DESTROY_KEY, kid)
            if asked is None or not asked.is_open(self.clock.now()):
                asked_id = two_person.ask(connection, self.clock, Act.DESTROY_KEY, kid, by="0", reason="a rule")
                asked = two_person.load(connection, asked_id)
            if people == 2 and asked.second_by is None:
                two_person.agree(connection, self.clock, asked, by="1")
            return two_person.load(connection, asked.id).is_agreed(self.clock.now())

    @invariant()
    def one_key_is_active_and_at_most_one_waits(self):
        states = [record.state for record in self.workers[1].records([Purpose.ID_TOKEN])]
        assert states.count(State.ACTIVE) == 1
        assert states.count(State.PRE_ACTIVATION) <= 1

    @invariant()
    def the_active_key_is_published_first_and_none_that_is_not_believed(self):
        records = {record.kid: record.state for record in self.workers[0].records([Purpose.ID_TOKEN])}
        published = self.published()
        assert records[published[0]] is State.ACTIVE
        assert not {State.COMPROMISED, State.SUSPENDED} & {records[kid] for kid in published}
        assert not self.disbelieved & set(published)

    @invariant()
    def custody_has_every_key_but_the_destroyed(self):
        for record in self.workers[0].records([Purpose.ID_TOKEN]):
            there = (Path(self.folder.name) / "keys" / f"{record.kid}.pem").exists()
            assert there == (record.state is not State.DESTROYED)
            assert (record.destroyed_at is None) == (record.state is not State.DESTROYED)

    @invariant()
    def a_client_that_fetched_within_the_hour_knows_the_signing_key(self):
        if self.clock.now() - self.fetched_at >= timedelta(hours=1):
            self.known, self.fetched_at = set(self.published()), self.clock.now()
        active = [record.kid for record in self.workers[0].records([Purpose.ID_TOKEN]) if record.state is State.ACTIVE]
        assert set(active) <= self.known | set(self.published()[:1])

    @invariant()
    def every_state_followed_an_arrow(self):
        for record in self.workers[0].records([Purpose.ID_TOKEN]):
            before = self.seen.get(record.kid, record.state)
            assert before is record.state or record.state in TRANSITIONS[before]
            self.seen[record.kid] = record.state

    def teardown(self):
        self.outbound.close()
        self.database.close()
        self.backend.__exit__(None, None, None)
        self.folder.cleanup()


TestLifeOfKeys = LifeOfKeys.TestCase
TestLifeOfKeys.settings = hypothesis_settings(max_examples=5, stateful_step_count=18, deadline=None)
