"""Claims, OpenID Connect Core section 5: which there are, which a request asks for, which a client may have.

Three things must agree before a claim is released: the request asks for it (by scope or by the `claims` parameter),
the client registered it with a purpose and a legal basis (`prajak_claims`), and the person allowed it (the grant).
The consent page and the tokens ask the same functions here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from enrollment.account import PersonAttributes, VerifiedIdentity
from idp.models.client import RegisteredClient
from idp.oidc.authentication_request import AuthorizationRequest

VERIFIED_CLAIMS = "verified_claims"  # the name under which its assurance and evidence are consented to
CITIZEN_NUMBER = "prajak_citizen_number"


@dataclass(frozen=True)
class Claim:
    """`scope` is the one that asks for it, "" where only the `claims` parameter does. `restricted`: no client has it
    without registering it. `value` gives None where nothing is known.
    """

    name: str
    scope: str
    value: Callable[[PersonAttributes, VerifiedIdentity | None], Any]
    restricted: bool = False
    verifiable: bool = True  # may stand in verified_claims


@dataclass(frozen=True)
class ClaimRelease:
    """One claim that an answer would release. `value` is None where nothing is known. For `verified_claims` it is
    the identity's level, such as "2.1".
    """

    name: str
    value: Any
    purpose: str
    legal_basis: str
    essential: bool


def contact_confirmed(attribute: str) -> Callable[[PersonAttributes, VerifiedIdentity | None], bool | None]:
    """Enrolment keeps an address only after a code that was sent there came back."""
    return lambda person, _identity: True if getattr(person, attribute) else None


def known(attribute: str) -> Callable[[PersonAttributes, VerifiedIdentity | None], str | None]:
    return lambda person, _identity: getattr(person, attribute) or None


def latin(attribute: str) -> Callable[[PersonAttributes, VerifiedIdentity | None], str | None]:
    """Section 5.2: without a tag the Latin form; the Thai one where no other is known."""
    return lambda person, _identity: getattr(person, attribute) or getattr(person, f"{attribute}_th") or None


def address_claim(registered: Mapping[str, str]) -> dict[str, str] | None:
    """Section 5.1.1, as the house registration has it: in Thai, whatever the tag; `country_code` is Identity
    Assurance Claims' section 5.
    """
    if not registered:
        return None
    lines = (
        registered.get("street_address", ""),
        registered.get("locality", ""),
        f"{registered.get('region', '')} {registered.get('postal_code', '')}".strip(),
    )
    formatted = "\n".join(line for line in lines if line)
    return {"formatted": formatted, **registered, "country": "ไทย", "country_code": "THA"}


CATALOGUE: Mapping[str, Claim] = {
    claim.name: claim
    for claim in (
        Claim("name", "profile", lambda person, _: person.name_en or person.name_th or None),
        Claim("name#th", "profile", known("name_th")),
        Claim("given_name", "profile", latin("given_name")),
        Claim("given_name#th", "profile", known("given_name_th")),
        Claim("family_name", "profile", latin("family_name")),
        Claim("family_name#th", "profile", known("family_name_th")),
        Claim("birthdate", "profile", known("birthdate")),
        Claim("email", "email", known("email"), verifiable=False),
        Claim("email_verified", "email", contact_confirmed("email"), verifiable=False),
        Claim("phone_number", "phone", known("phone"), verifiable=False),
        Claim("phone_number_verified", "phone", contact_confirmed("phone"), verifiable=False),
        Claim("salutation", "", latin("title")),  # OpenID Connect for Identity Assurance Claims, section 4
        Claim("salutation#th", "", known("title_th")),
        Claim("address", "address", lambda person, _: address_claim(person.address)),
        Claim("address#th", "address", lambda person, _: address_claim(person.address)),
        Claim(CITIZEN_NUMBER, "", known("citizen_number"), restricted=True),
    )
}
BY_SCOPE: Mapping[str, tuple[str, ...]] = {
    scope: tuple(claim.name for claim in CATALOGUE.values() if claim.scope == scope)
    for scope in ("profile", "email", "phone", "address")
}
SCOPES = ("openid", *BY_SCOPE)
METADATA = {"claims_parameter_supported": True, "claim_types_supported": ["normal"]}
WITH = {"email_verified": "email", "phone_number_verified": "phone_number"}  # registered with the claim they speak of


def requested_claims(request: AuthorizationRequest) -> frozenset[str]:
    """Every catalogued claim that the request asks for, wherever it is to be given."""
    wanted = claims_of_scope(request.scope)
    for destination in ("id_token", "userinfo"):
        wanted |= named_claims(request.claims.get(destination))
    return frozenset(wanted)


def claims_of_scope(scope: Iterable[str]) -> set[str]:
    """Section 5.4."""
    return {name for each in scope for name in BY_SCOPE.get(each, ())}


def named_claims(asked: Mapping[str, Any] | None) -> set[str]:
    """Section 5.5: what one member of the `claims` parameter names; unknown names ask for nothing."""
    if not asked:
        return set()
    names = {name for name in asked if name in CATALOGUE}
    if asked.get(VERIFIED_CLAIMS):
        names |= {VERIFIED_CLAIMS}
        for each in verified_requests(asked):
            names |= {name for name in claims_asked(each) if name in CATALOGUE and CATALOGUE[name].verifiable}
    return names


def verified_requests(asked: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """OpenID Connect for Identity Assurance section 5.6: one request, or several."""
    wanted = asked.get(VERIFIED_CLAIMS) or []
    return list(wanted) if isinstance(wanted, list) else [wanted]


def claims_asked(request: Mapping[str, Any]) -> Mapping[str, Any]:
    """The `claims` of one request; null asks for none."""
    return request["claims"] or {}


def may_have(client: RegisteredClient, name: str) -> bool:
    """What was registered, with or without a language tag; without `prajak_claims`, the unrestricted ones."""
    registered = client.get("prajak_claims")
    if registered is None:
        return name == VERIFIED_CLAIMS or not CATALOGUE[name].restricted
    return registration_of(client, name) is not None


def registration_of(client: RegisteredClient, name: str) -> Mapping[str, Any] | None:
    """The `prajak_claims` entry that covers a claim."""
    base = name.partition("#")[0]
    entries = client.claim_entries
    return entries.get(name) or entries.get(base) or entries.get(WITH.get(base, base))


def consented_names(request: AuthorizationRequest, client: RegisteredClient) -> frozenset[str]:
    """The names that the consent page shows and the grant keeps: asked for, and this client's to have."""
    return frozenset(name for name in requested_claims(request) if may_have(client, name))


