"""The form of a client and its RFC 7591 metadata: one into the other, without losing what was typed.

What is right is decided by `registration/client_metadata`; here only the shapes differ: a textarea is a list, a
checkbox with four fields is one entry of `prajak_claims`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from werkzeug.datastructures import MultiDict

from core.errors import PersonError
from idp.oidc.claims import CATALOGUE, VERIFIED_CLAIMS, WITH

# One checkbox covers a claim in every language, and whether its address was confirmed.
OFFERED_CLAIMS = (*(name for name in CATALOGUE if "#" not in name and name not in WITH), VERIFIED_CLAIMS)
LISTS = ("redirect_uris", "post_logout_redirect_uris")
TEXTS = ("client_uri", "policy_uri", "tos_uri", "backchannel_logout_uri")
# What the metadata calls it and what the form does; an error about the one is shown at the other.
NAMES = {"client_name": "name_en", "client_name#th": "name_th"}


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
    """The fields as typed. `keys` says which of the two fields below it counts."""

    name_th: str = ""
    name_en: str = ""
    profile: str = ""
    redirect_uris: str = ""
    post_logout_redirect_uris: str = ""
    backchannel_logout_uri: str = ""
    client_uri: str = ""
    policy_uri: str = ""
    tos_uri: str = ""
    keys: str = "jwks"
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


def metadata_of(form: ClientForm) -> dict[str, Any]:
    """RFC 7591 section 2. Members that stay empty are left out. Raises PersonError for keys that are no JSON."""
    metadata: dict[str, Any] = {
        "client_name": form.name_en,
        "client_name#th": form.name_th,
        "prajak_profile": form.profile,
        "token_endpoint_auth_method": "private_key_jwt",
        "prajak_claims": [entry_of(name, claim) for name, claim in form.claims.items() if claim.wanted],
    }
    metadata |= {name: getattr(form, name).split() for name in LISTS}
    metadata |= {name: getattr(form, name) for name in TEXTS}
    if form.backchannel_logout_uri:
        metadata["backchannel_logout_session_required"] = True
    if form.keys == "jwks_uri":
        metadata["jwks_uri"] = form.jwks_uri
    else:
        metadata["jwks"] = read_jwks(form.jwks)
    return {name: value for name, value in metadata.items() if value not in ("", [])} | {
        "redirect_uris": metadata["redirect_uris"],
        "prajak_claims": metadata["prajak_claims"],
    }


def entry_of(name: str, claim: WantedClaim) -> dict[str, Any]:
    entry: dict[str, Any] = {"claim": name, "purpose": claim.purpose, "legal_basis": claim.legal_basis}
    if claim.purpose_th:
        entry["purpose#th"] = claim.purpose_th
    return entry | {"essential": claim.essential}


def read_jwks(text: str) -> Any:
    """One key alone is taken as a set of one; whether they are good keys is checked with the rest."""
    try:
        parsed = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PersonError("This is not JSON. Paste the whole key set, from { to }.", field="jwks") from error
    return {"keys": [parsed]} if isinstance(parsed, dict) and "kty" in parsed else parsed


def form_of(metadata: Mapping[str, Any]) -> ClientForm:
    """The form of a client as it is registered."""
    entries = {entry["claim"]: entry for entry in metadata.get("prajak_claims") or ()}
    return ClientForm(
        name_th=metadata.get("client_name#th", ""),
        name_en=metadata.get("client_name", ""),
        profile=metadata.get("prajak_profile", ""),
        keys="jwks_uri" if metadata.get("jwks_uri") else "jwks",
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
