"""What fields of client metadata must be together, and what a profile asks of them. A rule reads the complete metadata
and gives its problems; `TOGETHER` is their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from idp.models.jose import RESPONSES
from idp.oidc import claims
from idp.registration.key_rules import key_problems, needs_keys, profile_of
from idp.registration.problems import Problem

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"  # RFC 8628 section 3.4
CIBA = "urn:openid:params:grant-type:ciba"  # CIBA Core section 4
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - RFC 8693 section 2.1
GRANT_TYPES = ("authorization_code", "refresh_token", "client_credentials", DEVICE_CODE, CIBA, TOKEN_EXCHANGE)
OF_PEOPLE = ("authorization_code", DEVICE_CODE, CIBA)  # grants by which a person's data are asked for
CONFIDENTIAL = ("client_credentials", CIBA, TOKEN_EXCHANGE)  # RFC 6749 4.4, CIBA Core 4, RFC 9700 2.1
CERTIFICATE_SUBJECTS = (  # RFC 8705 section 2.1.2
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
PERSONAL_SCOPES = frozenset({*claims.SCOPES, "address"}) - {"openid", "offline_access"}
OURS = ("id_token_signed_response_alg", "userinfo_signed_response_alg", "authorization_signed_response_alg",
        "introspection_signed_response_alg")  # fmt: skip
THEIRS = ("token_endpoint_auth_signing_alg", "request_object_signing_alg",
          "backchannel_authentication_request_signing_alg")  # fmt: skip

Rule = Callable[[Mapping[str, Any], bool], list[Problem]]


def auth_method_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    field, method = "token_endpoint_auth_method", metadata["token_endpoint_auth_method"]
    allowed = profile_of(metadata).auth_methods
    if method not in allowed:
        return [profile_wants(metadata, field, allowed)]
    if method == "none" and metadata["application_type"] != "native":
        return [Problem(field, "Only native apps may go without authentication.")]
    return []


def grants_fit(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """RFC 7591 section 2.1, and what a client without authentication may not have."""
    grants, problems = metadata["grant_types"], []
    if metadata["token_endpoint_auth_method"] == "none":  # noqa: S105 - the registered word
        message = "A client that does not authenticate cannot have the grant %(grant)s."
        problems += [Problem("grant_types", message, {"grant": each}) for each in grants if each in CONFIDENTIAL][:1]
    if DEVICE_CODE in grants and metadata.get("require_signed_request_object"):
        message = "A client that must sign its requests cannot have the grant %(grant)s."
        problems.append(Problem("grant_types", message, {"grant": DEVICE_CODE}))
    if ("authorization_code" in grants) != ("code" in metadata["response_types"]):
        message = "The grant authorization_code and the response type code belong together."
        problems.append(Problem("response_types", message))
    if "offline_access" in metadata["scope"].split() and "refresh_token" not in grants:
        problems.append(Problem("scope", "The scope offline_access needs the grant refresh_token."))
    return problems


def scope_is_there(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """RFC 6749 section 3.3: who asks people asks them for something."""
    if metadata["scope"] or not set(metadata["grant_types"]) & set(OF_PEOPLE):
        return []
    scopes = {"values": " ".join(claims.SCOPES)}
    return [Problem("scope", "This must be scopes parted by spaces, among: %(values)s.", scopes)]


def redirects_fit(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """Front-Channel Logout section 2: its address is where one of the redirect URIs is."""
    if "authorization_code" in metadata["grant_types"] and not metadata.get("redirect_uris"):
        return [Problem("redirect_uris", "This is needed: where do people come back to?")]
    logout = metadata.get("frontchannel_logout_uri")
    if logout and origin(logout) not in {origin(each) for each in metadata.get("redirect_uris", ())}:
        message = "Its scheme, host and port must be those of one of the redirect_uris."
        return [Problem("frontchannel_logout_uri", message)]
    return []


def origin(address: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(address)
    return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)


def response_modes_fit(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """FAPI 2.0 Message Signing section 5.4.1: without a signed one no request could be answered."""
    modes = metadata.get("response_modes")
    if modes is None or not profile_of(metadata).signed_authorization_response_required:
        return []
    signed = ("jwt", "query.jwt", "fragment.jwt", "form_post.jwt")
    return [] if set(modes) & set(signed) else [profile_wants(metadata, "response_modes", signed)]


def ciba_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """CIBA Core section 4, FAPI-CIBA section 5.2.2."""
    if CIBA not in metadata["grant_types"]:
        return []
    if "backchannel_token_delivery_mode" not in metadata:
        return [needed_by_grant("backchannel_token_delivery_mode")]
    ping = metadata["backchannel_token_delivery_mode"] == "ping"  # noqa: S105 - the registered word
    if ping and "backchannel_client_notification_endpoint" not in metadata:
        return [Problem("backchannel_client_notification_endpoint", "The delivery mode ping needs this.")]
    signed = "backchannel_authentication_request_signing_alg"
    if profile_of(metadata).signed_backchannel_request_required and signed not in metadata:
        return [profile_wants(metadata, signed, profile_of(metadata).assertion_algorithms)]
    return []


def needed_by_grant(field: str) -> Problem:
    return Problem(field, "The grant %(grant)s needs this.", {"grant": CIBA})


def certificate_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """RFC 8705 section 2.1.2: exactly one of them."""
    given = [each for each in CERTIFICATE_SUBJECTS if each in metadata]
    if metadata["token_endpoint_auth_method"] == "tls_client_auth":  # noqa: S105 - the registered word
        if len(given) == 1:
            return []
        values = {"values": ", ".join(CERTIFICATE_SUBJECTS)}
        return [Problem(given[1] if given else CERTIFICATE_SUBJECTS[0], "Give exactly one of: %(values)s.", values)]
    return [Problem(each, "This goes with tls_client_auth alone.") for each in given]


def binding_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """RFC 8705 section 3.4 and RFC 9449 section 5.2: a token has one confirmation."""
    if metadata.get("tls_client_certificate_bound_access_tokens") and metadata.get("dpop_bound_access_tokens"):
        message = "Tokens are bound to a DPoP key or to a certificate, not to both."
        return [Problem("dpop_bound_access_tokens", message)]
    return []


def keys_fit(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    if "jwks" in metadata and "jwks_uri" in metadata:
        return [Problem("jwks_uri", "Give the keys or their address, not both.")]
    if "jwks_uri" in metadata:
        return []  # looked at when they were fetched
    if "jwks" in metadata:
        return key_problems(metadata, metadata["jwks"], "jwks")
    if metadata["token_endpoint_auth_method"] == "private_key_jwt":  # noqa: S105 - the registered word
        return [Problem("jwks", "private_key_jwt needs public keys: jwks or jwks_uri.")]
    if needs_keys(metadata):
        return [Problem("jwks", "What this client signs, or gets encrypted, needs public keys: jwks or jwks_uri.")]
    return []


def algorithms_fit(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """FAPI 2.0 Security Profile section 5.4.1."""
    rules = profile_of(metadata)
    allowed = dict.fromkeys(OURS, rules.signing_algorithms) | dict.fromkeys(THEIRS, rules.assertion_algorithms)
    wrong = [field for field in allowed if field in metadata and metadata[field] not in allowed[field]]
    return [profile_wants(metadata, field, allowed[field]) for field in wrong]


def encryption_fits(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """OpenID Connect Registration section 2: an `enc` stands beside its `alg`."""
    pairs = [(f"{each}_encrypted_response_alg", f"{each}_encrypted_response_enc") for each in RESPONSES]
    pairs.append(("request_object_encryption_alg", "request_object_encryption_enc"))
    message = "Where this is given, %(field)s must be given too."
    return [Problem(enc, message, {"field": alg}) for alg, enc in pairs if enc in metadata and alg not in metadata]


def sector_is_known(metadata: Mapping[str, Any], _: bool) -> list[Problem]:
    """OpenID Connect Core section 8.1: pairwise subjects need one host, or a document that lists all addresses."""
    if metadata["subject_type"] != "pairwise" or "sector_identifier_uri" in metadata:
        return []
    if len(redirect_hosts(metadata)) <= 1 or metadata["application_type"] == "native":
        return []
    message = "The redirect_uris are on several hosts: give a sector_identifier_uri that lists them."
    return [Problem("sector_identifier_uri", message)]


def redirect_hosts(metadata: Mapping[str, Any]) -> set[str]:
    return {urlsplit(each).hostname or "" for each in metadata.get("redirect_uris", ())}


def purposes_are_named(metadata: Mapping[str, Any], sandbox: bool) -> list[Problem]:
    """Outside the sandbox nothing personal is released without a purpose and a legal basis, and nobody unnamed asks."""
    if sandbox:
        return []
    problems = []
    if "client_name" not in metadata:
        problems.append(Problem("client_name", "This is needed: people read it when they are asked to agree."))
    asks_people = set(metadata["grant_types"]) & set(OF_PEOPLE)
    if asks_people and PERSONAL_SCOPES & set(metadata["scope"].split()) and "prajak_claims" not in metadata:
        problems.append(Problem("prajak_claims", "Say which claims are wanted, what for, and by which legal basis."))
    return problems


def profile_wants(metadata: Mapping[str, Any], field: str, allowed: tuple[str, ...]) -> Problem:
    values = {"profile": metadata["prajak_profile"], "values": ", ".join(allowed)}
    return Problem(field, "The profile %(profile)s wants one of: %(values)s.", values)


TOGETHER: tuple[Rule, ...] = (
    auth_method_fits,
    grants_fit,
    scope_is_there,
    redirects_fit,
    response_modes_fit,
    ciba_fits,
    certificate_fits,
    binding_fits,
    algorithms_fit,
    encryption_fits,
    keys_fit,
    sector_is_known,
    purposes_are_named,
)
