"""What every room is given: settings, time, storage, the way out, the mail. Built once, by `idp/app.py`."""

from __future__ import annotations

from dataclasses import dataclass, field

from core.clock import Clock
from core.database import Database
from core.ephemeral import Ephemeral
from core.metrics import Metrics
from core.outbound import Outbound
from core.settings import Settings


@dataclass(frozen=True)
class Ground:
    settings: Settings
    clock: Clock
    database: Database
    ephemeral: Ephemeral
    outbound: Outbound
    metrics: Metrics = field(default_factory=Metrics)
