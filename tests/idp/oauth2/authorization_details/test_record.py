"""RFC 9396 type `prajak_record`: another agency's record, by the catalogue, consented to each time."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from idp.errors import InvalidAuthorizationDetails
from idp.models.agency import Agency
from idp.models.catalogue import Entry, load_entries, load_entry, save_entry, withdraw_entry
from idp.oauth2.authorization_request import Asked
from idp.oauth2.rar import assign_authorization_details
from idp.portal.activity import activity
from tests.idp.clients import registered
from tests.idp.provider import ISSUER, claims_of, query_of
from tests.protocol.requirement import requirement

NOW = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)
API = "https://agency-a.example/api/benefits"
ENTRY = Entry(
    identifier="benefits",
    agency_id="holder",
    client_id="holders-api",
    resource=API,
    name_th="สิทธิสวัสดิการ",
    name_en="Benefit entitlements",
    source="ทะเบียนผู้มีสิทธิ",
    classification="confidential",
    legal_basis="public_task",
    law="พระราชบัญญัติตัวอย่าง",
    retention="5 ปี",
    recipients=("asker",),
)


class OneRecord:
    def find(self, identifier: str) -> Entry | None:
        return ENTRY if identifier == "benefits" else None


def detail(**changed: Any) -> dict[str, Any]:
    usual = {
        "type": "prajak_record",
        "identifier": "benefits",
        "locations": [API],
        "actions": ["read"],
        "prajak_purpose": "To reduce your vehicle tax",
        "prajak_purpose#th": "เพื่อลดหย่อนภาษีรถ",
        "prajak_legal_basis": "consent",
    }
    return {name: value for name, value in (usual | changed).items() if value is not None}


def assign(given: dict[str, Any], client_id: str = "asker") -> Any:
    client = replace(registered(authorization_details_types=["prajak_record"]), client_id=client_id)
    text = {"authorization_details": json.dumps([given])}
    asked = Asked(client, text, NOW, hints=None, records=OneRecord())  # type: ignore[arg-type]
    return assign_authorization_details(asked)["authorization_details"]


@pytest.mark.parametrize("changed", [{}, {"prajak_legal_basis": "legal_obligation", "prajak_law": "มาตรา 13"}])
def test_a_record_is_asked_for_by_its_catalogue_entry(changed):
    assert assign(detail(**changed)) == (detail(**changed),)


@requirement("RFC 9396", "5", "MUST")
@pytest.mark.parametrize(
    "changed",
    [
        {"identifier": "another"},
        {"identifier": 5},
        {"locations": ["https://agency-a.example/api/other"]},
        {"locations": [API, API]},
        {"locations": []},
        {"locations": API},
        {"actions": ["write"]},
        {"actions": ["read", "write"]},
        {"prajak_purpose": None},
        {"prajak_legal_basis": "because"},
        {"prajak_legal_basis": ["consent"]},
        {"prajak_legal_basis": "legal_obligation"},
        {"prajak_law": "a law beside the consent"},
        {"extra": True},
    ],
)
def test_what_the_catalogue_does_not_offer_is_refused(changed):
    with pytest.raises(InvalidAuthorizationDetails):
        assign(detail(**changed))


def test_a_record_is_offered_to_its_recipients_alone():
    with pytest.raises(InvalidAuthorizationDetails, match="offered to this client"):
        assign(detail(), client_id="stranger")


# The catalogue -------------------------------------------------------------------------------------------------------


@pytest.mark.both_backends
def test_an_entry_is_its_agency_s_alone(ground, clock):
    now = clock.now()
    with ground.database.write() as connection:
        assert save_entry(connection, ENTRY, now=now)
        assert save_entry(connection, replace(ENTRY, retention="1 ปี"), now=now)
        assert not save_entry(connection, replace(ENTRY, agency_id="another"), now=now)
        assert not withdraw_entry(connection, "benefits", agency_id="another", now=now)
        assert load_entry(connection, "benefits") == replace(ENTRY, retention="1 ปี")
        assert withdraw_entry(connection, "benefits", agency_id="holder", now=now)
        assert load_entry(connection, "benefits") is None
        assert load_entries(connection, ["holder"]) == []
        assert not save_entry(connection, ENTRY, now=now), "a withdrawn identifier never comes back"


# The whole way -------------------------------------------------------------------------------------------------------


@pytest.fixture
def asker(provider, clock):
    agency = provider.agency("vehicles", authorization_details_types=["prajak_record"])
    with provider.ground.database.write() as connection:
        row = {"id": "holder", "name_th": "สำนักงานสวัสดิการ", "name_en": "Benefits", "sector": "benefits"}
        connection.execute(Agency.__table__.insert(), row | {"created_at": clock.now()})
        save_entry(connection, replace(ENTRY, recipients=(agency.client_id,)), now=clock.now())
    return agency


def test_a_citizen_reads_what_is_asked_for_and_allows_it_each_time(provider, browser, asker):
    details = json.dumps([detail()])
    asker.sign_in(browser, scope="openid")
    for _ in range(2):
        asked = asker.authorize(browser, scope="openid", authorization_details=details)
        page = browser.get(str(asked.location)).text
        for shown in (ENTRY.source, ENTRY.law, ENTRY.retention):
            assert shown in page
        assert "เพื่อลดหย่อนภาษีรถ" in page or "To reduce your vehicle tax" in page
        tokens = asker.redeem(query_of(asker.walk(browser, asked))["code"]).json
        assert tokens["authorization_details"] == [detail()]


def test_what_was_allowed_keeps_its_name_in_the_activity(provider, browser, asker, clock):
    asker.sign_in(browser, scope="openid", authorization_details=json.dumps([detail()]))
    with provider.ground.database.write() as connection:
        withdraw_entry(connection, "benefits", agency_id="holder", now=clock.now())
    with provider.app.test_request_context():
        said = [each.what for each in activity(provider.ground, provider.ids["somchai"]).happenings]
    assert "You allowed a service to have data of yours: สิทธิสวัสดิการ" in said


def test_where_it_is_not_the_person_s_consent_the_law_is_named(browser, asker):
    wanted = detail(prajak_legal_basis="legal_obligation", prajak_law="พระราชบัญญัติรถยนต์ตัวอย่าง มาตรา 9")
    asker.sign_in(browser, scope="openid")
    asked = asker.authorize(browser, scope="openid", authorization_details=json.dumps([wanted]))
    assert wanted["prajak_law"] in browser.get(str(asked.location)).text


def test_the_token_is_worth_an_exchange_and_nothing_else(browser, asker):
    token = asker.sign_in(browser, scope="openid", authorization_details=json.dumps([detail()]))["access_token"]
    assert claims_of(token)["aud"] == f"{ISSUER}/token"
    assert asker.userinfo(token).status_code == 401


def test_a_silent_request_cannot_open_a_record(browser, asker):
    asker.sign_in(browser, scope="openid")
    answer = asker.authorize(browser, scope="openid", prompt="none", authorization_details=json.dumps([detail()]))
    assert query_of(answer)["error"] == "consent_required"


def test_a_record_that_is_not_offered_to_the_asker_any_more_is_not_asked_for(provider, browser, asker, clock):
    asker.sign_in(browser, scope="openid")
    asked = asker.authorize(browser, scope="openid", authorization_details=json.dumps([detail()]))
    with provider.ground.database.write() as connection:
        save_entry(connection, replace(ENTRY, recipients=("another",)), now=clock.now())
    assert browser.get(str(asked.location)).status_code == 404


def test_a_record_withdrawn_meanwhile_is_not_asked_for(provider, browser, asker, clock):
    asker.sign_in(browser, scope="openid")
    asked = asker.authorize(browser, scope="openid", authorization_details=json.dumps([detail()]))
    with provider.ground.database.write() as connection:
        withdraw_entry(connection, "benefits", agency_id="holder", now=clock.now())
    assert browser.get(str(asked.location)).status_code == 404
