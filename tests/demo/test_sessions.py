"""An agency's sessions, and which of them a logout token ends (Back-Channel Logout 1.0 section 2.7)."""

import pytest

from demo.agency.sessions import Sessions, SignedIn


def signed_in(sub="somchai", sid="first"):
    return SignedIn(
        id_token="", id_claims={"sub": sub, "sid": sid}, access_token="", access_token_expires_at=0, data={}
    )


@pytest.mark.parametrize(
    ("named", "ended"),
    [
        ({"sub": None, "sid": "first"}, 1),
        ({"sub": "somchai", "sid": "first"}, 1),
        ({"sub": "somchai", "sid": None}, 2),
        ({"sub": "malee", "sid": "first"}, 0),
        ({"sub": None, "sid": "third"}, 0),
        ({"sub": None, "sid": None}, 0),
    ],
)
def test_a_logout_token_ends_what_it_names_and_nothing_else(named, ended):
    sessions = Sessions()
    keys = [
        sessions.start(signed_in()),
        sessions.start(signed_in(sid="second")),
        sessions.start(signed_in("malee", "m")),
    ]
    assert sessions.end_by_logout(**named) == ended
    assert sum(sessions.current(key) is None for key in keys) == ended


def test_every_sign_in_gets_a_new_identifier():
    sessions = Sessions()
    assert sessions.start(signed_in()) != sessions.start(signed_in())


def test_nobody_is_signed_in_without_a_session():
    assert Sessions().current(None) is None
    assert Sessions().current("") is None
