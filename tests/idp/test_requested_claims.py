"""The `claims` parameters that a worker knows to be kept."""

from __future__ import annotations

from idp.models.requested_claims import Recorded


def test_what_is_remembered_has_a_bound_and_the_latest_is_in_it():
    recorded = Recorded(most=3)
    for number in range(10):
        recorded.add(str(number))
        assert str(number) in recorded
        assert len(recorded) <= 3
    assert "0" not in recorded