def releasable_claims(
    request: AuthorizationRequest,
    client: RegisteredClient,
    attributes: PersonAttributes,
    identity: VerifiedIdentity | None,
) -> list[ClaimRelease]:
    """The same with values, purposes and legal bases, in the catalogue's order: what the consent page lists."""
    names = consented_names(request, client)
    order = [name for name in (*CATALOGUE, VERIFIED_CLAIMS) if name in names]
    asked = asked_individually(request)
    return [claim_release(name, client, attributes, identity, asked=asked.get(name, ())) for name in order]


def claim_release(
    name: str,
    client: RegisteredClient,
    attributes: PersonAttributes,
    identity: VerifiedIdentity | None,
    *,
    asked: Iterable[Mapping[str, Any]],
) -> ClaimRelease:
    """The registered purpose was approved, so it goes before one that only the request has. Section 5.5.1: essential
    means that the service needs it to go on, not that the person must agree.
    """
    asked = tuple(asked)
    entry = registration_of(client, name) or {}
    return ClaimRelease(
        name=name,
        value=claim_value(name, attributes, identity),
        purpose=str(entry.get("purpose") or next((want["purpose"] for want in asked if "purpose" in want), "")),
        legal_basis=str(entry.get("legal_basis", "")),
        essential=bool(entry.get("essential")) or any(want.get("essential") for want in asked),
    )


def claim_value(name: str, attributes: PersonAttributes, identity: VerifiedIdentity | None) -> Any:
    if name == VERIFIED_CLAIMS:
        return identity.ial.value if identity else None
    return CATALOGUE[name].value(attributes, identity)


def asked_individually(request: AuthorizationRequest) -> dict[str, list[Mapping[str, Any]]]:
    """Section 5.5.1: what the request says of single claims, wherever it asks for them."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for destination in ("id_token", "userinfo"):
        asked = request.claims.get(destination) or {}
        for members in (asked, *(claims_asked(each) for each in verified_requests(asked))):
            for name, want in members.items():
                if isinstance(want, dict):
                    found.setdefault(name, []).append(want)
    return found


def claim_values(
    names: Iterable[str], attributes: PersonAttributes, identity: VerifiedIdentity | None
) -> dict[str, Any]:
    """Section 5.3.2: what is not known is left out, never null or empty."""
    wanted = set(names)
    found = {name: CATALOGUE[name].value(attributes, identity) for name in CATALOGUE if name in wanted}
    return {name: value for name, value in found.items() if value is not None}
