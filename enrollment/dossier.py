"""What a case holds: evidence, sealed; checks of it, only ever added; and the two as a policy sees them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Literal

from sqlalchemy import Connection, insert, select

from core.identifiers import new_id
from enrollment.models import Check, Evidence
from enrollment.policy import CheckMade, EvidenceHeld
from enrollment.proofing import Case, CaseStore
from enrollment.sealed import EVIDENCE

Outcome = Literal["pass", "fail", "inconclusive", "unavailable"]
Kind = Literal["validation", "verification", "fraud", "contact"]


class Dossier:
    def __init__(self, cases: CaseStore) -> None:
        self.cases = cases
        self.clock = cases.ground.clock

    def add_evidence(
        self,
        connection: Connection,
        case: Case,
        *,
        type: str,  # noqa: A002 - OpenID Connect for Identity Assurance's word
        source: str,
        attributes: Mapping[str, object],
        captured_by: str = "self",
    ) -> str:
        """Returns the evidence's id. `attributes` are sealed under the case's data key."""
        evidence_id = new_id()
        text = json.dumps(dict(attributes), ensure_ascii=False).encode()
        row: dict[str, object] = {
            "id": evidence_id,
            "case_id": case.id,
            "step": case_step(type),
            "type": type,
            "source": source,
        }
        row |= {"captured_by": captured_by, "captured_at": self.clock.now()}
        sealed = self.cases.seal(case, text, EVIDENCE, id=evidence_id)
        connection.execute(insert(Evidence), row | {"attributes": sealed})
        return evidence_id

    def add_check(
        self, connection: Connection, evidence_id: str, *, kind: Kind, method: str, outcome: Outcome, actor: str
    ) -> None:
        row: dict[str, object] = {
            "id": new_id(),
            "evidence_id": evidence_id,
            "kind": kind,
            "method": method,
            "outcome": outcome,
        }
        connection.execute(insert(Check), row | {"actor": actor, "at": self.clock.now()})

    def attributes(self, connection: Connection, case: Case, type: str) -> dict[str, object] | None:  # noqa: A002
        """What the newest living evidence of this type says."""
        query = select(Evidence.id, Evidence.attributes).where(
            Evidence.case_id == case.id, Evidence.type == type, Evidence.erased_at.is_(None)
        )
        row = connection.execute(query.order_by(Evidence.captured_at.desc()).limit(1)).first()
        if row is None:
            return None
        read: dict[str, object] = json.loads(self.cases.open(case, row[1], EVIDENCE, id=row[0]))
        return read


def inputs_of(connection: Connection, case_id: str) -> tuple[tuple[EvidenceHeld, ...], tuple[CheckMade, ...]]:
    """The living evidence of a case and the checks made of it, as `award` takes them."""
    query = select(Evidence.id, Evidence.type, Evidence.source, Evidence.captured_at)
    held = connection.execute(query.where(Evidence.case_id == case_id, Evidence.erased_at.is_(None))).all()
    evidence = tuple(EvidenceHeld(row[0], row[1], row[2], row[3].isoformat()) for row in held)
    columns = (Check.id, Check.evidence_id, Check.kind, Check.method, Check.outcome, Check.at)
    made = connection.execute(select(*columns).where(Check.evidence_id.in_([each.id for each in evidence]))).all()
    return evidence, tuple(CheckMade(row[0], row[1], row[2], row[3], row[4], row[5].isoformat()) for row in made)


def case_step(evidence_type: str) -> str:
    """At which step evidence is collected; going back there erases it."""
    return {"th_id_card_data": "details", "contact_address": "code"}.get(evidence_type, "inspect")
