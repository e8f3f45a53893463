"""Verified claims, OpenID Connect for Identity Assurance 1.0: answered from what proofing really did.

Section 6: the answer holds what was asked for and nothing else. Where a constraint on `verification` is not met the
whole element is left out, where one on a claim is not met that claim, and where no claim is left the whole again: the
service is never told an error, nor why.

What would link a person's visits to two agencies is not given: no `verification_process`, no `check_id`, times to the
day.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from enrollment.account import PersonAttributes, VerifiedIdentity
from enrollment.policy import CURRENT_POLICY, PASS, CheckMade, EvidenceHeld, load_policy
from idp.errors import InvalidRequest
from idp.oidc.claims import CATALOGUE, claim_values

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
VERIFICATION = ("trust_framework", "assurance_level", "assurance_process", "time", "evidence")
MAX_REQUESTS = 5
MAX_AGE = 10**10


def metadata() -> dict[str, Any]:
    """Section 8."""
    return {
        "verified_claims_supported": True,
        "trust_frameworks_supported": [load_policy(CURRENT_POLICY).trust_framework],
        "evidence_supported": ["document", "electronic_record"],
        "documents_supported": sorted(set(DOCUMENT_TYPES.values())),
        "documents_check_methods_supported": sorted(set(DOCUMENT_CHECKS.values())),
        "electronic_records_supported": ["population_register"],
        "claims_in_verified_claims_supported": [claim.name for claim in CATALOGUE.values() if claim.verifiable],
    }


def check_request(wanted: Any) -> None:
    """Section 6: an object, or a list of them, each with `verification.trust_framework` and at least one claim."""
    requests = wanted if isinstance(wanted, list) else [wanted]
    if not 0 < len(requests) <= MAX_REQUESTS:
        raise InvalidRequest(f"claims: verified_claims must be one to {MAX_REQUESTS} requests")
    for each in requests:
        verification, claims = (each.get(n) for n in ("verification", "claims")) if isinstance(each, dict) else (0, 0)
        if not isinstance(verification, dict) or "trust_framework" not in verification:
            raise InvalidRequest("claims: verified_claims must have verification with trust_framework")
        if not isinstance(claims, dict) or not claims:
            raise InvalidRequest("claims: verified_claims must have claims, at least one")
        check_constraints({**verification, **claims})
        check_evidence_request(verification.get("evidence"))


def check_constraints(wanted: Mapping[str, Any]) -> None:
    for name, constraint in wanted.items():
        if name != "evidence" and not isinstance(constraint, dict | None):
            raise InvalidRequest(f"claims: {name[:60]} must be null or an object")
    check_words(wanted)


def check_words(wanted: Any) -> None:
    """`values` and `max_age`, wherever they stand."""
    for each in wanted if isinstance(wanted, list) else ():
        check_words(each)
    for name, value in wanted.items() if isinstance(wanted, dict) else ():
        if name == "values" and not isinstance(value, list):
            raise InvalidRequest("claims: values must be a list")
        if name == "max_age" and (type(value) is not int or not 0 <= value < MAX_AGE):
            raise InvalidRequest("claims: max_age must be seconds")
        check_words(value)


def check_evidence_request(evidence: Any) -> None:
    if evidence is None:
        return
    if not isinstance(evidence, list) or not evidence or not all(isinstance(each, dict) for each in evidence):
        raise InvalidRequest("claims: evidence must be a list of objects")
    for each in evidence:
        kind = each.get("type")
        if not isinstance(kind, dict) or not isinstance(kind.get("value"), str):
            raise InvalidRequest("claims: each evidence must have a type with a value")
        if not isinstance(each.get("check_details"), list | None):
            raise InvalidRequest("claims: check_details must be a list")


def verified_claims(
    requests: Sequence[Mapping[str, Any]],
    allowed: frozenset[str],
    attributes: PersonAttributes,
    identity: VerifiedIdentity | None,
    *,
    now: datetime,
) -> Any:
    """The value of `verified_claims`, or None to leave it out. `allowed` are the claim names that may be released."""
    if identity is None or not is_verified(identity):
        return None
    answers = [answer(each, allowed, attributes, identity, now) for each in requests]
    found = [each for each in answers if each is not None]
    if not found:
        return None
    return found[0] if len(found) == 1 else found


def is_verified(identity: VerifiedIdentity) -> bool:
    """Only what the civil register confirmed is called verified."""
    return any(check.method in REGISTER_CHECKS and check.outcome == PASS for check in identity.checks)


def answer(
    request: Mapping[str, Any],
    allowed: frozenset[str],
    attributes: PersonAttributes,
    identity: VerifiedIdentity,
    now: datetime,
) -> dict[str, Any] | None:
    verification = verification_answer(request["verification"], identity, now)
    wanted = {name: want for name, want in request["claims"].items() if name in allowed and is_verifiable(name)}
    values = claim_values(wanted, attributes, identity)
    claims = {name: value for name, value in values.items() if meets(value, wanted[name])}
    if verification is None or not claims:
        return None
    return {"verification": verification, "claims": claims}


def is_verifiable(name: str) -> bool:
    return name in CATALOGUE and CATALOGUE[name].verifiable


def verification_answer(wanted: Mapping[str, Any], identity: VerifiedIdentity, now: datetime) -> dict[str, Any] | None:
    """`trust_framework` always, the rest where asked for; None where a constraint is not met."""
    held = {
        "trust_framework": load_policy(identity.policy).trust_framework,
        "assurance_level": f"ial{identity.ial.value}",
        "assurance_process": {"policy": identity.policy, "procedure": identity.rule},
        "time": day(identity.awarded_at),
    }
    for name, want in wanted.items():
        if name in held and not meets(held[name], want):
            return None
    if not young_enough(identity.awarded_at, wanted.get("time"), now):
        return None
    answered = {name: value for name, value in held.items() if name in wanted}
    if wanted.get("evidence") is None:
        return answered
    evidence = evidence_answer(wanted["evidence"], identity)
    return answered | {"evidence": evidence} if evidence else None


def meets(value: Any, want: Any) -> bool:
    """`value` and `values`; for an object, each member that is asked for."""
    if not isinstance(want, dict):
        return True
    if isinstance(value, dict):
        return all(meets(value.get(name), part) for name, part in want.items() if isinstance(part, dict))
    if "value" in want and want["value"] != value:
        return False
    return "values" not in want or value in want["values"]


def young_enough(moment: datetime, want: Any, now: datetime) -> bool:
    """`max_age` in seconds on a time."""
    if not isinstance(want, dict) or "max_age" not in want:
        return True
    return now - moment <= timedelta(seconds=want["max_age"])


def evidence_answer(wanted: Sequence[Mapping[str, Any]], identity: VerifiedIdentity) -> list[dict[str, Any]]:
    """What fits any of the kinds asked for: type, its details, and one of the check methods named."""
    held = [each for item in identity.evidence for each in described(item, identity.checks)]
    return [each for each in held if any(evidence_meets(each, want) for want in wanted)]


def evidence_meets(held: Mapping[str, Any], want: Mapping[str, Any]) -> bool:
    if not meets(held["type"], want["type"]):
        return False
    for name in ("document_details", "record"):
        if isinstance(want.get(name), dict) and not meets(held.get(name, {}), want[name]):
            return False
    methods = [each.get("check_method") for each in want.get("check_details") or () if isinstance(each, dict)]
    return not methods or any(meets(made["check_method"], one) for made in held["check_details"] for one in methods)


def described(evidence: EvidenceHeld, checks: Sequence[CheckMade]) -> list[dict[str, Any]]:
    """Section 5: one piece of evidence in the specification's words; the register's answer is one of its own."""
    passed = [check for check in checks if check.evidence == evidence.id and check.outcome == PASS]
    found = []
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
