"""What enrolment is given by `idp/app.py`, and the parts made of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.ground import Ground
from core.outbox import Outbox
from core.rate_limit import Throttle
from enrollment.account import AccountStore
from enrollment.civil_registry.protocol import CivilRegistry
from enrollment.confirmation_code import ConfirmationCodes
from enrollment.dossier import Dossier
from enrollment.notices import Notices
from enrollment.proofing import CaseStore
from enrollment.verification.register_status import RegisterStatus
from keys.envelope import Envelope


@dataclass(frozen=True)
class EnrolmentServices:
    ground: Ground
    envelope: Envelope
    outbox: Outbox
    registry: CivilRegistry

    @cached_property
    def accounts(self) -> AccountStore:
        return AccountStore(self.ground, self.envelope)

    @cached_property
    def cases(self) -> CaseStore:
        return CaseStore(self.ground, self.envelope)

    @cached_property
    def dossier(self) -> Dossier:
        return Dossier(self.cases)

    @cached_property
    def codes(self) -> ConfirmationCodes:
        return ConfirmationCodes(self.ground, self.envelope)

    @cached_property
    def notices(self) -> Notices:
        return Notices(self.ground, self.outbox)

    @cached_property
    def register(self) -> RegisterStatus:
        return RegisterStatus(self.ground, self.envelope, self.registry)

    @cached_property
    def throttle(self) -> Throttle:
        return Throttle(self.ground)
