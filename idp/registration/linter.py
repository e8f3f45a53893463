"""How a client stands against the strict profile (FAPI 2.0 Security Profile Final), whatever its own profile is, and
what to mend: each rule with its section. MUST is what the profile refuses; SHOULD is advice.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal
from urllib.parse import urlsplit

from idp.models.client import RegisteredClient
from idp.models.profile import FAPI_AUTH_METHODS, PROFILES, ProfileName
from idp.registration.rules import OF_PEOPLE, OURS, PERSONAL_SCOPES, THEIRS

STRICT = PROFILES[ProfileName.FAPI2_SECURITY]
FEW = 2


class Grade(StrEnum):
    A = "A"  # nothing to mend
    B = "B"  # every rule of the strict profile holds
    C = "C"  # one or two do not
    D = "D"  # more do not


@dataclass(frozen=True)
class Finding:
    """`message` is an English gettext msgid with its Thai in this room's catalogue."""

    field: str
    level: Literal["MUST", "SHOULD"]
    section: str
    message: str
    values: Mapping[str, object] = dataclasses.field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.message % self.values if self.values else self.message


@dataclass(frozen=True)
class Report:
    findings: Sequence[Finding]

    @property
    def conforms(self) -> bool:
        """To the strict profile."""
        return not any(finding.level == "MUST" for finding in self.findings)

    @property
    def grade(self) -> Grade:
        broken = sum(finding.level == "MUST" for finding in self.findings)
        if not broken:
            return Grade.B if self.findings else Grade.A
        return Grade.C if broken <= FEW else Grade.D


Lint = Callable[[RegisteredClient], Iterator[Finding]]


def lint(client: RegisteredClient) -> Report:
    """Every rule, the breaches before the advice."""
    found = [finding for rule in RULES for finding in rule(client)]
    return Report(sorted(found, key=lambda finding: finding.level))


def authenticates_by_key(client: RegisteredClient) -> Iterator[Finding]:
    if client.token_endpoint_auth_method not in FAPI_AUTH_METHODS:
        message = "Authenticate by private_key_jwt or by a certificate: a secret that is sent can be copied."
        yield Finding("token_endpoint_auth_method", "MUST", "FAPI 2.0 SP 5.3.2.1", message)


def enforces_the_profile(client: RegisteredClient) -> Iterator[Finding]:
    if ProfileName(client.metadata["prajak_profile"]) is ProfileName.OIDC_BASIC:
        message = "Register fapi2-security: what the client does right is then required of whoever copies it."
        yield Finding("prajak_profile", "MUST", "FAPI 2.0 SP 5.3", message)


def pushes_its_requests(client: RegisteredClient) -> Iterator[Finding]:
    redirects = "authorization_code" in client.grant_types
    if redirects and not client.requires_par:
        message = "Push authorization requests: what goes through the browser can be read and changed there."
        yield Finding("require_pushed_authorization_requests", "MUST", "FAPI 2.0 SP 5.3.2.2", message)


def binds_its_tokens(client: RegisteredClient) -> Iterator[Finding]:
    if not client.requires_bound_tokens:
        message = "Bind access tokens to a DPoP key or to a certificate: a stolen one is then worth nothing."
        yield Finding("dpop_bound_access_tokens", "MUST", "FAPI 2.0 SP 5.3.2.1", message)


def signs_with_strong_algorithms(client: RegisteredClient) -> Iterator[Finding]:
    message = "%(algorithm)s is not one of: %(values)s."
    allowed = dict.fromkeys(OURS, STRICT.signing_algorithms) | dict.fromkeys(THEIRS, STRICT.assertion_algorithms)
    for field, algorithms in allowed.items():
        algorithm = client.get(field)
        if algorithm is not None and algorithm not in algorithms:
            values = {"algorithm": algorithm, "values": ", ".join(algorithms)}
            yield Finding(field, "MUST", "FAPI 2.0 SP 5.4.1", message, values)


def is_reached_over_tls(client: RegisteredClient) -> Iterator[Finding]:
    """Only the sandbox takes plain addresses, on loopback alone; a native app's is its own machine (RFC 8252 7.3)."""
    plain = [each for each in client.redirect_uris if urlsplit(each).scheme == "http"]
    if plain and client.get("application_type") != "native":
        message = "%(address)s is on your own machine: the live service needs an address with https://."
        yield Finding("redirect_uris", "SHOULD", "FAPI 2.0 SP 5.3.2.2", message, {"address": plain[0]})


def is_told_of_logout(client: RegisteredClient) -> Iterator[Finding]:
    if "authorization_code" not in client.grant_types or client.get("application_type") == "native":
        return
    if not client.get("backchannel_logout_uri"):
        message = "Give a back-channel address: else the service goes on after the person signed out."
        yield Finding("backchannel_logout_uri", "SHOULD", "Back-Channel Logout 2.2", message)


def renews_its_keys(client: RegisteredClient) -> Iterator[Finding]:
    if client.get("jwks") and not client.get("jwks_uri"):
        message = "Publish the keys at an address (jwks_uri): they can then be renewed without registering anew."
        yield Finding("jwks", "SHOULD", "FAPI 2.0 SP 5.4.2", message)


def names_its_keys(client: RegisteredClient) -> Iterator[Finding]:
    keys = (client.get("jwks") or {}).get("keys", ())
    if any(not key.get("kid") for key in keys):
        message = "Give each key a kid: the next one can then stand beside it."
        yield Finding("jwks", "SHOULD", "RFC 7517 4.5", message)


def keeps_people_apart(client: RegisteredClient) -> Iterator[Finding]:
    if client.get("subject_type") == "public":
        message = "Take pairwise subjects: a public one lets agencies join what they know of a person."
        yield Finding("subject_type", "SHOULD", "OIDC Core 8.1", message)


def says_what_for(client: RegisteredClient) -> Iterator[Finding]:
    asks_people = set(client.grant_types) & set(OF_PEOPLE)
    if asks_people and PERSONAL_SCOPES & client.scope and client.get("prajak_claims") is None:
        message = "Say which claims are wanted, what for, and by which legal basis."
        yield Finding("prajak_claims", "SHOULD", "PDPA 19, 24", message)


def introduces_itself(client: RegisteredClient) -> Iterator[Finding]:
    wanted = {
        "client_name#th": "Give the name in Thai: people read it when they are asked to agree.",
        "policy_uri": "Give the address of the privacy notice.",
        "contacts": "Give an address for when something is wrong.",
    }
    if not set(client.grant_types) & set(OF_PEOPLE):
        return
    for field, message in wanted.items():
        if not client.get(field):
            yield Finding(field, "SHOULD", "RFC 7591 2", message)


def leaves_unused_grants(client: RegisteredClient) -> Iterator[Finding]:
    if "refresh_token" in client.grant_types and "offline_access" not in client.scope:
        message = "Refresh tokens end with the session here; without need of them, leave the grant out."
        yield Finding("grant_types", "SHOULD", "RFC 9700 2.2.2", message)


RULES: tuple[Lint, ...] = (
    authenticates_by_key,
    enforces_the_profile,
    pushes_its_requests,
    binds_its_tokens,
    signs_with_strong_algorithms,
    is_reached_over_tls,
    is_told_of_logout,
    renews_its_keys,
    names_its_keys,
    keeps_people_apart,
    says_what_for,
    introduces_itself,
    leaves_unused_grants,
)
