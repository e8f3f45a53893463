"""Client metadata, RFC 7591 section 2, OpenID Connect Registration section 2, and our own `prajak_` members.

One table, a check for each field; then what fields must be together. Everything that is wrong is told at once, each
problem with its field. Fields that are not known are dropped (RFC 7591 section 2); those that are known and not served
are refused, because a client that registered one would rely on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.assurance import parse_acr
from idp.models.profile import PROFILES, Profile, ProfileName, default_profile
from idp.oauth2 import rar
from idp.oauth2.compact_jws import KEY_OF_ALGORITHM
from idp.oidc import claims, id_token
from idp.registration.client_keys import BadKeys, check_key_set
from idp.registration.problems import InvalidMetadata, Problem, Wrong
from idp.registration.uris import check_redirect_address, check_web_address

LANGUAGE_TAGGED = re.compile(r"(client_name|client_uri|policy_uri|tos_uri)#([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)")
# Personal Data Protection Act B.E. 2562, sections 19 and 24
LEGAL_BASES = ("consent", "contract", "public_task", "legitimate_interest", "legal_obligation", "vital_interest")
CLAIM_NAMES = (*claims.CATALOGUE, claims.VERIFIED_CLAIMS)
MAX_LIST = 20
MAX_SECONDS = 10**9
PERSONAL_SCOPES = frozenset(claims.SCOPES) - {"openid"}


@dataclass(frozen=True)
class Context:
    sandbox: bool
    native: bool


Check = Callable[[Any, Context], Any]


def text(longest: int) -> Check:
    def check(value: Any, _: Context) -> str:
        if not isinstance(value, str) or not value.strip():
            raise Wrong("This must be a text.")
        if len(value) > longest:
            raise Wrong("This is longer than %(limit)s characters.", limit=longest)
        if not value.isprintable():
            raise Wrong("This has a character that cannot be shown.")
        return value.strip()

    return check


def one_of(*values: str) -> Check:
    def check(value: Any, _: Context) -> str:
        if value not in values:
            raise Wrong("This must be one of: %(values)s.", values=", ".join(values))
        return str(value)

    return check


def list_of(item: Check, *, least: int = 0) -> Check:
    def check(value: Any, context: Context) -> list[Any]:
        if not isinstance(value, list) or not least <= len(value) <= MAX_LIST:
            raise Wrong("This must be a list of %(least)s to %(limit)s values.", least=least, limit=MAX_LIST)
        found = [item(each, context) for each in value]
        if len({str(each) for each in found}) != len(found):
            raise Wrong("A value is there more than once.")
        return found

    return check


def boolean(value: Any, _: Context) -> bool:
    if not isinstance(value, bool):
        raise Wrong("This must be true or false.")
    return value


def seconds(value: Any, _: Context) -> int:
    if type(value) is not int or not 0 <= value < MAX_SECONDS:
        raise Wrong("This must be a number of seconds.")
    return value


def address(value: Any, context: Context) -> str:
    return check_web_address(value, sandbox=context.sandbox)


def redirect_address(value: Any, context: Context) -> str:
    return check_redirect_address(value, sandbox=context.sandbox, native=context.native)


def scope(value: Any, _: Context) -> str:
    words = value.split() if isinstance(value, str) else []
    unknown = [word for word in words if word not in claims.SCOPES]
    if not words or unknown:
        raise Wrong("This must be scopes parted by spaces, among: %(values)s.", values=" ".join(claims.SCOPES))
    return " ".join(dict.fromkeys(words))


def key_set(value: Any, _: Context) -> dict[str, Any]:
    try:
        return check_key_set(value)
    except BadKeys as error:
        raise Wrong("The key set cannot be used: %(why)s.", why=str(error)) from error


def acr(value: Any, context: Context) -> str:
    if not isinstance(value, str) or parse_acr(value, sandbox=context.sandbox) is None:
        raise Wrong("%(value)s is not a level of assurance that is known here.", value=str(value)[:60])
    return value


def profile(value: Any, _: Context) -> str:
    if value == "fapi2-message-signing":
        raise Wrong("This profile is not built yet; %(profile)s is the strictest there is.", profile="fapi2-security")
    return str(one_of(*(name.value for name in ProfileName))(value, _))


def claim_entry(value: Any, context: Context) -> dict[str, Any]:
    """A claim this client wants, what for, and by which right: what the consent page shows."""
    if not isinstance(value, dict) or value.get("claim") not in CLAIM_NAMES:
        raise Wrong("Each entry needs a claim, one of: %(values)s.", values=", ".join(CLAIM_NAMES))
    name = value["claim"]
    if value.get("legal_basis") not in LEGAL_BASES:
        raise Wrong("%(claim)s needs a legal_basis, one of: %(values)s.", claim=name, values=", ".join(LEGAL_BASES))
    if not isinstance(value.get("essential", False), bool):
        raise Wrong("%(claim)s: essential must be true or false.", claim=name)
    entry: dict[str, Any] = {"claim": name, "legal_basis": value["legal_basis"]}
    entry["essential"] = value.get("essential", False)
    for purpose in ("purpose", "purpose#th", "purpose#en"):
        if purpose in value or purpose == "purpose":
            entry[purpose] = purpose_text(name, value.get(purpose), context)
    return entry


def purpose_text(claim: str, value: Any, context: Context) -> str:
    try:
        return str(text(300)(value, context))
    except Wrong as error:
        raise Wrong(
            "%(claim)s needs a purpose that people can read, of at most 300 characters.", claim=claim
        ) from error


def not_served(value: Any, _: Context) -> Any:
    if value in (None, False, "none", []):
        return None
    raise Wrong("This is not served here yet; leave it out.")


FIELDS: Mapping[str, Check] = {
    "client_name": text(200),
    "client_uri": address,
    "logo_uri": address,
    "policy_uri": address,
    "tos_uri": address,
    "contacts": list_of(text(255)),
    "application_type": one_of("web", "native"),
    "redirect_uris": list_of(redirect_address, least=1),
    "response_types": list_of(one_of("code"), least=1),
    "grant_types": list_of(one_of("authorization_code"), least=1),
    "scope": scope,
    "jwks": key_set,
    "jwks_uri": address,
    "token_endpoint_auth_method": one_of("private_key_jwt", "client_secret_basic", "client_secret_post", "none"),
    "token_endpoint_auth_signing_alg": one_of(*KEY_OF_ALGORITHM),
    "id_token_signed_response_alg": one_of(*id_token.ALGORITHMS),
    "subject_type": one_of("pairwise", "public"),
    "sector_identifier_uri": address,
    "default_max_age": seconds,
    "require_auth_time": boolean,
    "default_acr_values": list_of(acr),
    "initiate_login_uri": address,
    "post_logout_redirect_uris": list_of(redirect_address),
    "backchannel_logout_uri": address,
    "backchannel_logout_session_required": boolean,
    "require_pushed_authorization_requests": boolean,
    "dpop_bound_access_tokens": boolean,
    "authorization_details_types": list_of(one_of(*rar.TYPES)),
    "software_id": text(200),
    "software_version": text(100),
    "prajak_profile": profile,
    "prajak_claims": list_of(claim_entry),
    "software_statement": not_served,
    "userinfo_signed_response_alg": not_served,
    "userinfo_encrypted_response_alg": not_served,
    "id_token_encrypted_response_alg": not_served,
    "request_object_signing_alg": not_served,
    "require_signed_request_object": not_served,
    "request_uris": not_served,
    "authorization_signed_response_alg": not_served,
    "introspection_signed_response_alg": not_served,
    "frontchannel_logout_uri": not_served,
    "tls_client_certificate_bound_access_tokens": not_served,
}


def check_metadata(metadata: Any, *, sandbox: bool) -> dict[str, Any]:
    """The metadata as it will be registered, defaults filled in. Raises InvalidMetadata with every problem."""
    if not isinstance(metadata, dict):
        raise InvalidMetadata([Problem("metadata", "This must be a JSON object.")])
    context = Context(sandbox, native=metadata.get("application_type") == "native")
    problems: list[Problem] = []
    checked: dict[str, Any] = {}
    for name, value in metadata.items():
        check = FIELDS.get(name) or tagged_check(name)
        if check is not None:
            check_field(name, value, check, context, checked, problems)
    if not metadata.get("redirect_uris"):
        problems.append(Problem("redirect_uris", "This is needed: where do people come back to?"))
    if problems:
        raise InvalidMetadata(unique(problems))
    complete = with_defaults(checked, sandbox=sandbox)
    problems = [problem for rule in TOGETHER for problem in rule(complete, sandbox)]
    if problems:
        raise InvalidMetadata(problems)
    return complete


def tagged_check(name: str) -> Check | None:
    """RFC 7591 section 2.2: client_name#th and the like."""
    found = LANGUAGE_TAGGED.fullmatch(name) if isinstance(name, str) else None
    return FIELDS[found[1]] if found else None


