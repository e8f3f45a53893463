"""Activating what was proven: a decision, an identity with a new version, and the old one superseded, in one act."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, func, insert, select, update

from core import audit
from core.assurance import IAL
from core.clock import Clock
from core.errors import PersonError
from core.ground import Ground
from core.identifiers import new_id
from enrollment.models import Decision, Identity
from enrollment.policy import Award, CheckMade, EvidenceHeld, award, load_policy, read_inputs, write_inputs

BATCH = 200


@dataclass(frozen=True)
class Reevaluated:
    """How many living identities a policy judges higher, lower, and the same."""

    raised: int
    lowered: int
    unchanged: int


def activate(
    connection: Connection,
    clock: Clock,
    *,
    account_id: str,
    case_id: str,
    awarded: Award,
    evidence: tuple[EvidenceHeld, ...],
    checks: tuple[CheckMade, ...],
) -> None:
    """In the caller's transaction. Of two parallel activations one breaks on the unique version, and rolls back."""
    newest = select(func.max(Identity.version)).where(Identity.account_id == account_id)
    version = (connection.execute(newest).scalar() or 0) + 1
    living = (Identity.account_id == account_id, Identity.superseded_at.is_(None))
    connection.execute(update(Identity).where(*living).values(superseded_at=clock.now()))
    row = {"id": new_id(), "account_id": account_id, "version": version, "case_id": case_id}
    row |= {"ial": awarded.ial.value, "policy": awarded.policy, "rule": awarded.rule}
    row |= {"unverified_mapping": awarded.unverified_mapping, "inputs": write_inputs(evidence, checks)}
    connection.execute(insert(Identity), row | {"awarded_at": clock.now()})


def decide(
    connection: Connection,
    clock: Clock,
    *,
    case_id: str,
    awarded: Award,
    approved: bool,
    decided_by: str,
    reason: bytes,
) -> None:
    """The record of a decision; `reason` is sealed. A refusal awards nothing."""
    row = {"id": new_id(), "case_id": case_id, "approved": approved, "ial": awarded.ial.value if approved else ""}
    row |= {"policy": awarded.policy, "rule": awarded.rule, "inputs_hash": awarded.inputs_hash}
    connection.execute(insert(Decision), row | {"decided_by": decided_by, "reason": reason, "decided_at": clock.now()})


def inputs_in_force(connection: Connection, account_id: str) -> tuple[tuple[EvidenceHeld, ...], tuple[CheckMade, ...]]:
    """What the identity that counts rests on; nothing for somebody who has none."""
    living = (Identity.account_id == account_id, Identity.superseded_at.is_(None))
    stored = connection.execute(select(Identity.inputs).where(*living)).scalar()
    return read_inputs(stored) if stored else ((), ())


def reevaluate_all(ground: Ground, policy_name: str, *, actor: str) -> Reevaluated:
    """Asks a policy about every living identity and activates what it says, each in its own transaction.

    Nothing is asked of the people again: an identity keeps what it was judged on.
    """
    counts, last = {-1: 0, 0: 0, 1: 0}, ""
    while batch := proofed_accounts(ground, after=last):
        for account_id in batch:
            counts[reevaluate(ground, account_id, policy_name, actor=actor)] += 1
        last = batch[-1]
    return Reevaluated(raised=counts[1], lowered=counts[-1], unchanged=counts[0])


def proofed_accounts(ground: Ground, *, after: str) -> list[str]:
    """By account, since each has one identity that counts, and judging it again makes a new row."""
    living = (Identity.superseded_at.is_(None), Identity.account_id > after)
    with ground.database.read() as connection:
        query = select(Identity.account_id).where(*living).order_by(Identity.account_id)
        return list(connection.execute(query.limit(BATCH)).scalars())


def reevaluate(ground: Ground, account_id: str, policy_name: str, *, actor: str) -> int:
    """1 raised, -1 lowered, 0 the same level."""
    policy = load_policy(policy_name)
    with ground.database.write() as connection:
        query = select(Identity.__table__).where(Identity.account_id == account_id, Identity.superseded_at.is_(None))
        row = connection.execute(query.with_for_update()).mappings().first()
        if row is None:  # withdrawn since it was listed
            return 0
        evidence, checks = read_inputs(row["inputs"])
        again = award(policy, evidence, checks)
        before = IAL(row["ial"])
        if (again.policy, again.rule, again.ial.value) == (row["policy"], row["rule"], row["ial"]):
            return 0
        case_id = row["case_id"]
        activate(
            connection, ground.clock, account_id=account_id, case_id=case_id, awarded=again,
            evidence=evidence, checks=checks,
        )  # fmt: skip
        detail = {"policy": policy_name, "before": row["ial"], "after": again.ial.value}
        audit.record(
            connection, ground.clock, event="identity.reevaluated", actor=actor, subject=account_id, detail=detail
        )
    return (again.ial.rank > before.rank) - (again.ial.rank < before.rank)


def check_reaches(awarded: Award, wanted_rank: int, message: str) -> None:
    """Raises PersonError when the award is below what the step needs."""
    if awarded.ial.rank < wanted_rank:
        raise PersonError(message)
