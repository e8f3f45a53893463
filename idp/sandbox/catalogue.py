"""What the sandbox's agencies serve to one another: agency A's entitlements, to agency B."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from core.ground import Ground
from idp.models.catalogue import Entry, load_entry
from idp.registration.catalogue import CatalogueRegistration

IDENTIFIER = "benefit-entitlements"


def offer_records(ground: Ground, agencies: Mapping[str, str]) -> None:
    """What is there already stays as it is: an approver may have changed it."""
    with ground.database.read() as connection:
        known = load_entry(connection, IDENTIFIER)
    if known is None:
        CatalogueRegistration(ground).offer(entitlements(ground, agencies["a"]), by="sandbox")


def entitlements(ground: Ground, agency_id: str) -> Entry:
    port = (urlsplit(ground.settings.issuer).port or 443) + 1
    return Entry(
        identifier=IDENTIFIER,
        agency_id=agency_id,
        client_id="demo-a",
        resource=f"http://agency-a.localhost:{port}/api/entitlements",
        name_th="สิทธิสวัสดิการที่ได้รับ",
        name_en="Benefits that you are entitled to",
        source="ทะเบียนผู้มีสิทธิสวัสดิการ (ตัวอย่าง)",
        classification="confidential",
        legal_basis="public_task",
        law="พระราชบัญญัติสวัสดิการตัวอย่าง มาตรา 5",
        retention="ตลอดเวลาที่มีสิทธิ และอีก 5 ปี",
        recipients=("demo-b",),
    )
