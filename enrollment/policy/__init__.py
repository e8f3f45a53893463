"""Levels as versioned data: `award` is a pure function of a policy, the evidence held and the checks made.

A policy is one TOML file beside this one, and is never changed once awards rest on it: a correction is a new file.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

from core.assurance import IAL

CURRENT_POLICY = "provisional-1"
FOLDER = Path(__file__).parent
PASS = "pass"  # noqa: S105 - an outcome
CONTACT_CONFIRMED = "contact_confirmed"


class PolicyError(ValueError):
    """A policy file that cannot be used; the text says what is wrong with it."""


@dataclass(frozen=True)
class EvidenceHeld:
    """What a case holds, without what it says: `type` is the policy's word."""

    id: str
    type: str
    source: str
    captured_at: str


@dataclass(frozen=True)
class CheckMade:
    """`evidence` is the id of the evidence checked; `outcome` is pass, fail, inconclusive or unavailable."""

    id: str
    evidence: str
    kind: str
    method: str
    outcome: str
    at: str


@dataclass(frozen=True)
class Requirement:
    """A check that must have been passed, on evidence of this type; empty: on any evidence."""

    method: str
    evidence: str = ""


@dataclass(frozen=True)
class Row:
    ial: IAL
    rule: str
    unverified_mapping: bool
    evidence: tuple[str, ...]
    checks: tuple[Requirement, ...]


@dataclass(frozen=True)
class Policy:
    """`rows` are ordered from the highest level to the lowest."""

    name: str
    trust_framework: str
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class Award:
    """The level reached, the row that gave it, and the hash of everything it was judged on."""

    ial: IAL
    policy: str
    rule: str
    unverified_mapping: bool
    inputs_hash: bytes


def award(policy: Policy, evidence: Sequence[EvidenceHeld], checks: Sequence[CheckMade]) -> Award:
    """The highest row that is satisfied. A failed check spoils its method on that evidence, whatever passed before."""
    for row in policy.rows:
        if is_satisfied(row, evidence, checks):
            digest = sha256(write_inputs(evidence, checks).encode()).digest()
            return Award(row.ial, policy.name, row.rule, row.unverified_mapping, digest)
    raise PolicyError(f"{policy.name} has no row for somebody of whom nothing was proven")


def is_satisfied(row: Row, evidence: Sequence[EvidenceHeld], checks: Sequence[CheckMade]) -> bool:
    types = {each.type for each in evidence}
    return types.issuperset(row.evidence) and not missing(row, evidence, checks)


def missing(row: Row, evidence: Sequence[EvidenceHeld], checks: Sequence[CheckMade]) -> tuple[Requirement, ...]:
    """What stands between these checks and the row."""
    type_of = {each.id: each.type for each in evidence}
    living = [check for check in checks if check.evidence in type_of]

    def is_met(wanted: Requirement) -> bool:
        outcomes = [
            check.outcome
            for check in living
            if check.method == wanted.method and wanted.evidence in ("", type_of[check.evidence])
        ]
        return PASS in outcomes and "fail" not in outcomes

    return tuple(wanted for wanted in row.checks if not is_met(wanted))


@cache
def load_policy(name: str) -> Policy:
    """Reads and checks one policy; raises PolicyError for one that does not exist or makes no sense."""
    file = FOLDER / f"{name}.toml"
    if name not in policies():
        raise PolicyError(f"there is no policy {name}")
    return read_policy(file.read_text("utf-8"))


def policies() -> tuple[str, ...]:
    """The names of all policies that awards can rest on."""
    return tuple(sorted(file.stem for file in FOLDER.glob("*.toml")))


def read_policy(text: str) -> Policy:
    try:
        written = tomllib.loads(text)
        rows = tuple(read_row(row) for row in written["row"])
        policy = Policy(written["name"], written["trust_framework"], rows)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError) as error:
        raise PolicyError(f"the policy cannot be read: {error}") from error
    check_policy(policy)
    return policy


def read_row(row: dict[str, object]) -> Row:
    checks, evidence = row["checks"], row["evidence"]
    if not isinstance(checks, list) or not isinstance(evidence, list):
        raise TypeError("evidence and checks are lists")
    requirements = tuple(Requirement(**each) for each in checks)
    return Row(IAL(str(row["ial"])), str(row["rule"]), row["mapping"] != "verified", tuple(evidence), requirements)


def check_policy(policy: Policy) -> None:
    """Highest first, one row that asks for nothing and stands last, and checks only of evidence the row names."""
    ranks = [row.ial.rank for row in policy.rows]
    if ranks != sorted(ranks, reverse=True):
        raise PolicyError("rows must stand from the highest level to the lowest")
    if not policy.rows or policy.rows[-1].checks or policy.rows[-1].evidence:
        raise PolicyError("the last row must be for somebody of whom nothing was proven")
    for row in policy.rows:
        if any(each.evidence and each.evidence not in row.evidence for each in row.checks):
            raise PolicyError(f"{row.rule}: a check names evidence that the row does not ask for")
        if row.ial != policy.rows[-1].ial and not row.checks:
            raise PolicyError(f"{row.rule}: a level cannot be had for nothing")


def write_inputs(evidence: Sequence[EvidenceHeld], checks: Sequence[CheckMade]) -> str:
    """Canonical JSON of what an award was judged on; it names no person and holds none of the evidence's content."""
    inputs = {
        "evidence": [asdict(each) for each in sorted(evidence, key=lambda each: each.id)],
        "checks": [asdict(each) for each in sorted(checks, key=lambda each: each.id)],
    }
    return json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def read_inputs(stored: str) -> tuple[tuple[EvidenceHeld, ...], tuple[CheckMade, ...]]:
    read = json.loads(stored)
    evidence = tuple(EvidenceHeld(**each) for each in read["evidence"])
    return evidence, tuple(CheckMade(**each) for each in read["checks"])
