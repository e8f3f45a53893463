"""The claims catalogue in the console: an agency offers records of its own, by who approves for it."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from core.audit import AuditEntry
from idp.models.catalogue import load_entry
from tests.idp.admin.site import PEOPLE, errors

PAGE = "/console/catalogue"


@pytest.fixture(scope="module")
def clients(site):
    """An API of agency-a, and a service of agency-b that may ask."""
    return site.register(site.browser("dev-dao")), site.register(site.browser("dev-boon"))


@pytest.fixture
def approver(site):
    return site.browser("approver-kaew")


@pytest.fixture
def typed(clients):
    return {
        "identifier": "benefit-entitlements",
        "client_id": clients[0],
        "resource": "http://localhost:9000/api/entitlements",
        "name_th": "สิทธิสวัสดิการ",
        "name_en": "Benefit entitlements",
        "source": "ทะเบียนผู้มีสิทธิ",
        "classification": "confidential",
        "legal_basis": "public_task",
        "law": "พระราชบัญญัติตัวอย่าง มาตรา 5",
        "retention": "5 ปี",
        "recipients": clients[1],
        "act": "save",
    }


def load(site, identifier="benefit-entitlements"):
    with site.provider.ground.database.read() as connection:
        return load_entry(connection, identifier)


@pytest.mark.parametrize("name", [name for name, *_, role in PEOPLE if role != "agency-approver"])
def test_only_who_approves_for_an_agency_opens_it(site, name):
    assert site.browser(name).get(PAGE).status_code == 403


def test_a_record_is_offered_changed_and_withdrawn(site, approver, typed, clients):
    assert approver.submit(f"{PAGE}/new", typed).status_code == 303
    assert load(site).recipients == (clients[1],)
    assert "Benefit entitlements" in approver.get(PAGE).text
    assert approver.submit(f"{PAGE}/benefit-entitlements", typed | {"retention": "1 ปี"}).status_code == 303
    assert load(site).retention == "1 ปี"
    assert "1 ปี" in approver.get(f"{PAGE}/benefit-entitlements").text
    assert approver.submit(f"{PAGE}/benefit-entitlements", {"act": "withdraw"}).status_code == 303
    assert load(site) is None
    assert list(errors(approver.submit(f"{PAGE}/new", typed))) == ["identifier"], "it never comes back"
    with site.provider.ground.database.read() as connection:
        written = select(AuditEntry.event).where(AuditEntry.event.like("catalogue.%")).order_by(AuditEntry.number)
        assert list(connection.execute(written).scalars()) == [
            "catalogue.offered",
            "catalogue.offered",
            "catalogue.withdrawn",
        ]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("identifier", "Not Small"), ("identifier", ""), ("identifier", "x" * 81), ("resource", "ftp://x.example/"),
        ("resource", "https://x.example/?a=1"), ("resource", "nothing"), ("name_th", ""), ("name_en", "x" * 201),
        ("source", "a\nb"), ("law", ""), ("retention", ""), ("classification", "hidden"), ("legal_basis", ""),
        ("client_id", "nobody"), ("recipients", ""), ("recipients", "nobody-at-all"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_at_its_field(site, approver, typed, field, value):
    answer = approver.submit(f"{PAGE}/new", typed | {"identifier": "another"} | {field: value})
    assert answer.status_code == 400
    assert list(errors(answer)) == [field]
    assert load(site, "another") is None


def test_a_new_record_takes_the_place_of_none_that_is_there(site, approver, typed):
    assert approver.submit(f"{PAGE}/new", typed | {"identifier": "kept"}).status_code == 303
    again = approver.submit(f"{PAGE}/new", typed | {"identifier": "kept", "retention": "ตลอดไป"})
    assert list(errors(again)) == ["identifier"]
    assert load(site, "kept").retention == "5 ปี"


def test_another_agency_s_client_or_api_cannot_be_offered(site, approver, typed, clients):
    answer = approver.submit(f"{PAGE}/new", typed | {"identifier": "stolen", "client_id": clients[1]})
    assert "client_id" in errors(answer)
    assert approver.submit(f"{PAGE}/new", typed | {"identifier": "of-a"}).status_code == 303
    theirs = typed | {"identifier": "of-b", "client_id": clients[1], "recipients": clients[0]}
    other = site.browser("approver-bua")
    assert list(errors(other.submit(f"{PAGE}/new", theirs))) == ["resource"]
    assert other.get(f"{PAGE}/of-a").status_code == 404
    assert other.submit(PAGE + "/of-a", {"act": "withdraw"}).status_code == 404
