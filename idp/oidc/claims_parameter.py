"""The `claims` parameter, OpenID Connect Core section 5.5: read strictly, unknown claims ignored."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from core.assurance import parse_acr
from idp.errors import InvalidRequest, LoginRequired, UnmetAuthenticationRequirements
from idp.oauth2.authorization_request import Asked
from idp.oauth2.parameters import NotStrictJson, read_json
from idp.oidc.authentication_request import words
from idp.oidc.claims import CATALOGUE, VERIFIED_CLAIMS
from idp.oidc.verified_claims_request import check_request, check_word

MAX_CLAIMS = 16 * 1024
MAX_SUBS = 10
DESTINATIONS = ("id_token", "userinfo")


def assign_claims(asked: Asked) -> Mapping[str, Any]:
    """The two members that the specification knows; `sub` by value names a person like an id_token_hint does."""
    text = asked.parameters.get("claims")
    if text is None:
        return {}
    claims = read_claims(text)
    check_essential_acr(claims, sandbox=asked.sandbox)
    return {"claims": localized(claims, words(asked, "claims_locales"))} | hinted_account(claims, asked)


def read_claims(text: str) -> dict[str, Any]:
    try:
        value = read_json(text, longest=MAX_CLAIMS)
    except NotStrictJson as error:
        raise InvalidRequest(f"claims: {error}") from error
    if not isinstance(value, dict):
        raise InvalidRequest("claims must be a JSON object")
    claims = {name: value[name] for name in DESTINATIONS if value.get(name) is not None}
    for name, asked in claims.items():
        check_destination(name, asked)
    return claims


def localized(claims: Mapping[str, Any], claims_locales: Iterable[str]) -> dict[str, Any]:
    """Section 5.2: a claim asked for without a tag is given in the preferred languages too, where it is known in one.
    It is as if the request had named them: consent page and tokens need not know of locales.
    """
    languages = dict.fromkeys(tag.lower().partition("-")[0] for tag in claims_locales)
    return {destination: tagged(asked, languages) for destination, asked in claims.items()}


def tagged(asked: Mapping[str, Any], languages: Iterable[str]) -> dict[str, Any]:
    found = dict(asked)
    for name, language in ((name, language) for name in asked for language in languages):
        if f"{name}#{language}" in CATALOGUE:
            found.setdefault(f"{name}#{language}", None)
    verified = found.get(VERIFIED_CLAIMS)
    if verified:
        requests = verified if isinstance(verified, list) else [verified]
        answers = [each | {"claims": tagged(each["claims"] or {}, languages) or None} for each in requests]
        found[VERIFIED_CLAIMS] = answers if isinstance(verified, list) else answers[0]
    return found


def check_destination(destination: str, asked: Any) -> None:
    """Section 5.5.1: each claim is null or an object with `essential`, `value` or `values`."""
    if not isinstance(asked, dict):
        raise InvalidRequest(f"claims: {destination} must be an object")
    for name, want in asked.items():
        if name == VERIFIED_CLAIMS:
            if want is not None:
                check_request(want)
            continue
        if not isinstance(want, dict | None):
            raise InvalidRequest(f"claims: {name[:60]} must be null or an object")
        if isinstance(want, dict) and not isinstance(want.get("essential", False), bool):
            raise InvalidRequest(f"claims: essential of {name[:60]} must be true or false")
        if isinstance(want, dict) and not isinstance(want.get("values", []), list):
            raise InvalidRequest(f"claims: values of {name[:60]} must be a list")
        if isinstance(want, dict) and "purpose" in want:
            check_word("purpose", want["purpose"])


def check_essential_acr(claims: Mapping[str, Any], *, sandbox: bool) -> None:
    """Section 5.5.1.1: an essential `acr` that nobody can reach here is refused at once, not after a login."""
    acr = claims.get("id_token", {}).get("acr") or {}
    if not acr.get("essential"):
        return
    values = acr.get("values") or [acr.get("value")]
    if values == [None]:
        return
    if not any(isinstance(each, str) and parse_acr(each, sandbox=sandbox) for each in values):
        raise UnmetAuthenticationRequirements("none of the essential acr values is known here")


def hinted_account(claims: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """Section 5.5.1: `sub` by value names a person, and nobody else may answer for them."""
    named = [wanted_subs(claims.get(name, {}).get("sub") or {}) for name in DESTINATIONS]
    lists = [subs for subs in named if subs]
    if not lists:
        return {}
    accounts = set.intersection(*({asked.hints.account_of_sub(asked.client, sub) for sub in subs} for subs in lists))
    hint = asked.parameters.get("id_token_hint")
    if hint:
        accounts &= {asked.hints.account_of_id_token(asked.client, hint)}
    accounts.discard(None)
    if not accounts:
        raise LoginRequired("claims: sub names nobody known, or another than id_token_hint")
    if len(accounts) > 1:
        raise InvalidRequest("claims: the values of sub must name one person")
    return {"hinted_account_id": accounts.pop()}


def wanted_subs(want: Mapping[str, Any]) -> list[str]:
    subs = want.get("values") or ([want["value"]] if want.get("value") is not None else [])
    if len(subs) > MAX_SUBS or not all(isinstance(sub, str) for sub in subs):
        raise InvalidRequest(f"claims: the values of sub must be at most {MAX_SUBS} texts")
    return list(subs)
