"""The life of a key: the states of SP 800-57 part 1 revision 5, section 7, and the steps each allows.

`suspended` is missing: nothing here comes back from it. `destroyed` is missing: a deactivated key still opens what it
sealed, and taking that away needs two people, which is not built yet.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from keys.errors import KeystoreError


class State(StrEnum):
    PRE_ACTIVATION = "pre-activation"  # made and published, not used yet
    ACTIVE = "active"
    DEACTIVATED = "deactivated"  # verifies and opens, makes nothing new
    COMPROMISED = "compromised"  # published no more; what it signed is not believed


TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PRE_ACTIVATION: frozenset({State.ACTIVE, State.COMPROMISED}),
    State.ACTIVE: frozenset({State.DEACTIVATED, State.COMPROMISED}),
    State.DEACTIVATED: frozenset({State.COMPROMISED}),
    State.COMPROMISED: frozenset(),
}


def check_transition(before: State, after: State) -> None:
    """Raises KeystoreError where no arrow leads: nothing returns to active."""
    if after not in TRANSITIONS[before]:
        raise KeystoreError(f"a key cannot go from {before} to {after}")
