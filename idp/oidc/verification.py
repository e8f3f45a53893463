"""The `verification` element, OpenID Identity Assurance Schema Definition 1.0 section 5.4: what proofing really did, in
the specification's words.

What would link a person's visits to two agencies is not in it: no `verification_process`, no `check_id`, no number of a
document, times to the day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from enrollment.account import VerifiedIdentity
from enrollment.policy import CURRENT_POLICY, PASS, CheckMade, EvidenceHeld, load_policy

DEPARTMENT = {"name": "กรมการปกครอง", "country_code": "THA"}  # the Department of Provincial Administration
DOCUMENT_TYPES = {  # enrollment/policy's words → the predefined values of the specification
    "th_id_card": "idcard",
    "th_id_card_chip": "idcard",
    "th_id_card_data": "idcard",
    "th_id_card_copy": "idcard",
}
DOCUMENT_CHECKS = {
    "checksum": "data",
    "card_not_expired": "data",
    "card_inspected": "vpip",  # physically, in person
    "chip_read": "vcrypt",
    "face_compared_in_person": "pvp",  # the person physically, in person
    "face_matched_authoritative_photo": "bvr",
    "liveness": "bvr",
}
REGISTER_CHECKS = {"register_status": "data"}


def metadata() -> dict[str, Any]:
    """OpenID Connect for Identity Assurance section 8, of everything but the claims."""
    return {
        "verified_claims_supported": True,
        "trust_frameworks_supported": [load_policy(CURRENT_POLICY).trust_framework],
        "evidence_supported": ["document", "electronic_record"],
        "documents_supported": sorted(set(DOCUMENT_TYPES.values())),
        "documents_check_methods_supported": sorted(set(DOCUMENT_CHECKS.values())),
        "electronic_records_supported": ["population_register"],
    }


def is_verified(identity: VerifiedIdentity) -> bool:
    """Only what the civil register confirmed is called verified."""
    return any(check.method in REGISTER_CHECKS and check.outcome == PASS for check in identity.checks)


def described(identity: VerifiedIdentity) -> dict[str, Any]:
    """Everything that could be answered; `verified_claims` takes from it what was asked for."""
    return {
        "trust_framework": load_policy(identity.policy).trust_framework,
        "assurance_level": f"ial{identity.ial.value}",
        "assurance_process": {"policy": identity.policy, "procedure": identity.rule},
        "time": day(identity.awarded_at),
        "evidence": [each for held in identity.evidence for each in described_evidence(held, identity.checks)],
    }


def described_evidence(evidence: EvidenceHeld, checks: Sequence[CheckMade]) -> list[dict[str, Any]]:
    """Section 5.4.4: a document, and the register's answer about it, which is an electronic record of its own."""
    passed = [check for check in checks if check.evidence == evidence.id and check.outcome == PASS]
    found: list[dict[str, Any]] = []
    documents = [check_details(check, DOCUMENT_CHECKS) for check in passed if check.method in DOCUMENT_CHECKS]
    if evidence.type in DOCUMENT_TYPES and documents:
        details = {"type": DOCUMENT_TYPES[evidence.type], "issuer": DEPARTMENT}
        found.append({"type": "document", "document_details": details, "check_details": documents})
    records = [check_details(check, REGISTER_CHECKS) for check in passed if check.method in REGISTER_CHECKS]
    if records:
        record = {"type": "population_register", "source": DEPARTMENT}
        found.append({"type": "electronic_record", "record": record, "check_details": records})
    return found


def check_details(check: CheckMade, methods: Mapping[str, str]) -> dict[str, str]:
    return {"check_method": methods[check.method], "time": day(datetime.fromisoformat(check.at))}


def day(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT00:00:00Z")
