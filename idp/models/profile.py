"""Security profiles: what each asks of a client, as data. `prajak_profile` in the client's metadata names one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ProfileName(StrEnum):
    OIDC_BASIC = "oidc-basic"
    FAPI2_SECURITY = "fapi2-security"


@dataclass(frozen=True)
class Profile:
    """FAPI 2.0 Security Profile section 5.3, and what certification's Basic profile needs beside it."""

    pkce_required: bool
    par_required: bool
    sender_constrained: bool  # access tokens are bound to a key
    token_endpoint_as_audience: bool  # beside the issuer, alone, in a client's assertion
    auth_methods: tuple[str, ...]
    assertion_algorithms: tuple[str, ...]


STRONG_ALGORITHMS = ("ES256", "PS256", "EdDSA", "Ed25519")  # FAPI 2.0 Security Profile section 5.4.1

PROFILES = {
    ProfileName.OIDC_BASIC: Profile(
        pkce_required=False,
        par_required=False,
        sender_constrained=False,
        token_endpoint_as_audience=True,
        auth_methods=("private_key_jwt", "client_secret_basic", "client_secret_post", "none"),
        assertion_algorithms=(*STRONG_ALGORITHMS, "RS256"),
    ),
    ProfileName.FAPI2_SECURITY: Profile(
        pkce_required=True,
        par_required=True,
        sender_constrained=True,
        token_endpoint_as_audience=False,
        auth_methods=("private_key_jwt",),
        assertion_algorithms=STRONG_ALGORITHMS,
    ),
}


def default_profile(*, sandbox: bool) -> ProfileName:
    """Where the metadata names none."""
    return ProfileName.OIDC_BASIC if sandbox else ProfileName.FAPI2_SECURITY
