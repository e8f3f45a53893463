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
from keys.errors import KeystoreError
from keys.key_states import TRANSITIONS, State, check_transition
from keys.keystore import Keystore
from keys.purposes import Purpose
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
        self.seen = {}
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

    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20))
    def retire(self, worker, number):
        records = self.workers[0].records([Purpose.ID_TOKEN])
        record = records[number % len(records)]
        if record.slot is None and record.state is State.DEACTIVATED:
            self.workers[worker].retire(record.kid)
        else:
            with pytest.raises(KeystoreError):
                self.workers[worker].retire(record.kid)

    @precondition(lambda self: len(self.workers[0].records([Purpose.ID_TOKEN])) < 12)
    @rule(worker=st.sampled_from([0, 1]), number=st.integers(0, 20))
    def compromise(self, worker, number):
        records = self.workers[0].records([Purpose.ID_TOKEN])
        record = records[number % len(records)]
        if record.state is State.COMPROMISED:
            with pytest.raises(KeystoreError, match="cannot go from"):
                self.workers[worker].compromise(record.kid)
        else:
            self.workers[worker].compromise(record.kid)
            self.known, self.fetched_at = set(self.published()), self.clock.now()  # an emergency is told to clients

    @invariant()
    def one_key_is_active_and_at_most_one_waits(self):
        states = [record.state for record in self.workers[1].records([Purpose.ID_TOKEN])]
        assert states.count(State.ACTIVE) == 1
        assert states.count(State.PRE_ACTIVATION) <= 1

    @invariant()
    def the_active_key_is_published_first_and_no_compromised_one_is(self):
        records = {record.kid: record.state for record in self.workers[0].records([Purpose.ID_TOKEN])}
        published = self.published()
        assert records[published[0]] is State.ACTIVE
        assert State.COMPROMISED not in {records[kid] for kid in published}

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
TestLifeOfKeys.settings = hypothesis_settings(max_examples=6, stateful_step_count=15, deadline=None)
