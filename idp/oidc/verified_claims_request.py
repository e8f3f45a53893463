"""How `verified_claims` is asked for, OpenID Connect for Identity Assurance 1.0 sections 5.3 to 5.6: read strictly.

What is not known to the specification may stand in a request and asks for nothing; what is known must have the shape
that the specification gives it, or the request is `invalid_request`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from idp.errors import InvalidRequest

MAX_REQUESTS = 5
MAX_EVIDENCE = 10
MAX_CHECKS = 20
MAX_AGE = 10**10  # seconds, three centuries
PURPOSE = range(3, 301)  # characters
WORDS = frozenset({"essential", "purpose", "value", "values", "max_age"})  # what is said of an element, not in it


def check_request(wanted: Any) -> None:
    """Section 5.3: an object, or a list of them (5.6), each with `verification.trust_framework` and `claims`."""
    requests = wanted if isinstance(wanted, list) else [wanted]
    if not 0 < len(requests) <= MAX_REQUESTS:
        raise InvalidRequest(f"claims: verified_claims must be one to {MAX_REQUESTS} requests")
    for each in requests:
        verification = each.get("verification") if isinstance(each, dict) else None
        if not isinstance(verification, dict) or "trust_framework" not in verification:
            raise InvalidRequest("claims: verified_claims must have verification with trust_framework")
        check_claims(each.get("claims", ()))
        check_elements({name: want for name, want in verification.items() if name != "evidence"})
        check_evidence_request(verification.get("evidence"))


def check_claims(claims: Any) -> None:
    """`null` asks for no claim at all; an empty object is a mistake."""
    if claims is not None and (not isinstance(claims, dict) or not claims):
        raise InvalidRequest("claims: verified_claims must have claims, at least one")
    check_elements(claims or {})


def check_elements(wanted: Mapping[str, Any]) -> None:
    for name, want in wanted.items():
        if not isinstance(want, dict | None):
            raise InvalidRequest(f"claims: {name[:60]} must be null or an object")
        check_words(want)


def check_words(wanted: Any) -> None:
    """Section 5.5: `value`, `values` and `max_age`, wherever they stand."""
    for each in wanted if isinstance(wanted, list) else ():
        check_words(each)
    for name, value in wanted.items() if isinstance(wanted, dict) else ():
        check_word(name, value)
        if name not in WORDS:
            check_words(value)


def check_word(name: str, value: Any) -> None:
    if name == "values" and (not isinstance(value, list) or not value):
        raise InvalidRequest("claims: values must be a list with something in it")
    if name == "max_age" and (type(value) is not int or not 0 <= value < MAX_AGE):
        raise InvalidRequest("claims: max_age must be seconds")
    if name == "essential" and not isinstance(value, bool):
        raise InvalidRequest("claims: essential must be true or false")
    if name == "purpose" and (not isinstance(value, str) or len(value) not in PURPOSE):
        raise InvalidRequest("claims: purpose must be text of 3 to 300 characters")


def check_evidence_request(evidence: Any) -> None:
    """Section 5.4: each entry is a filter over one type, named by `value` and never by `values`."""
    if evidence is None:
        return
    if not isinstance(evidence, list) or not 0 < len(evidence) <= MAX_EVIDENCE:
        raise InvalidRequest("claims: evidence must be a list of objects")
    for each in evidence:
        kind = each.get("type") if isinstance(each, dict) else None
        if not isinstance(kind, dict) or not isinstance(kind.get("value"), str) or "values" in kind:
            raise InvalidRequest("claims: each evidence must have a type with a value")
        checks = each.get("check_details")
        if not isinstance(checks, list | None) or len(checks or ()) > MAX_CHECKS:
            raise InvalidRequest("claims: check_details must be a list")
        for check in checks or ():
            if not isinstance(check, dict):
                raise InvalidRequest("claims: check_details must hold objects")
            check_elements(check)
        check_elements({name: want for name, want in each.items() if name != "check_details"})
