"""A client's metadata in rows that a person can read, the same on its own page and on the approver's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext

from core import i18n
from idp.admin.words import CLAIMS, PROFILES
from idp.interaction.claim_words import legal_basis_label

SHOWN = (
    "client_name",
    "client_name#th",
    "prajak_profile",
    "token_endpoint_auth_method",
    "grant_types",
    "scope",
    "redirect_uris",
    "post_logout_redirect_uris",
    "backchannel_logout_uri",
    "logo_uri",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "jwks_uri",
    "jwks",
    "prajak_claims",
)


def client_name(metadata: Mapping[str, Any]) -> str:
    """In the language of the page."""
    return str(metadata.get(f"client_name#{i18n.language()}") or metadata.get("client_name") or "")


def summary_rows(metadata: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    """(label, lines) of what is registered, without the claims: they are a table of their own."""
    return [
        (label(name), list(lines(name, metadata[name])))
        for name in SHOWN
        if metadata.get(name) and name != "prajak_claims"
    ]


def claim_rows(metadata: Mapping[str, Any]) -> list[list[str]]:
    """Claim, purpose, legal basis, whether it is needed: what the consent page will say."""
    return [claim_cells(entry) for entry in metadata.get("prajak_claims") or ()]


def changed_members(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, list[str], list[str]]]:
    """(label, lines before, lines after) of what a change would change."""
    return [
        (label(name), list(lines(name, before.get(name))), list(lines(name, after.get(name))))
        for name in SHOWN
        if (before.get(name) or None) != (after.get(name) or None)
    ]


def label(name: str) -> str:
    labels = {
        "client_name": gettext("Service name in English"),
        "client_name#th": gettext("Service name in Thai"),
        "prajak_profile": gettext("Security profile"),
        "token_endpoint_auth_method": gettext("How it authenticates"),
        "grant_types": gettext("Grants"),
        "scope": gettext("Scopes"),
        "redirect_uris": gettext("Redirect URIs"),
        "post_logout_redirect_uris": gettext("Post-logout redirect URIs"),
        "backchannel_logout_uri": gettext("Back-channel logout URI"),
        "logo_uri": gettext("Address of the logo"),
        "client_uri": gettext("Home page"),
        "policy_uri": gettext("Privacy notice"),
        "tos_uri": gettext("Terms of use"),
        "jwks_uri": gettext("Address of the keys"),
        "jwks": gettext("Keys"),
        "prajak_claims": gettext("Data wanted"),
    }
    return labels[name]


def lines(name: str, value: Any) -> Iterator[str]:
    if not value:
        return
    if name == "prajak_claims":
        yield from (" – ".join(claim_cells(entry)) for entry in value)
    elif name == "jwks":
        yield from map(key_line, value["keys"])
    elif name == "prajak_profile":
        yield str(PROFILES.get(value, value))
    else:
        yield from ([value] if isinstance(value, str) else value)


def claim_cells(entry: Mapping[str, Any]) -> list[str]:
    thai = i18n.language() == "th"
    purpose = (entry.get("purpose#th") if thai else "") or entry.get("purpose") or entry.get("purpose#th", "")
    need = gettext("Needed") if entry.get("essential") else gettext("Not needed to go on")
    return [str(CLAIMS.get(entry["claim"], entry["claim"])), purpose, legal_basis_label(entry["legal_basis"]), need]


def key_line(key: Mapping[str, Any]) -> str:
    parts = (key.get("kty"), key.get("crv"), key.get("alg"), f"kid {key['kid']}" if key.get("kid") else None)
    return " · ".join(str(part) for part in parts if part)
