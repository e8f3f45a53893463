"""Client metadata, RFC 7591 section 2, OpenID Connect Registration section 2, the extensions that add to them, and our
own `prajak_` members.

One table, a check for each field; then what fields must be together (`rules`). Everything that is wrong is told at
once, each problem with its field. Fields that are not known are dropped (RFC 7591 section 2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from idp.models.jose import (
    DEFAULT_ENCRYPTION_METHOD,
    ENCRYPTION_ALGORITHMS,
    ENCRYPTION_METHODS,
    RESPONSES,
    SIGNING_ALGORITHMS,
    VERIFYING_ALGORITHMS,
)
from idp.models.profile import OWN, PROFILES, ProfileName, default_profile
from idp.oauth2 import rar
from idp.oidc import claims
from idp.registration.fields import (
    Check,
    Context,
    acr,
    address,
    boolean,
    certificate_uri,
    claim_entry,
    host_name,
    key_set,
    list_of,
    mail_address,
    network_address,
    no_user_code,
    one_of,
    one_of_or_none,
    redirect_address,
    request_uri,
    scope,
    seconds,
    statement,
    subject_dn,
    text,
)
from idp.registration.problems import InvalidMetadata, Problem, Wrong
from idp.registration.rules import GRANT_TYPES, OF_PEOPLE, TOGETHER, Rule
from keys.purposes import Purpose

__all__ = ["FIELDS", "RESPONSE_MODES", "Rule", "check_metadata"]

LANGUAGE_TAGGED = re.compile(
    r"(client_name|client_uri|logo_uri|policy_uri|tos_uri)#([A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*)"
)
MAX_MEMBERS = 200
NOT_MOVED: Mapping[Purpose, str] = {}  # the provider signs with what its rules say
RESPONSE_MODES = ("query", "fragment", "form_post", "jwt", "query.jwt", "fragment.jwt", "form_post.jwt")
AUTH_METHODS = PROFILES[ProfileName.OIDC_BASIC].auth_methods  # the widest; each profile narrows it

FIELDS: Mapping[str, Check] = {
    # Who it is: RFC 7591 section 2
    "client_name": text(200),
    "client_uri": address,
    "logo_uri": address,
    "policy_uri": address,
    "tos_uri": address,
    "contacts": list_of(text(255)),
    "application_type": one_of("web", "native"),
    "software_id": text(200),
    "software_version": text(100),
    "software_statement": statement,
    # What it may ask for
    "redirect_uris": list_of(redirect_address, least=1),
    "response_types": list_of(one_of("code")),
    "response_modes": list_of(one_of(*RESPONSE_MODES), least=1),
    "grant_types": list_of(one_of(*GRANT_TYPES)),
    "scope": scope,
    "authorization_details_types": list_of(one_of(*rar.TYPES)),  # RFC 9396 section 10
    "subject_type": one_of("pairwise", "public"),
    "sector_identifier_uri": address,
    "default_max_age": seconds,
    "require_auth_time": boolean,
    "default_acr_values": list_of(acr),
    # How it authenticates: OpenID Connect Core section 9, RFC 8705 section 2
    "jwks": key_set,
    "jwks_uri": address,
    "token_endpoint_auth_method": one_of(*AUTH_METHODS),
    "token_endpoint_auth_signing_alg": one_of(*VERIFYING_ALGORITHMS),
    "tls_client_auth_subject_dn": subject_dn,
    "tls_client_auth_san_dns": host_name,
    "tls_client_auth_san_uri": certificate_uri,
    "tls_client_auth_san_ip": network_address,
    "tls_client_auth_san_email": mail_address,
    "tls_client_certificate_bound_access_tokens": boolean,  # RFC 8705 section 3.4
    "dpop_bound_access_tokens": boolean,  # RFC 9449 section 5.2
    # What it sends: RFC 9101 section 10.5, RFC 9126 section 6, Core section 6
    "require_pushed_authorization_requests": boolean,
    "require_signed_request_object": boolean,
    "request_object_signing_alg": one_of(*VERIFYING_ALGORITHMS),
    "request_object_encryption_alg": one_of(*ENCRYPTION_ALGORITHMS),
    "request_object_encryption_enc": one_of(*ENCRYPTION_METHODS),
    "request_uris": list_of(request_uri),
    # What it gets: Registration section 2, JARM section 3, RFC 9701 section 6
    "id_token_signed_response_alg": one_of(*SIGNING_ALGORITHMS),
    "userinfo_signed_response_alg": one_of_or_none(*SIGNING_ALGORITHMS),
    "authorization_signed_response_alg": one_of(*SIGNING_ALGORITHMS),
    "introspection_signed_response_alg": one_of_or_none(*SIGNING_ALGORITHMS),
    **{f"{response}_encrypted_response_alg": one_of(*ENCRYPTION_ALGORITHMS) for response in RESPONSES},
    **{f"{response}_encrypted_response_enc": one_of(*ENCRYPTION_METHODS) for response in RESPONSES},
    # Beginning and ending: Core section 4, RP-Initiated, Back-Channel and Front-Channel Logout
    "initiate_login_uri": address,
    "post_logout_redirect_uris": list_of(redirect_address),
    "backchannel_logout_uri": address,
    "backchannel_logout_session_required": boolean,
    "frontchannel_logout_uri": address,
    "frontchannel_logout_session_required": boolean,
    # Without a browser of its own: CIBA Core section 4
    "backchannel_token_delivery_mode": one_of("poll", "ping"),
    "backchannel_client_notification_endpoint": address,
    "backchannel_authentication_request_signing_alg": one_of(*VERIFYING_ALGORITHMS),
    "backchannel_user_code_parameter": no_user_code,
    # Ours
    "prajak_profile": one_of(*(name.value for name in ProfileName)),
    "prajak_claims": list_of(claim_entry),
}


def check_metadata(metadata: Any, *, sandbox: bool, own: Mapping[Purpose, str] = NOT_MOVED) -> dict[str, Any]:
    """The metadata as it will be registered, defaults filled in; `own` are the provider's algorithms, if they were
    moved. Raises InvalidMetadata with every problem.
    """
    if not isinstance(metadata, dict):
        raise InvalidMetadata([Problem("metadata", "This must be a JSON object.")])
    if len(metadata) > MAX_MEMBERS:
        raise InvalidMetadata([Problem("metadata", "This has more than %(limit)s members.", {"limit": MAX_MEMBERS})])
    context = Context(sandbox, native=metadata.get("application_type") == "native")
    problems: list[Problem] = []
    checked: dict[str, Any] = {}
    for name, value in metadata.items():
        check = FIELDS.get(name) or tagged_check(name)
        if check is not None:
            check_field(name, value, check, context, checked, problems)
    if not problems:
        complete = with_defaults(checked, sandbox=sandbox, own=own)
        problems = [problem for rule in TOGETHER for problem in rule(complete, sandbox)]
    elif not metadata.get("redirect_uris") and redirects(checked):
        problems.append(Problem("redirect_uris", "This is needed: where do people come back to?"))
    if problems:
        raise InvalidMetadata(unique(problems))
    return complete


def redirects(checked: Mapping[str, Any]) -> bool:
    return "authorization_code" in checked.get("grant_types", ["authorization_code"])


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


def with_defaults(metadata: dict[str, Any], *, sandbox: bool, own: Mapping[Purpose, str]) -> dict[str, Any]:
    """RFC 7591 section 2 and OpenID Connect Registration section 2, except where the profile is stricter."""
    name = ProfileName(metadata.get("prajak_profile") or default_profile(sandbox=sandbox))
    strict = name is not ProfileName.OIDC_BASIC
    grants = metadata.get("grant_types", ["authorization_code"])
    defaults: dict[str, Any] = {
        "application_type": "web",
        "response_types": ["code"] if "authorization_code" in grants else [],
        "grant_types": grants,
        "scope": default_scope(grants),
        "token_endpoint_auth_method": "private_key_jwt" if strict else "client_secret_basic",
        "id_token_signed_response_alg": PROFILES[name].default_algorithm(own.get(Purpose.ID_TOKEN, OWN)),
        "subject_type": "pairwise",
        "prajak_profile": name.value,
    }
    for response in RESPONSES:
        if f"{response}_encrypted_response_alg" in metadata:
            defaults[f"{response}_encrypted_response_enc"] = DEFAULT_ENCRYPTION_METHOD
    complete = defaults | metadata
    return complete | imposed(complete, own)


def default_scope(grants: list[str]) -> str:
    """Whatever people can be asked for; nothing where nobody is asked."""
    if not set(grants) & set(OF_PEOPLE):
        return ""
    offline = ["offline_access"] if "refresh_token" in grants else []
    return " ".join(dict.fromkeys([*(each for each in claims.SCOPES if each != "offline_access"), *offline]))


def imposed(metadata: Mapping[str, Any], own: Mapping[Purpose, str]) -> dict[str, Any]:
    """What the profile says whatever was asked for, written down for the client to see (RFC 7591 section 3.2.1)."""
    rules, by_certificate = PROFILES[ProfileName(metadata["prajak_profile"])], bound_by_certificate(metadata)
    wanted = (
        (rules.par_required, "require_pushed_authorization_requests", True),
        (rules.sender_constrained and by_certificate, "tls_client_certificate_bound_access_tokens", True),
        (rules.sender_constrained and not by_certificate, "dpop_bound_access_tokens", True),
        (rules.signed_request_object_required, "require_signed_request_object", True),
    )
    found = {name: value for holds, name, value in wanted if holds}
    for holds, name, purpose in (
        (
            rules.signed_authorization_response_required,
            "authorization_signed_response_alg",
            Purpose.AUTHORIZATION_RESPONSE,
        ),
        (rules.signed_introspection_required, "introspection_signed_response_alg", Purpose.INTROSPECTION),
    ):
        if holds:
            found[name] = metadata.get(name, rules.default_algorithm(own.get(purpose, OWN)))
    return found


def bound_by_certificate(metadata: Mapping[str, Any]) -> bool:
    """RFC 8705 section 3.4; a client that authenticates by its certificate and says nothing is bound by it too."""
    said = metadata.get("tls_client_certificate_bound_access_tokens")
    if said is None and not metadata.get("dpop_bound_access_tokens"):
        return metadata["token_endpoint_auth_method"] in ("tls_client_auth", "self_signed_tls_client_auth")
    return bool(said)
