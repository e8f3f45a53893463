"""Keys change under load, and no relying party notices: not one login fails, and no token names a key that a client may
not have. Two workers over HTTP, clients that keep the JWKS for as long as they may, hours that pass in minutes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from joserfc.jwk import ECKey

from core.clock import SetClock
from keys.purposes import PUBLICATION, Purpose
from tests.backends import EMBEDDED, backend_of
from tests.rotating import TwoWorkers, VerifyingClient, two_workers

STEP = timedelta(minutes=15)  # longer than Cache-Control lets a client keep the JWKS, shorter than the stubborn do
PEOPLE = ("somchai", "malee", "user1")
TOKENS = (Purpose.ID_TOKEN, Purpose.ACCESS_TOKEN)


@pytest.fixture(scope="module")
def provider(tmp_path_factory) -> Iterator[TwoWorkers]:
    folder, clock = tmp_path_factory.mktemp("rotation"), SetClock(datetime(2026, 11, 22, 3, 0, tzinfo=UTC))
    with backend_of(EMBEDDED, folder) as backend, two_workers(folder, backend.database_url, clock, PEOPLE) as running:
        yield running


@pytest.fixture
def clients(provider) -> Iterator[list[VerifyingClient]]:
    """One keeps the JWKS for an hour, whatever it is told."""
    made = [VerifyingClient(provider, user) for user in PEOPLE[1:]]
    made.append(VerifyingClient(provider, PEOPLE[0], at_least=PUBLICATION))
    yield made
    for each in made:
        each.close()


class Operation:
    """Time passes step by step; at each, everybody signs in at once while the workers do their jobs."""

    def __init__(self, provider: TwoWorkers, clients: list[VerifyingClient]) -> None:
        self.provider, self.clients = provider, clients
        self.steps = 0

    def passes(self, steps: int, *during: Callable[[], Any]) -> None:
        """`during` happens in the first of them, while people sign in."""
        with ThreadPoolExecutor(len(self.clients) + 1 + len(during)) as threads:
            for step in range(steps):
                worker = self.provider.workers[self.steps % 2]
                work = [each.signs_in for each in self.clients] + [worker.trust.keystore.advance]
                work += list(during) if step == 0 else []
                for done in [threads.submit(each) for each in work]:
                    done.result()
                self.provider.clock.advance(STEP)
                self.steps += 1


def in_use(provider: TwoWorkers, purpose: Purpose) -> str:
    """The key of the purpose's own algorithm."""
    return provider.workers[0].trust.keystore.ensure(purpose)


def test_keys_rotate_under_load_and_nobody_meets_a_stranger(provider, clients):
    before = {purpose: in_use(provider, purpose) for purpose in TOKENS}
    operation = Operation(provider, clients)
    operation.passes(1)
    rotate = [lambda each=each: provider.workers[1].trust.keystore.rotate(each) for each in TOKENS]
    operation.passes(PUBLICATION // STEP - 1, *rotate)
    assert all(in_use(provider, purpose) == before[purpose] for purpose in TOKENS), "announced, and not in use yet"
    operation.passes(2)
    assert not any(in_use(provider, purpose) == before[purpose] for purpose in TOKENS), "all have been followed"
    assert {len(each.seen) for each in clients} == {operation.steps}


def test_the_provider_moves_from_es256_to_ps256_and_nobody_notices(provider, clients):
    """Access tokens move for everybody; ID tokens for who chose nothing, and for a client when it says so itself."""
    operation, keystore = Operation(provider, clients), provider.workers[0].trust.keystore
    operation.passes(1, lambda: [keystore.move(each, "PS256", actor="operator") for each in TOKENS])
    clients[0].changes(id_token_signed_response_alg="PS256")
    operation.passes(PUBLICATION // STEP + 1)
    moved, *stayed = [each.seen for each in clients]
    assert moved[0] == ("ES256", "ES256")
    assert moved[-1] == ("PS256", "PS256")
    assert {seen[-1] for seen in stayed} == {("ES256", "PS256")}
    for seen in (moved, *stayed):
        assert [alg for _, alg in seen] == sorted(alg for _, alg in seen), "it moves once and never back"
        assert len(seen) == operation.steps


def test_who_registers_after_the_move_is_given_what_it_moved_to(provider):
    """A client that asks for another algorithm is given what it asked for, and one of the Basic profile what OpenID
    Connect says.
    """
    key = ECKey.generate_key("P-256", {"use": "sig"}, private=True, auto_kid=True).as_dict(private=False)
    metadata = {"redirect_uris": ["https://agency.example/callback"], "jwks": {"keys": [key]}}
    metadata |= {"token_endpoint_auth_method": "private_key_jwt"}
    keystore = provider.workers[0].trust.keystore
    keystore.move(Purpose.ID_TOKEN, "PS256")
    provider.clock.advance(PUBLICATION)
    for asked, given in (
        ({"prajak_profile": "fapi2-security"}, "PS256"),
        ({"prajak_profile": "fapi2-security", "id_token_signed_response_alg": "EdDSA"}, "EdDSA"),
        ({"prajak_profile": "oidc-basic"}, "RS256"),
    ):
        assert registered_alg(provider, metadata | asked) == given
    keystore.move(Purpose.ID_TOKEN, "ES256")
    provider.clock.advance(timedelta(seconds=5))
    assert registered_alg(provider, metadata | {"prajak_profile": "fapi2-security"}) == "ES256"


def registered_alg(provider: TwoWorkers, metadata: dict[str, Any]) -> str:
    answer = httpx.post(f"{provider.issuer}/register", json=metadata, timeout=30)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id_token_signed_response_alg"])


def test_a_compromised_key_is_gone_in_five_seconds_and_people_sign_in_with_the_next(provider, clients):
    """The JWKS and both workers; what a client kept of it is over when its Cache-Control is."""
    keystore, client = provider.workers[0].trust.keystore, clients[0]
    client.signs_in()
    kid = in_use(provider, Purpose.ACCESS_TOKEN)
    keystore.compromise(kid, actor="operator", reason="a drill")
    provider.clock.advance(timedelta(seconds=5))
    for _worker in provider.workers:
        published = httpx.get(f"{provider.issuer}/jwks", timeout=30).json()["keys"]
        assert kid not in {each["kid"] for each in published}
    client.kept.fetched_until = None  # as RFC 7517 readers do at an unknown kid
    for _worker in provider.workers:
        client.signs_in()
        assert kid not in client.kept.keys