def check_field(  # noqa: PLR0917 - where to read and where to write
    name: str, value: Any, check: Check, context: Context, checked: dict[str, Any], problems: list[Problem]
) -> None:
    """RFC 7591 section 2: null is the same as left out."""
    if value is None:
        return
    try:
        found = check(value, context)
    except Wrong as error:
        problems.append(Problem(name, error.message, error.values))
        return
    if found is not None:
        checked[name] = found


def unique(problems: list[Problem]) -> list[Problem]:
    """One for each field: the first."""
    return list({problem.field: problem for problem in reversed(problems)}.values())[::-1]


def with_defaults(metadata: dict[str, Any], *, sandbox: bool) -> dict[str, Any]:
    """RFC 7591 section 2 and OpenID Connect Registration section 2, except where the profile is stricter."""
    name = metadata.get("prajak_profile") or default_profile(sandbox=sandbox).value
    strict = ProfileName(name) is not ProfileName.OIDC_BASIC
    defaults: dict[str, Any] = {
        "application_type": "web",
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        "scope": " ".join(claims.SCOPES),
        "token_endpoint_auth_method": "private_key_jwt" if strict else "client_secret_basic",
        "id_token_signed_response_alg": id_token.ALGORITHMS[0],
        "subject_type": "pairwise",
        "prajak_profile": name,
    }
    return defaults | metadata


