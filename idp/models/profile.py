"""Security profiles: what each asks of a client, as data. `prajak_profile` in the client's metadata names one.

FAPI 2.0 Security Profile Final and FAPI 2.0 Message Signing Final (both 2025), and what certification's Basic profile
needs beside them. Nobody else compares names: a rule asks a flag of `client.profile`, or the property of
`RegisteredClient` that joins the flag with what the client itself registered.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from keys.purposes import RULES, Purpose

OWN = str(RULES[Purpose.ID_TOKEN].algorithm)  # the provider's, where nobody has chosen


class ProfileName(StrEnum):
    OIDC_BASIC = "oidc-basic"
    FAPI2_SECURITY = "fapi2-security"
    FAPI2_MESSAGE_SIGNING = "fapi2-message-signing"


@dataclass(frozen=True, kw_only=True)
class Profile:
    """SP is the FAPI 2.0 Security Profile, MS is FAPI 2.0 Message Signing."""

    auth_methods: tuple[str, ...]  # SP 5.3.2.1: by private_key_jwt or mutual TLS; without `none`, confidential only
    assertion_algorithms: tuple[str, ...]  # SP 5.4.1: of whatever the client signs (assertion, proof, request object)
    signing_algorithms: tuple[str, ...]  # SP 5.4.1: of whatever we sign for it; the first is the default
    encryption_algorithms: tuple[str, ...]  # SP 5.4.1: of whatever is encrypted, for it or by it
    token_endpoint_as_audience: bool  # SP 5.3.2.1: beside the issuer, alone, in a client's assertion
    sender_constrained: bool  # SP 5.3.2.1: access tokens are bound to a key, by DPoP or mutual TLS
    pkce_required: bool  # SP 5.3.2.2
    par_required: bool  # SP 5.3.2.2
    refresh_token_rotation: bool  # SP 5.3.2.1: no routine rotation; RFC 9700 4.14.2: rotation elsewhere
    authorization_code_lifetime: timedelta  # SP 5.3.2.1: at most 60 seconds
    request_uri_lifetime: timedelta  # SP 5.3.2.2: less than 600 seconds
    signed_request_object_required: bool  # MS 5.3.1: what is pushed is a signed request object
    request_object_must_expire: bool  # MS 5.3.1: `nbf` and `exp` must be there
    request_object_lifetime: timedelta  # MS 5.3.1: `nbf` at most so long ago, `exp` at most so long after it
    signed_authorization_response_required: bool  # MS 5.4.1: JARM, whatever response_mode was asked for
    signed_introspection_required: bool  # MS 5.5.1: RFC 9701, never plain JSON
    signed_backchannel_request_required: bool  # FAPI-CIBA 5.2.2: the authentication request is a signed JWT

    def default_algorithm(self, own: str = OWN) -> str:
        """What is signed with for a client that chose nothing: the profile's first. Where that is the provider's own,
        and an operator has moved the provider to another (`keys/own_algorithm.py`) that the profile has, that one.
        """
        first = self.signing_algorithms[0]
        return own if first == OWN and own in self.signing_algorithms else first


FAPI_ALGORITHMS = ("ES256", "PS256", "EdDSA")  # SP section 5.4.1
STRONG_ALGORITHMS = (*FAPI_ALGORITHMS, "Ed25519")  # RFC 9864 names the same algorithm in full
FAPI_AUTH_METHODS = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
ALL_ENCRYPTION = ("ECDH-ES", "ECDH-ES+A128KW", "ECDH-ES+A256KW", "RSA-OAEP-256")  # none of them RSA1_5
CODE_LIFETIME = timedelta(seconds=60)
REQUEST_URI_LIFETIME = timedelta(seconds=90)
REQUEST_OBJECT_LIFETIME = timedelta(minutes=60)

FAPI2_SECURITY = Profile(
    auth_methods=FAPI_AUTH_METHODS,
    assertion_algorithms=STRONG_ALGORITHMS,
    signing_algorithms=FAPI_ALGORITHMS,
    encryption_algorithms=ALL_ENCRYPTION,
    token_endpoint_as_audience=False,
    sender_constrained=True,
    pkce_required=True,
    par_required=True,
    refresh_token_rotation=False,
    authorization_code_lifetime=CODE_LIFETIME,
    request_uri_lifetime=REQUEST_URI_LIFETIME,
    signed_request_object_required=False,
    request_object_must_expire=True,
    request_object_lifetime=REQUEST_OBJECT_LIFETIME,
    signed_authorization_response_required=False,
    signed_introspection_required=False,
    signed_backchannel_request_required=True,
)
FAPI2_MESSAGE_SIGNING = replace(
    FAPI2_SECURITY,
    signed_request_object_required=True,
    signed_authorization_response_required=True,
    signed_introspection_required=True,
)

PROFILES = {
    ProfileName.OIDC_BASIC: Profile(
        auth_methods=(*FAPI_AUTH_METHODS, "client_secret_basic", "client_secret_post", "none"),
        assertion_algorithms=(*STRONG_ALGORITHMS, "RS256"),
        signing_algorithms=("RS256", *FAPI_ALGORITHMS),  # OpenID Connect Registration section 2: RS256 by default
        encryption_algorithms=ALL_ENCRYPTION,
        token_endpoint_as_audience=True,
        sender_constrained=False,
        pkce_required=False,
        par_required=False,
        refresh_token_rotation=True,
        authorization_code_lifetime=CODE_LIFETIME,
        request_uri_lifetime=REQUEST_URI_LIFETIME,
        signed_request_object_required=False,
        request_object_must_expire=False,
        request_object_lifetime=REQUEST_OBJECT_LIFETIME,
        signed_authorization_response_required=False,
        signed_introspection_required=False,
        signed_backchannel_request_required=False,
    ),
    ProfileName.FAPI2_SECURITY: FAPI2_SECURITY,
    ProfileName.FAPI2_MESSAGE_SIGNING: FAPI2_MESSAGE_SIGNING,
}


def default_profile(*, sandbox: bool) -> ProfileName:
    """Where the metadata names none."""
    return ProfileName.OIDC_BASIC if sandbox else ProfileName.FAPI2_SECURITY
