"""The form of a client and its RFC 7591 metadata: one into the other, without losing what was typed.

What is right is decided by `registration/client_metadata`; here only the shapes differ: a textarea is a list, a
checkbox with four fields is one entry of `prajak_claims`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext
from werkzeug.datastructures import MultiDict

from core.errors import PrajakError
from idp.oidc.claims import CATALOGUE, VERIFIED_CLAIMS, WITH
from idp.registration.problems import Problem

# One checkbox covers a claim in every language, and whether its address was confirmed.
OFFERED_CLAIMS = (*(name for name in CATALOGUE if "#" not in name and name not in WITH), VERIFIED_CLAIMS)
LISTS = ("redirect_uris", "post_logout_redirect_uris")
TEXTS = ("client_uri", "policy_uri", "tos_uri", "backchannel_logout_uri")
BOUND_PROFILES = ("fapi2-security", "fapi2-message-signing")  # tokens are bound to a key (RFC 9449)
BOUND_BY_CERTIFICATE = "tls_client_certificate_bound_access_tokens"  # RFC 8705: instead
# An error about the one is shown at the other.
NAMES = {
    "client_name": "name_en",
    "client_name#th": "name_th",
    "prajak_profile": "profile",
    "token_endpoint_auth_method": "profile",
    "token_endpoint_auth_signing_alg": "jwks",
    "sector_identifier_uri": "redirect_uris",
    "prajak_claims": "claims",
}
FORM_MEMBERS = frozenset({
    "client_name", "client_name#th", "prajak_profile", "prajak_claims", "jwks", "jwks_uri", "dpop_bound_access_tokens",
    "backchannel_logout_session_required", *LISTS, *TEXTS,
})  # fmt: skip

# What a profile had written down is not the next profile's.
IMPOSED = frozenset({
    "require_pushed_authorization_requests", "require_signed_request_object", "id_token_signed_response_alg",
    "authorization_signed_response_alg", "introspection_signed_response_alg",
})  # fmt: skip


@dataclass(frozen=True)
class WantedClaim:
    """What was typed about one claim."""

    wanted: bool = False
    purpose: str = ""
    purpose_th: str = ""
    legal_basis: str = ""
    essential: bool = False


@dataclass(frozen=True)
class ClientForm:
    """The fields as typed. `key_source` says which of the two fields below it counts."""

    name_th: str = ""
    name_en: str = ""
    profile: str = ""
    redirect_uris: str = ""
    post_logout_redirect_uris: str = ""
    backchannel_logout_uri: str = ""
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    key_source: str = "jwks"
    jwks: str = ""
    jwks_uri: str = ""
    claims: Mapping[str, WantedClaim] = field(default_factory=dict)

    def claim(self, name: str) -> WantedClaim:
        return self.claims.get(name, WantedClaim())


def read_form(form: MultiDict[str, str]) -> ClientForm:
    plain = {name: form.get(name, "").strip() for name in ClientForm.__dataclass_fields__ if name != "claims"}
    return ClientForm(**plain, claims={name: read_claim(form, name) for name in OFFERED_CLAIMS})


def read_claim(form: MultiDict[str, str], name: str) -> WantedClaim:
    return WantedClaim(
        wanted=f"claim-{name}" in form,
        purpose=form.get(f"purpose-{name}", "").strip(),
        purpose_th=form.get(f"purpose_th-{name}", "").strip(),
        legal_basis=form.get(f"legal_basis-{name}", "").strip(),
        essential=f"essential-{name}" in form,
    )


def metadata_of(form: ClientForm, registered: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """RFC 7591 section 2. Members that stay empty are left out; those that the form does not show are kept.

    Raises FormProblems for what only the form can know: keys that are no JSON, a purpose in one language only.
    """
    before = registered or {}
    replaced = FORM_MEMBERS | (IMPOSED if before.get("prajak_profile") != form.profile else frozenset())
    kept = {name: value for name, value in before.items() if name not in replaced}
    problems = missing(form)
    typed: dict[str, Any] = {
        "client_name": form.name_en,
        "client_name#th": form.name_th,
        "prajak_profile": form.profile,
        "dpop_bound_access_tokens": form.profile in BOUND_PROFILES and not kept.get(BOUND_BY_CERTIFICATE),
        "backchannel_logout_session_required": bool(form.backchannel_logout_uri),
        "jwks_uri": form.jwks_uri if form.key_source == "jwks_uri" else "",
    }
    typed |= {name: getattr(form, name).split() for name in LISTS}
    typed |= {name: getattr(form, name) for name in TEXTS}
    typed = {name: value for name, value in typed.items() if value}
    if form.key_source == "jwks" and form.jwks:
        try:
            typed["jwks"] = key_set(json.loads(form.jwks))
        except (ValueError, RecursionError):
            problems["jwks"] = gettext("This is not JSON. Paste the whole key set, from { to }.")
    typed["prajak_claims"] = [entry_of(name, claim) for name, claim in form.claims.items() if claim.wanted]
    if problems:
        raise FormProblems(problems, typed)
    usual = {"token_endpoint_auth_method": "private_key_jwt", "id_token_signed_response_alg": "ES256"}
    return usual | kept | typed


def missing(form: ClientForm) -> dict[str, str]:
    """What people read must stand in both languages, so that no page changes its language in the middle."""
    problems = {name: gettext("Write the name.") for name in ("name_th", "name_en") if not getattr(form, name)}
    for name, claim in form.claims.items():
        if not claim.wanted:
            continue
        for field_name in ("purpose_th", "purpose"):
            if not getattr(claim, field_name):
                problems[f"{field_name}-{name}"] = gettext("Say what the data are needed for.")
        if not claim.legal_basis:
            problems[f"legal_basis-{name}"] = gettext("Choose the legal basis.")
    return problems


class FormProblems(PrajakError):
    """Field of the form → sentence. `typed` is the metadata as far as it could be read, for the checks that follow."""

    def __init__(self, fields: Mapping[str, str], typed: Mapping[str, Any]) -> None:
        super().__init__(", ".join(fields))
        self.fields = dict(fields)
        self.typed = typed


def field_of(problem: Problem) -> str:
    """Where a problem with the metadata is shown."""
    if problem.field == "prajak_claims" and problem.values.get("claim") in OFFERED_CLAIMS:
        return f"claim-{problem.values['claim']}"
    return NAMES.get(problem.field, problem.field if problem.field in ClientForm.__dataclass_fields__ else "")


def entry_of(name: str, claim: WantedClaim) -> dict[str, Any]:
    entry: dict[str, Any] = {"claim": name, "purpose": claim.purpose, "purpose#th": claim.purpose_th}
    return entry | {"legal_basis": claim.legal_basis, "essential": claim.essential}


def key_set(parsed: Any) -> Any:
    """One key alone is taken as a set of one; whether they are good keys is checked with the rest."""
    return {"keys": [parsed]} if isinstance(parsed, dict) and "kty" in parsed else parsed


def form_of(metadata: Mapping[str, Any]) -> ClientForm:
    """The form of a client as it is registered."""
    entries = {entry["claim"]: entry for entry in metadata.get("prajak_claims") or ()}
    return ClientForm(
        name_th=metadata.get("client_name#th", ""),
        name_en=metadata.get("client_name", ""),
        profile=metadata.get("prajak_profile", ""),
        key_source="jwks_uri" if metadata.get("jwks_uri") else "jwks",
        jwks=json.dumps(metadata["jwks"], indent=2) if metadata.get("jwks") else "",
        jwks_uri=metadata.get("jwks_uri", ""),
        claims={name: claim_of(entry) for name, entry in entries.items()},
        **{name: "\n".join(metadata.get(name) or ()) for name in LISTS},
        **{name: metadata.get(name, "") for name in TEXTS},
    )


def claim_of(entry: Mapping[str, Any]) -> WantedClaim:
    return WantedClaim(
        wanted=True,
        purpose=entry.get("purpose", ""),
        purpose_th=entry.get("purpose#th", ""),
        legal_basis=entry.get("legal_basis", ""),
        essential=bool(entry.get("essential")),
    )
