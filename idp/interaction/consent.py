"""Consent in plain words: each claim with its value, its purpose and its legal basis, before anything is released.

What the page shows is what `oidc/claims` would release, and what the grant keeps. A claim that a client adds later
is asked for again; what was allowed before is not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from core import audit, i18n
from core.errors import NotFound
from enrollment.account import PersonAttributes
from idp.interaction.claim_words import (
    LINES,
    classification_label,
    legal_basis_label,
    line_label,
    line_of,
    line_value,
)
from idp.interaction.prompting import names_to_allow
from idp.interaction.visit import Visit
from idp.models.agency import load_agency_names
from idp.models.catalogue import Entry, load_entry
from idp.models.client import RegisteredClient
from idp.models.grant import load_grant, record_grant
from idp.oidc.claims import ClaimRelease, registration_of, releasable_claims

THAI_NAME = line_of("name#th")


@dataclass(frozen=True)
class Line:
    """One line of the page: claims that say one thing, for one purpose. `value` is empty where nothing is known."""

    claims: tuple[str, ...]
    label: str
    value: str
    purpose: str
    legal_basis: str
    essential: bool
    allowed_before: bool


@dataclass(frozen=True)
class AskedRecord:
    """One record of another agency: what it is and who holds it, by the catalogue; what for and why, by the asker."""

    name: str
    holder: str
    source: str
    classification: str
    retention: str
    holders_basis: str
    purpose: str
    legal_basis: str
    law: str


def allow(visit: Visit) -> None:
    """Keeps the consent and its audit entry in one transaction."""
    assert visit.session and visit.request and visit.client  # noqa: S101, PT018 - consent comes after login
    services, account_id, names = visit.services, visit.session.account_id, names_to_allow(visit.request, visit.client)
    now = services.ground.clock.now()
    with services.ground.database.write() as connection:
        record_grant(
            connection,
            account_id=account_id,
            client_id=visit.client.client_id,
            scope=visit.request.scope,
            claims=names - {"offline_access"},
            now=now,
        )
        services.interactions.note(connection, visit.progress, account_id=account_id, consented_at=now)
        audit.record(
            connection,
            services.ground.clock,
            event="consent.given",
            actor=account_id,
            subject=account_id,
            client_id=visit.client.client_id,
            detail={"claims": " ".join(sorted(names)), "interaction": visit.progress.id} | records_named(visit),
        )


def records_named(visit: Visit) -> dict[str, str]:
    assert visit.request  # noqa: S101 - consent is of a request
    identifiers = [each["identifier"] for each in visit.request.consented_details]
    return {"record": " ".join(identifiers)} if identifiers else {}


def deny(visit: Visit, *, event: str = "consent.denied") -> None:
    """`access_denied` at the agency, which learns nothing else."""
    services, client_id = visit.services, visit.progress.client_id
    account_id = visit.session.account_id if visit.session else "unknown"
    with services.ground.database.write() as connection:
        services.interactions.refuse(connection, visit.progress.id, "access_denied")
        audit.record(
            connection,
            services.ground.clock,
            event=event,
            actor=account_id,
            subject=account_id,
            client_id=client_id,
            detail={"interaction": visit.progress.id},
        )


def context(visit: Visit) -> dict[str, object]:
    assert visit.session and visit.request and visit.client  # noqa: S101, PT018 - consent comes after login
    with visit.services.ground.database.read() as connection:
        grant = load_grant(connection, visit.session.account_id, visit.client.client_id)
        agency_ids = [visit.client.agency_id] if visit.client.agency_id else []
        names = load_agency_names(connection, agency_ids)
    lines = lines_of(visit, grant.claims if grant else frozenset())
    return {
        "new_lines": [line for line in lines if not line.allowed_before],
        "old_lines": [line for line in lines if line.allowed_before],
        "offline": "offline_access" in visit.request.scope,
        "agency_name": next((th if i18n.language() == "th" else en for th, en in names.values()), ""),
        "records": asked_records(visit),
    }


def asked_records(visit: Visit) -> list[AskedRecord]:
    """Raises NotFound for a record that its agency took back meanwhile: nothing is asked that cannot be given."""
    assert visit.request  # noqa: S101 - consent is of a request
    found = []
    with visit.services.ground.database.read() as connection:
        for detail in visit.request.consented_details:
            entry = load_entry(connection, detail["identifier"])
            if entry is None or not entry.is_offered_to(visit.progress.client_id, at=detail["locations"][0]):
                raise NotFound("The record is not offered any more. Please go back to the service.")
            holder = load_agency_names(connection, [entry.agency_id]).get(entry.agency_id, ("", ""))
            found.append(asked_record(detail, entry, holder))
    return found


def asked_record(detail: Mapping[str, Any], entry: Entry, holder: tuple[str, str]) -> AskedRecord:
    language = i18n.language()
    return AskedRecord(
        name=entry.name(language),
        holder=holder[0 if language == "th" else 1],
        source=entry.source,
        classification=classification_label(entry.classification),
        retention=entry.retention,
        holders_basis=" ".join(filter(None, (legal_basis_label(entry.legal_basis), entry.law))),
        purpose=str(detail.get(f"prajak_purpose#{language}") or detail["prajak_purpose"]),
        legal_basis=legal_basis_label(detail["prajak_legal_basis"]),
        law=str(detail.get("prajak_law", "")),
    )


def lines_of(visit: Visit, granted: frozenset[str]) -> list[Line]:
    """In the catalogue's order; claims of one line stay together when their purpose and basis are the same."""
    assert visit.session and visit.request and visit.client  # noqa: S101, PT018
    accounts, account_id = visit.services.accounts, visit.session.account_id
    attributes, identity = accounts.attributes(account_id), accounts.identity(account_id)
    groups: dict[tuple[int, str, str, bool, str], list[ClaimRelease]] = {}
    for release in releasable_claims(visit.request, visit.client, attributes, identity):
        number = line_of(spoken_name(release, attributes))
        alone = release.name if number == len(LINES) else ""
        key = (number, purpose_of(visit.client, release), release.legal_basis, release.name in granted, alone)
        groups.setdefault(key, []).append(release)
    return [
        line(visit.client, releases, granted, attributes)
        for _key, releases in sorted(groups.items(), key=lambda each: each[0])
    ]


def spoken_name(release: ClaimRelease, attributes: PersonAttributes) -> str:
    """Core section 5.2: where no Latin name is known the claim without a tag is the Thai one; then the page says so."""
    tagged = f"{release.name}#th"
    is_thai = release.value is not None and line_of(tagged) == THAI_NAME and not attributes.name_en
    return tagged if is_thai else release.name


def line(
    client: RegisteredClient, releases: list[ClaimRelease], granted: frozenset[str], attributes: PersonAttributes
) -> Line:
    first = releases[0]
    return Line(
        claims=tuple(each.name for each in releases),
        label=line_label(tuple(spoken_name(each, attributes) for each in releases)),
        value=line_value({each.name: each.value for each in releases}),
        purpose=purpose_of(client, first),
        legal_basis=legal_basis_label(first.legal_basis),
        essential=any(each.essential for each in releases),
        allowed_before=first.name in granted,
    )


def purpose_of(client: RegisteredClient, release: ClaimRelease) -> str:
    """In the person's language, where the agency wrote it in that."""
    entry = registration_of(client, release.name) or {}
    return str(entry.get(f"purpose#{i18n.language()}") or release.purpose)