Rule = Callable[[Mapping[str, Any], bool], list[Problem]]


def profile_of(metadata: Mapping[str, Any]) -> Profile:
    return PROFILES[ProfileName(metadata["prajak_profile"])]


def auth_method_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    field, method = "token_endpoint_auth_method", metadata["token_endpoint_auth_method"]
    allowed = profile_of(metadata).auth_methods
    if method not in allowed:
        name = metadata["prajak_profile"]
        return [
            Problem(
                field,
                "The profile %(profile)s wants one of: %(values)s.",
                {"profile": name, "values": ", ".join(allowed)},
            )
        ]
    if method == "none" and metadata["application_type"] != "native":
        return [Problem(field, "Only native apps may go without authentication.")]
    return []


def keys_fit(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    if "jwks" in metadata and "jwks_uri" in metadata:
        return [Problem("jwks_uri", "Give the keys or their address, not both.")]
    if metadata["token_endpoint_auth_method"] != "private_key_jwt":  # noqa: S105 - the registered word
        return []
    if "jwks" not in metadata and "jwks_uri" not in metadata:
        return [Problem("jwks", "private_key_jwt needs public keys: jwks or jwks_uri.")]
    return [] if "jwks_uri" in metadata else usable_keys(metadata, metadata["jwks"], "jwks")


def usable_keys(metadata: Mapping[str, Any], jwks: Mapping[str, Any], field: str) -> list[Problem]:
    """At least one key by which the client can authenticate; also asked of what `jwks_uri` gave."""
    named = metadata.get("token_endpoint_auth_signing_alg")
    algorithms = (named,) if named else profile_of(metadata).assertion_algorithms
    kinds = {KEY_OF_ALGORITHM[each] for each in algorithms}
    for key in jwks["keys"]:
        kind = (key.get("kty"), "" if key.get("kty") == "RSA" else key.get("crv", ""))
        if key.get("use", "sig") == "sig" and kind in kinds and key.get("alg", algorithms[0]) in algorithms:
            return []
    return [Problem(field, "No key is one for signing with: %(values)s.", {"values": ", ".join(algorithms)})]


def signing_alg_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    field, allowed = "token_endpoint_auth_signing_alg", profile_of(metadata).assertion_algorithms
    if metadata.get(field, allowed[0]) in allowed:
        return []
    values = {"profile": metadata["prajak_profile"], "values": ", ".join(allowed)}
    return [Problem(field, "The profile %(profile)s wants one of: %(values)s.", values)]


def sector_is_known(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """OpenID Connect Core section 8.1: pairwise subjects need one host, or a document that lists all addresses."""
    if metadata["subject_type"] != "pairwise" or "sector_identifier_uri" in metadata:
        return []
    if len(redirect_hosts(metadata)) <= 1 or metadata["application_type"] == "native":
        return []
    return [
        Problem(
            "sector_identifier_uri",
            "The redirect_uris are on several hosts: give a sector_identifier_uri that lists them.",
        )
    ]


def redirect_hosts(metadata: Mapping[str, Any]) -> set[str]:
    return {urlsplit(each).hostname or "" for each in metadata["redirect_uris"]}


def purposes_are_named(metadata: Mapping[str, Any], sandbox: bool) -> list[Problem]:
    """Outside the sandbox nothing personal is released without a purpose and a legal basis, and nobody unnamed asks."""
    if sandbox:
        return []
    problems = []
    if "client_name" not in metadata:
        problems.append(Problem("client_name", "This is needed: people read it when they are asked to agree."))
    if PERSONAL_SCOPES & set(metadata["scope"].split()) and "prajak_claims" not in metadata:
        problems.append(Problem("prajak_claims", "Say which claims are wanted, what for, and by which legal basis."))
    return problems


TOGETHER: tuple[Rule, ...] = (auth_method_fits, keys_fit, signing_alg_fits, sector_is_known, purposes_are_named)
