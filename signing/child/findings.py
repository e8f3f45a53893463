"""The words of ETSI EN 319 102-1 and what is found along the way: a finding is an answer, never an exception that gets
out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pyhanko.sign.ades.report import AdESFailure, AdESIndeterminate, AdESPassed, AdESStatus

from signing.reasons import Reason

INDICATIONS = {  # section 5.1.3, table 1
    AdESStatus.PASSED: "TOTAL-PASSED",
    AdESStatus.INDETERMINATE: "INDETERMINATE",
    AdESStatus.FAILED: "TOTAL-FAILED",
}
Subindication = AdESFailure | AdESIndeterminate | AdESPassed


class Finding(Exception):
    """A building block of the validation did not pass: its sub-indication and why."""

    def __init__(self, subindication: Subindication, reason: Reason) -> None:
        super().__init__(reason)
        self.subindication = subindication
        self.reason = reason


@dataclass
class Outcome:
    """Of one signature or time-stamp; PASSED until something is found."""

    subindication: Subindication = AdESPassed.OK
    reasons: list[str] = field(default_factory=list)

    def found(self, finding: Finding) -> None:
        """The first finding decides; the later ones are told."""
        if self.passed:
            self.subindication = finding.subindication
        if finding.reason not in self.reasons:
            self.reasons.append(finding.reason)

    @property
    def passed(self) -> bool:
        return self.subindication is AdESPassed.OK

    @property
    def broken(self) -> bool:
        """The bytes are not what was signed or stamped."""
        return isinstance(self.subindication, AdESFailure)

    def as_json(self) -> dict[str, Any]:
        return {
            "indication": INDICATIONS[self.subindication.status],
            "subindication": None if self.passed else self.subindication.standard_name,
            "reasons": self.reasons,
        }


def iso(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
