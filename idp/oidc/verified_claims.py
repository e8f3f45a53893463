"""Verified claims, OpenID Connect for Identity Assurance 1.0: answered from what proofing really did.

Sections 5.4 and 7: the answer holds what was asked for and nothing else: each element of `verification` is there only
where the request names it, to the depth at which it does. Section 5.7: where a constraint on `verification` is not met
the whole element is left out, where one on a claim is not met that claim, and where no claim is left the whole again.
The service is never told an error, nor why; `essential` changes nothing of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from enrollment.account import PersonAttributes, VerifiedIdentity
from idp.oidc import verification
from idp.oidc.claims import CATALOGUE, claim_values, claims_asked
from idp.oidc.verified_claims_request import WORDS

REQUIRED = frozenset({"type", "check_method"})  # the schema wants them wherever their element is


class Unmet(Exception):
    """A constraint that what is held does not meet."""


def metadata() -> dict[str, Any]:
    """Section 8."""
    names = [claim.name for claim in CATALOGUE.values() if claim.verifiable]
    return verification.metadata() | {"claims_in_verified_claims_supported": names}


def verified_claims(
    requests: Sequence[Mapping[str, Any]],
    allowed: frozenset[str],
    attributes: PersonAttributes,
    identity: VerifiedIdentity | None,
    *,
    now: datetime,
) -> Any:
    """The value of `verified_claims`, or None to leave it out. `allowed` are the claim names that may be released.
    Section 5.6: each request is answered by itself.
    """
    if identity is None or not verification.is_verified(identity):
        return None
    answers = [answer(each, allowed, attributes, identity, now) for each in requests]
    found = [each for each in answers if each is not None]
    if not found:
        return None
    return found[0] if len(found) == 1 else found


def answer(
    request: Mapping[str, Any],
    allowed: frozenset[str],
    attributes: PersonAttributes,
    identity: VerifiedIdentity,
    now: datetime,
) -> dict[str, Any] | None:
    wanted = {name: want for name, want in claims_asked(request).items() if name in allowed and is_verifiable(name)}
    values = claim_values(wanted, attributes, identity)
    claims = {name: value for name, value in values.items() if is_met(value, wanted[name], now)}
    try:
        verified = verification_answer(request["verification"], verification.described(identity), now)
    except Unmet:
        return None
    return {"verification": verified, "claims": claims} if claims else None


def is_verifiable(name: str) -> bool:
    return name in CATALOGUE and CATALOGUE[name].verifiable


def verification_answer(wanted: Mapping[str, Any], held: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """`trust_framework` always, the rest where asked for. Raises Unmet."""
    elements = {name: want for name, want in wanted.items() if name != "evidence"}
    found = members(held, elements, now)
    if wanted.get("evidence") is not None:
        found["evidence"] = evidence_answer(wanted["evidence"], held["evidence"], now)
    return found


def part(held: Any, want: Any, now: datetime) -> Any:
    """What is asked for of one element, None where there is nothing; raises Unmet."""
    if not isinstance(want, dict):
        return held
    check_constraints(held, want, now)
    if isinstance(held, dict) or held is None:
        return members(held or {}, want, now) or None
    return held


def members(held: Mapping[str, Any], wanted: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    named = {name: part(held.get(name), want, now) for name, want in wanted.items() if name not in WORDS}
    required = {name: held[name] for name in REQUIRED & held.keys()}
    return required | {name: value for name, value in named.items() if value is not None}


def evidence_answer(
    wanted: Sequence[Mapping[str, Any]], held: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Section 5.4: the entries are filters linked by OR, and the first that fits is the template."""
    found = [each for each in (first_fitting(item, wanted, now) for item in held) if each is not None]
    if not found:
        raise Unmet
    return found


def first_fitting(held: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any] | None:
    for template in wanted:
        try:
            return one_evidence(held, template, now)
        except Unmet:
            continue
    return None


def one_evidence(held: Mapping[str, Any], template: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    found = members(held, {name: want for name, want in template.items() if name != "check_details"}, now)
    if "check_details" in template:
        found["check_details"] = checks_answer(template["check_details"], held["check_details"], now)
    return found


def checks_answer(
    wanted: Sequence[Mapping[str, Any]] | None, held: Sequence[Mapping[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    """Those that fit any of the filters; raises Unmet where none does."""
    if not wanted:
        return [dict(each) for each in held]
    found = [each for each in (first_check(item, wanted, now) for item in held) if each is not None]
    if not found:
        raise Unmet
    return found


def first_check(held: Mapping[str, Any], wanted: Sequence[Mapping[str, Any]], now: datetime) -> dict[str, Any] | None:
    for template in wanted:
        try:
            return members(held, template, now)
        except Unmet:
            continue
    return None


def is_met(value: Any, want: Any, now: datetime) -> bool:
    """Of a claim: it is given whole or not at all."""
    try:
        check_constraints(value, want or {}, now)
    except Unmet:
        return False
    return True


def check_constraints(held: Any, want: Mapping[str, Any], now: datetime) -> None:
    """Section 5.5: `value`, `values`, `max_age`. What is not held meets none of them."""
    if "value" in want and want["value"] != held:
        raise Unmet
    if "values" in want and held not in want["values"]:
        raise Unmet
    if "max_age" in want and not is_young(held, want["max_age"], now):
        raise Unmet


def is_young(held: Any, max_age: int, now: datetime) -> bool:
    """Section 5.5.2: counted from the last valid second of a date. A time of ours is the day's first second, and it is
    that value which must be young enough: a service that counts for itself comes to the same result.
    """
    if not isinstance(held, str):
        return False
    try:
        moment = datetime.fromisoformat(held)
    except ValueError:
        return False
    if "T" not in held:
        moment += timedelta(days=1, seconds=-1)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return now - moment <= timedelta(seconds=max_age)
