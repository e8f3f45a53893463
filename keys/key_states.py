"""The life of a key: the states of SP 800-57 part 1 revision 5, section 7, and the steps each allows.

One row is the pair. Where the standard destroys a private key at the end of its use and keeps the public one
deactivated (section 7.4), destroying removes what custody holds, and what stands in the row goes on verifying.

Stricter than figure 3 in one arrow: an active key is not destroyed (transition 5), it is deactivated first, so that
nobody ends a service and the means to mend it in one act.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from keys.errors import KeystoreError


class State(StrEnum):
    PRE_ACTIVATION = "pre-activation"  # 7.1: made and published, not used yet
    ACTIVE = "active"  # 7.2
    SUSPENDED = "suspended"  # 7.3: while a suspicion is looked into; makes nothing, and nothing of it is believed
    DEACTIVATED = "deactivated"  # 7.4: verifies and opens, makes nothing new
    COMPROMISED = "compromised"  # 7.5: published no more; what it signed is not believed
    DESTROYED = "destroyed"  # 7.6: only the row is left


# Figure 3; in comments the numbers of its transitions.
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.PRE_ACTIVATION: frozenset({State.DESTROYED, State.COMPROMISED, State.ACTIVE}),  # 2, 3, 4
    State.ACTIVE: frozenset({State.COMPROMISED, State.SUSPENDED, State.DEACTIVATED}),  # 6, 7, 8
    State.SUSPENDED: frozenset({State.DESTROYED, State.ACTIVE, State.COMPROMISED, State.DEACTIVATED}),  # 9 to 12
    State.DEACTIVATED: frozenset({State.DESTROYED, State.COMPROMISED}),  # 13, 14
    State.COMPROMISED: frozenset({State.DESTROYED}),  # 15
    State.DESTROYED: frozenset(),
}


def check_transition(before: State, after: State) -> None:
    """Raises KeystoreError where no arrow leads."""
    if after not in TRANSITIONS[before]:
        raise KeystoreError(f"a key cannot go from {before} to {after}")
