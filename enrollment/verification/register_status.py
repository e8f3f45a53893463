"""Asking the civil register, so that nobody learns from the asking.

1. nobody asks too often: for this citizen from this source, from this source, for this citizen from anywhere
2. the register is asked outside any transaction
3. only "not confirmed" counts as a failed attempt; a register that does not answer is nobody's attempt
"""

from __future__ import annotations

from datetime import timedelta

from core import audit
from core.errors import TooMany
from core.ground import Ground
from core.rate_limit import Throttle
from enrollment.civil_registry.protocol import CardClaim, CivilRegistry, RegisterAnswer
from keys.envelope import Envelope

BURST = 6  # a minute, for one citizen from one source, whatever the answers: parallel requests cannot outrun the counts
FAILURES_PER_CITIZEN_AND_SOURCE = 5  # an hour
FAILURES_PER_SOURCE = 100  # an hour; many share one address behind a carrier's gateway
FAILURES_PER_CITIZEN = 100  # a day, from anywhere: the hard stop of SP 800-63B section 3.2.2
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class RegisterStatus:
    def __init__(self, ground: Ground, envelope: Envelope, registry: CivilRegistry) -> None:
        self.ground = ground
        self.envelope = envelope
        self.registry = registry

    def is_confirmed(self, claim: CardClaim, *, source: str, actor: str) -> bool:
        """Raises TooMany and RegistryUnavailable. Not inside a transaction."""
        citizen = self.envelope.blind_index("register-throttle", claim.citizen_number).hex()
        limits = (
            ("register-citizen-source", f"{citizen}:{source}"[:200], FAILURES_PER_CITIZEN_AND_SOURCE, HOUR),
            ("register-source", source[:200], FAILURES_PER_SOURCE, HOUR),
            ("register-citizen", citizen, FAILURES_PER_CITIZEN, DAY),
        )
        for kind, key, limit, window in limits:
            if self.ground.ephemeral.counted(kind, key, window) >= limit:
                raise TooMany(
                    "There were too many attempts with these details. Please wait an hour and try again.",
                    retry_after=int(HOUR.total_seconds()),
                )
        Throttle(self.ground).check("register-burst", f"{citizen}:{source}"[:200], limit=BURST, window=MINUTE)
        confirmed = self.registry.check_card(claim) == RegisterAnswer.CONFIRMED
        if not confirmed:
            for kind, key, _, window in limits:
                self.ground.ephemeral.count(kind, key, window)
        with self.ground.database.write() as connection:
            event = "register.confirmed" if confirmed else "register.not_confirmed"
            audit.record(connection, self.ground.clock, event=event, actor=actor)
        return confirmed

    def address(self, claim: CardClaim) -> dict[str, str]:
        """The house registration of somebody whom `is_confirmed` confirmed; empty where it is not known. Not inside a
        transaction.
        """
        return self.registry.address(claim).known()
