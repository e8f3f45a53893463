"""What an approval covers, outside the sandbox: a client that changes itself (RFC 7592 section 2.2) may ask for less of
people, never for more, and neither changes what they are shown nor where they are sent. The rest is its own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from idp.models.client import RegisteredClient
from idp.models.profile import ProfileName
from idp.registration.client_registration import Prepared
from idp.registration.problems import InvalidMetadata, Problem
from idp.registration.rules import origin

Metadata = Mapping[str, Any]
GROWS = "This was approved when the client was registered and cannot grow: register anew."
CHANGES = "This was approved when the client was registered and cannot change: register anew."
STRICTNESS = tuple(ProfileName)  # from the loosest
SHOWN = re.compile(r"(client_name|client_uri|logo_uri|policy_uri|tos_uri)(#.+)?|application_type")
PLACES = ("redirect_uris", "post_logout_redirect_uris", "initiate_login_uri", "frontchannel_logout_uri")
SETS: Mapping[str, Callable[[Metadata], set[str]]] = {
    "scope": lambda metadata: set(metadata["scope"].split()),
    "grant_types": lambda metadata: set(metadata["grant_types"]),
    "authorization_details_types": lambda metadata: set(metadata.get("authorization_details_types", ())),
    # with purpose and legal basis: people read them
    "prajak_claims": lambda metadata: {json.dumps(e, sort_keys=True) for e in metadata.get("prajak_claims", ())},
}


def check_as_approved(client: RegisteredClient, prepared: Prepared) -> None:
    """Raises InvalidMetadata naming each field that leaves what was approved."""
    before, after = client.metadata, prepared.metadata
    problems = [Problem(name, GROWS) for name in wider(before, after)]
    problems += [Problem(name, CHANGES) for name in otherwise(before, after)]
    if (prepared.sector_identifier or f"client:{client.client_id}") != client.sector_identifier:
        problems.append(Problem("sector_identifier_uri", CHANGES))  # Core section 8.1: whose subjects it knows
    if problems:
        raise InvalidMetadata(problems)


def wider(before: Metadata, after: Metadata) -> Iterator[str]:
    """What asks for more of people, or for less of the client."""
    yield from (name for name, asked in SETS.items() if not asked(after) <= asked(before))
    if STRICTNESS.index(after["prajak_profile"]) < STRICTNESS.index(before["prajak_profile"]):
        yield "prajak_profile"
    if after["subject_type"] == "public" and before["subject_type"] != "public":
        yield "subject_type"


def otherwise(before: Metadata, after: Metadata) -> Iterator[str]:
    """What people were shown is the same to the letter; where they are sent, the same hosts."""
    names = sorted(name for name in {*before, *after} if SHOWN.fullmatch(name))
    yield from (name for name in names if before.get(name) != after.get(name))
    approved = hosts(before, "redirect_uris")
    yield from (name for name in PLACES if not hosts(after, name) <= hosts(before, name) | approved)


def hosts(metadata: Metadata, name: str) -> set[tuple[str, str | None, int | None]]:
    addresses = metadata.get(name) or ()
    return {origin(each) for each in ([addresses] if isinstance(addresses, str) else addresses)}
